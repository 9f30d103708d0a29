"""The gate of the pages: who is signed in, and what their role lets them pass."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from flask import abort, current_app, g, request
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from auditapp.access import throttle
from auditapp.access.members import SLUG
from auditapp.access.own_events import actor_of, note
from auditapp.access.permissions import Requirement
from auditapp.access.sessions import SignedIn, find_session
from auditapp.access.viewer import Viewer, member_viewer
from auditapp.access.wal_positions import note_session_position
from auditapp.extensions import db, login_manager
from auditapp.http.gates import View
from auditapp.http.replica_reads import Reader, answer_of, let_read
from auditapp.models import Member
from auditapp.server_log import denied, identify


class AccessDenied(Forbidden):
    """Signed in and a member, but without the right; ``right`` says which, in words."""

    def __init__(self, viewer: Viewer, right: str) -> None:
        super().__init__(f"Your role {viewer.role_name} may not {right}.")
        self.viewer = viewer
        self.right = right


@login_manager.user_loader
def load_user(token: str) -> SignedIn | None:
    """Return who a cookie's token belongs to; None once the session is over."""
    view = current_app.view_functions.get(request.endpoint or "")
    # What a page asks for by itself says nothing of anybody sitting before it.
    signed_in = find_session(token, is_in_use=not getattr(view, "is_unattended", False))
    if signed_in:
        let_person_read(signed_in)
    return signed_in


def let_person_read(signed_in: SignedIn) -> None:
    """Say that this request is somebody's, who is to read what they write."""
    note_position = partial(note_session_position, signed_in.session_id)
    let_read(Reader(signed_in.wal_position, note_position))


def signed_in_required(view: View) -> View:
    """Let whoever is signed in pass."""

    @wraps(view)
    def gated(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            return login_manager.unauthorized()
        return view(*args, **kwargs)

    gated.gate = "signed in"  # type: ignore[attr-defined]
    return gated  # type: ignore[return-value]


def permission_required(requirement: Requirement) -> Callable[[View], View]:
    """Let members of the URL's workspace pass whose role holds a permission.

    Strangers get 404, as if the workspace did not exist; members without the right get 403, and
    the log says so. The view finds its ``Viewer`` in ``g.viewer``.
    """

    def gate(view: View) -> View:
        @wraps(view)
        def gated(workspace: str, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return login_manager.unauthorized()
            viewer = member_viewer(workspace, current_user.account.id) if "\x00" not in workspace else None
            if viewer is None:
                # What is no slug may be anything that was pasted into the address, a secret too.
                denied("not-a-member", asked=workspace if SLUG.fullmatch(workspace) else None)
                abort(404)
            identify(workspace=viewer.workspace.slug)
            g.viewer = viewer
            if not viewer.can(requirement):
                deny(viewer, requirement)
            return answer_of(view, workspace=workspace, **kwargs)

        gated.gate = _name(requirement)  # type: ignore[attr-defined]
        return gated  # type: ignore[return-value]

    return gate


def deny(viewer: Viewer, requirement: Requirement) -> None:
    """Record the denial, once per person, page and hour, and answer 403; the server's log has each.

    :raise AccessDenied: always.
    """
    member = db.session.get(Member, (viewer.workspace.id, viewer.member_id))
    if member is None:  # removed since the request began
        abort(404)
    denied("role", permission=_name(requirement))
    page = f"{request.method} {request.url_rule}"
    if throttle.is_first_in_hour(f"denied:{viewer.workspace.id}:{member.id}:{page}"):
        note(
            viewer.workspace,
            "access.denied",
            actor_of(member.account, member),
            {"id": _name(requirement), "name": requirement.words},
            outcome="denied",
            payload={"method": request.method, "path": request.path.replace("\x00", "")[:512]},
        )
    db.session.commit()
    raise AccessDenied(viewer, requirement.words)


def _name(requirement: Requirement) -> str:
    return f"{requirement.resource}:{requirement.action}"


def me() -> dict[str, Any]:
    """Return the member who is asking as an event's actor, behind a gate that found them."""
    member = db.session.get_one(Member, (g.viewer.workspace.id, g.viewer.member_id))
    return actor_of(current_user.account, member)
