"""Settings → Sources: where other products send their webhooks, and what of it could not be read."""

import uuid

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

from auditapp.access.members import MemberError
from auditapp.access.permissions import Permission
from auditapp.extensions import db
from auditapp.http.links import absolute
from auditapp.inbound import receiving
from auditapp.inbound import set_aside as aside
from auditapp.inbound import source as sources
from auditapp.inbound.forms import FORMS
from auditapp.models import SetAside, Source
from auditapp.web.gate import me
from auditapp.web.settings.page import SettingsPage, show_settings

page = SettingsPage(
    "sources",
    "Sources",
    Permission.SOURCES_MANAGE,
    place=30,
    failing=lambda workspace: len(sources.failing(workspace)),
)

# Of the bodies that could not be read, so many are shown, and so much of each; the rest is downloaded.
SHOWN = 100
PREVIEW_BYTES = 2000


@page.get()
def index(workspace: str) -> ResponseReturnValue:
    """List the sources, and offer to make one."""
    return _page()


@page.post()
def create(workspace: str) -> ResponseReturnValue:
    """Make a source; its secret is shown once."""
    form = request.form
    kind, secret = form.get("kind", ""), form.get("secret") or sources.new_secret()
    if kind not in FORMS:
        return _page("Choose in whose form it sends.", 422)
    try:
        source = sources.create_source(g.viewer.workspace, kind, form.get("name", ""), secret, me())
    except (MemberError, sources.SourceError) as error:
        db.session.rollback()
        return _page(str(error), 422)
    db.session.commit()
    return _page(made=source, secret=secret)


@page.get("/<source_id>")
def show(workspace: str, source_id: str) -> ResponseReturnValue:
    """Show how to send to a source, and what of it waits to be read."""
    source = _source(source_id)
    return show_settings(
        "source.html",
        source=source,
        kind=FORMS[source.kind],
        url=_url(source),
        waiting=aside.set_aside_of(source, SHOWN + 1, PREVIEW_BYTES),
        dismissed=aside.set_aside_of(source, SHOWN + 1, PREVIEW_BYTES, dismissed=True),
        problems=sources.problems_of(source),
        shown=SHOWN,
    )


@page.get("/<source_id>/set-aside/<set_aside_id>")
def body(workspace: str, source_id: str, set_aside_id: str) -> ResponseReturnValue:
    """Download a body exactly as it came."""
    waiting = _waiting(_source(source_id), set_aside_id)
    headers = {"Content-Disposition": f'attachment; filename="{waiting.id}"'}
    return Response(waiting.body, content_type="application/octet-stream", headers=headers)


@page.post("/<source_id>/replay")
def replay(workspace: str, source_id: str) -> ResponseReturnValue:
    """Read once more what was set aside: one body, or all of them."""
    source = _source(source_id)
    if chosen := request.form.get("set_aside"):
        received = [receiving.replay(_waiting(source, chosen))]
        db.session.commit()
    else:
        received = receiving.replay_all(source)
    unread = sum(webhook.reason is not None for webhook in received)
    read = len(received) - unread
    flash(f"{read:,} read and recorded" + (f", {unread:,} still cannot be read." if unread else "."))
    return redirect(url_for(".show", workspace=workspace, source_id=source_id), 303)


@page.post("/<source_id>/dismiss")
def dismiss(workspace: str, source_id: str) -> ResponseReturnValue:
    """Let one body, or all, wait no longer; they are kept, and the log says who dismissed them."""
    source = _source(source_id)
    chosen = request.form.get("set_aside")
    ids = [_waiting(source, chosen).id] if chosen else aside.waiting_ids(source)
    count = aside.dismiss(source, ids, me())
    db.session.commit()
    flash(f"{count:,} dismissed. What was dismissed is kept and can still be read.")
    return redirect(url_for(".show", workspace=workspace, source_id=source_id), 303)


@page.post("/<source_id>/remove")
def remove(workspace: str, source_id: str) -> ResponseReturnValue:
    """Close a source; what it sent stays in the log."""
    source = _source(source_id)
    sources.remove_source(source, me())
    db.session.commit()
    flash(f"The source {source.name} was removed.")
    return redirect(url_for(".index", workspace=workspace), 303)


def _source(source_id: str) -> Source:
    return sources.source_in(g.viewer.workspace, source_id) or abort(404)


def _waiting(source: Source, set_aside_id: str) -> SetAside:
    try:
        waiting = db.session.get(SetAside, (source.workspace_id, uuid.UUID(set_aside_id)))
    except ValueError:
        waiting = None
    if waiting is None or waiting.source_id != source.id:
        abort(404)
    return waiting


def _url(source: Source) -> str:
    return absolute(url_for("receive.create", path=source.path))


def _page(
    error: str | None = None,
    status: int = 200,
    *,
    made: Source | None = None,
    secret: str | None = None,
) -> Response:
    return show_settings(
        "sources.html",
        status,
        error=error,
        sources=sources.sources_of(g.viewer.workspace),
        kinds=FORMS,
        made=made,
        url=made and _url(made),
        secret=secret,
    )
