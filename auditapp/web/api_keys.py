"""Settings → API keys: which programs may write and read, since when, and until when."""

import uuid
from datetime import UTC, datetime, timedelta

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from auditapp.access import api_keys
from auditapp.access.gate import me, permission_required
from auditapp.access.members import MemberError, clean_name
from auditapp.extensions import db
from auditapp.models import ApiKey

bp = Blueprint("api_keys", __name__)

# Days until a new key ends, as the form offers them; none for never.
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "": "no end"}
SCOPE_WORDS = {"events:write": "record events", "events:read": "read the whole log"}


@bp.get("/w/<workspace>/settings/api-keys")
@permission_required("api_keys", "manage")
def index(workspace: str) -> ResponseReturnValue:
    """List the keys, and offer to make one."""
    return _page(workspace)


@bp.post("/w/<workspace>/settings/api-keys")
@permission_required("api_keys", "manage")
def create(workspace: str) -> ResponseReturnValue:
    """Make a key and show it, once."""
    form = request.form
    scopes = set(form.getlist("scope"))
    lifetime = form.get("lifetime", "")
    if not scopes or not scopes <= set(api_keys.SCOPES):
        return _page(workspace, "Say what the key may do: record events, read the log, or both.", 422)
    if lifetime not in LIFETIMES:
        return _page(workspace, "Choose one of the lifetimes.", 422)
    expires_at = datetime.now(UTC) + timedelta(days=int(lifetime)) if lifetime else None
    try:
        name = clean_name(form.get("name", ""))
    except MemberError as error:
        return _page(workspace, str(error), 422)
    key = api_keys.create_key(g.viewer.workspace, name, scopes, me(), expires_at)
    db.session.commit()
    return _page(workspace, new_key=key)


@bp.post("/w/<workspace>/settings/api-keys/<key_id>/revoke")
@permission_required("api_keys", "manage")
def revoke(workspace: str, key_id: str) -> ResponseReturnValue:
    """End a key at once and for good."""
    key = _key(key_id)
    api_keys.revoke_key(key, me())
    db.session.commit()
    flash(f"The key {key.name} opens nothing any more.")
    return redirect(url_for(".index", workspace=workspace), 303)


def _key(key_id: str) -> ApiKey:
    try:
        key = db.session.get(ApiKey, (g.viewer.workspace.id, uuid.UUID(key_id)))
    except ValueError:
        key = None
    if key is None:
        abort(404)
    return key


def _page(
    workspace: str, error: str | None = None, status: int = 200, *, new_key: str | None = None
) -> Response:
    page = render_template(
        "api_keys/index.html",
        workspace=workspace,
        keys=api_keys.keys_of(g.viewer.workspace),
        is_valid=api_keys.is_valid,
        lifetimes=LIFETIMES,
        scope_words=SCOPE_WORDS,
        error=error,
        form=request.form,
        new_key=new_key,
    )
    return make_response(page, status)
