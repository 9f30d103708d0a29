"""Saved views: who sees and changes which, and where each person last stood in one."""

import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, delete, func, literal, or_, select, update
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from auditapp.access.permissions import Permission
from auditapp.access.viewer import Viewer
from auditapp.database.upsert import upsert
from auditapp.extensions import db
from auditapp.models import SavedView, ViewVisit
from auditapp.values.strict_json import text_problem

MAX_NAME = 100
MAX_DESCRIPTION = 500
MAX_QUERY = 8000
MAX_VIEWS = 50

log = logging.getLogger(__name__)


class SavedViewError(ValueError):
    """A view cannot be saved like that; ``problems`` maps each wrong field to a sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(self.problems.values()))


def views_of(viewer: Viewer) -> list[SavedView]:
    """Return the views that somebody sees, their own and the workspace's, by name; pinned ones first."""
    views = db.session.scalars(select(SavedView).where(_visible(viewer))).all()
    pinned = pinned_of(viewer) if views else set()
    return sorted(views, key=lambda view: (view.id not in pinned, view.name.casefold(), view.id))


def pinned_of(viewer: Viewer) -> set[uuid.UUID]:
    """Return the ids of the views that somebody pinned."""
    mine = (ViewVisit.workspace_id == viewer.workspace.id, ViewVisit.member_id == viewer.member_id)
    return set(db.session.scalars(select(ViewVisit.view_id).where(*mine, ViewVisit.is_pinned)))


def pin(viewer: Viewer, view: SavedView, is_pinned: bool) -> None:
    """Pin a view for one person who has looked at it, or unpin it. The caller commits."""
    mine = (ViewVisit.workspace_id == viewer.workspace.id, ViewVisit.member_id == viewer.member_id)
    visit = update(ViewVisit).where(*mine, ViewVisit.view_id == view.id)
    db.session.execute(visit.values(is_pinned=is_pinned))


def find_view(viewer: Viewer, view_id: str) -> SavedView | None:
    """Return a view, None where this viewer sees none of that id."""
    try:
        query = select(SavedView).where(_visible(viewer), SavedView.id == uuid.UUID(view_id))
    except ValueError:
        return None
    return db.session.scalars(query).first()


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    seen = or_(SavedView.is_shared, SavedView.member_id == viewer.member_id)
    return and_(SavedView.workspace_id == viewer.workspace.id, seen)


def may_change(viewer: Viewer, view: SavedView) -> bool:
    """Tell whether somebody may change and remove a view that they see."""
    return view.member_id == viewer.member_id or viewer.can(Permission.MEMBERS_MANAGE)


def save_view(viewer: Viewer, name: str, description: str, query: str, is_shared: bool) -> SavedView:
    """Save a view for a member. The caller commits.

    :param query: the timeline's query string, canonical, without a place on the page.
    :raise SavedViewError: if name, description or query are too long or cannot be stored, or there are
        50 views of this member, or one of this name.
    """
    if viewer.member_id is None:
        raise SavedViewError({"name": "Only members have views."})
    now = datetime.now(UTC)
    view = SavedView(workspace_id=viewer.workspace.id, id=uuid7(), member_id=viewer.member_id, created_at=now)
    change_view(view, name, description, query, is_shared)
    mine = select(func.count()).where(
        SavedView.workspace_id == viewer.workspace.id, SavedView.member_id == viewer.member_id
    )
    if (db.session.scalar(mine) or 0) >= MAX_VIEWS:
        raise SavedViewError({"name": f"You have {MAX_VIEWS} views already; remove one first."})
    db.session.add(view)
    return view


def change_view(view: SavedView, name: str, description: str, query: str, is_shared: bool) -> None:
    """Change a view. The caller commits.

    :raise SavedViewError: as :func:`save_view`; nothing is changed then.
    """
    name, description = name.strip(), description.strip()
    problems = {}
    if not name or len(name) > MAX_NAME or text_problem(name):
        problems["name"] = f"A name needs 1 to {MAX_NAME} characters."
    elif name != view.name and _has_namesake(view, name):
        problems["name"] = "There is a view of that name already; give this one another."
    if len(description) > MAX_DESCRIPTION or text_problem(description):
        problems["description"] = f"A description has {MAX_DESCRIPTION} characters at most."
    if len(query) > MAX_QUERY:
        problems["query"] = "These filters are too long to be saved."
    if problems:
        raise SavedViewError(problems)
    view.name, view.description, view.query, view.is_shared = name, description, query, is_shared
    view.updated_at = datetime.now(UTC)


def _has_namesake(view: SavedView, name: str) -> bool:
    """Tell whether whoever made a view has another one of that name, in any case of its letters."""
    other_names = select(SavedView.name).where(
        SavedView.workspace_id == view.workspace_id,
        SavedView.member_id == view.member_id,
        SavedView.id != view.id,
    )
    return name.casefold() in (other_name.casefold() for other_name in db.session.scalars(other_names))


def remove_view(view: SavedView) -> None:
    """Remove a view and what is remembered of visits to it. The caller commits."""
    db.session.execute(
        delete(ViewVisit).where(ViewVisit.workspace_id == view.workspace_id, ViewVisit.view_id == view.id)
    )
    db.session.delete(view)


def visits_of(viewer: Viewer) -> dict[uuid.UUID, ViewVisit]:
    """Return somebody's last visit to each view that they have looked at."""
    query = select(ViewVisit).where(
        ViewVisit.workspace_id == viewer.workspace.id, ViewVisit.member_id == viewer.member_id
    )
    return {visit.view_id: visit for visit in db.session.scalars(query)}


def note_visit(viewer: Viewer, view: SavedView, newest: int) -> None:
    """Remember that somebody looked at a view, and commit; what cannot be remembered stops nobody.

    :param newest: the newest event that was there.
    """
    now = datetime.now(UTC)
    key = (SavedView.workspace_id == viewer.workspace.id, SavedView.id == view.id)
    member = literal(viewer.member_id, ViewVisit.member_id.type)
    # Selected, so that a view that somebody removes just now is not missed.
    row = select(
        SavedView.workspace_id,
        SavedView.id,
        member,
        literal(newest, ViewVisit.seen_event_id.type),
        literal(now, ViewVisit.seen_at.type),
    ).where(*key)
    statement = upsert(ViewVisit).from_select(
        ["workspace_id", "view_id", "member_id", "seen_event_id", "seen_at"], row
    )
    new = statement.excluded
    try:
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "view_id", "member_id"],
                set_={"seen_event_id": new.seen_event_id, "seen_at": new.seen_at},
                # Of two tabs at once, the one that saw more stays.
                where=ViewVisit.seen_event_id <= new.seen_event_id,
            )
        )
        db.session.commit()
    except DBAPIError as error:
        db.session.rollback()
        log.warning("a visit was not remembered", exc_info=error)
