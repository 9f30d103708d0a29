"""Settings → API keys: which programs may write and read, since when, and until when."""

import uuid
from datetime import UTC, datetime, timedelta

from flask import (
    Response,
    abort,
    flash,
    g,
    redirect,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from auditapp.access import api_keys
from auditapp.access.members import MemberError, clean_name
from auditapp.access.permissions import Permission
from auditapp.extensions import db
from auditapp.models import ApiKey
from auditapp.web.gate import me
from auditapp.web.settings.page import SettingsPage, show_settings

page = SettingsPage("api_keys", "API keys", Permission.API_KEYS_MANAGE, place=20)

# Days until a new key ends, as the form offers them; none for never.
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "": "no end"}
SCOPE_WORDS = {"events:write": "record events", "events:read": "read the whole log"}


@page.get()
def index(workspace: str) -> ResponseReturnValue:
    """List the keys, and offer to make one."""
    return _page()


@page.post()
def create(workspace: str) -> ResponseReturnValue:
    """Make a key and show it, once."""
    form = request.form
    scopes = set(form.getlist("scope"))
    lifetime = form.get("lifetime", "")
    if not scopes or not scopes <= set(api_keys.SCOPES):
        return _page("Say what the key may do: record events, read the log, or both.", 422)
    if lifetime not in LIFETIMES:
        return _page("Choose one of the lifetimes.", 422)
    expires_at = datetime.now(UTC) + timedelta(days=int(lifetime)) if lifetime else None
    try:
        name = clean_name(form.get("name", ""))
    except MemberError as error:
        return _page(str(error), 422)
    key = api_keys.create_key(g.viewer.workspace, name, scopes, me(), expires_at)
    db.session.commit()
    return _page(new_key=key)


@page.post("/<key_id>/revoke")
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


def _page(error: str | None = None, status: int = 200, *, new_key: str | None = None) -> Response:
    return show_settings(
        "api_keys.html",
        status,
        error=error,
        keys=api_keys.keys_of(g.viewer.workspace),
        is_valid=api_keys.is_valid,
        lifetimes=LIFETIMES,
        scope_words=SCOPE_WORDS,
        new_key=new_key,
    )
