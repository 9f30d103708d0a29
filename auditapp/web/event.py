"""One event: a page of its own, and as a fragment the inside of an expanded row."""

from typing import Any

from flask import Blueprint, abort, g, request
from flask.typing import ResponseReturnValue

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.reading.diffs.field_changes import field_changes
from auditapp.reading.event import WholeEvent, find_event
from auditapp.reading.story import cause_of, stories_of
from auditapp.web.formats import json_html
from auditapp.web.fragments import render
from auditapp.web.gate import permission_required
from auditapp.web.sentences import effect

bp = Blueprint("event", __name__)

PAYLOAD_CHARS = 6000


@bp.get("/w/<workspace>/events/<event_id>")
@permission_required(AUDIT_LOG_READ)
def show(workspace: str, event_id: str) -> ResponseReturnValue:
    """Show one event; ``?show=all`` leaves nothing out of it."""
    event = find_event(event_id, g.viewer)
    if event is None:
        abort(404)
    shows_all = request.args.get("show") == "all"
    return render(
        "event/show.html",
        "event/_event.html",
        workspace=workspace,
        event=event.row,
        shows_all=shows_all,
        story=stories_of([event.row], g.viewer)[event.row.id],
        **details(event, shows_all=shows_all),
    )


def details(event: WholeEvent, *, shows_all: bool) -> dict[str, Any]:
    """Return the sections as the templates need them; None where a section was erased."""
    changes = event.section("changes")
    shown, more = field_changes(
        changes or {},
        created=effect(event.row) == "created",
        deleted=effect(event.row) == "deleted",
        max_fields=None if shows_all else 50,
        max_chars=None if shows_all else 2000,
    )
    payload = event.section("payload")
    payload_html, left_out = json_html(payload, None if shows_all else PAYLOAD_CHARS)
    names = event.section("names") or {"entity": None, "related": []}
    related = event.section("related") or []
    return {
        "actor": event.section("actor"),
        "on_behalf_of": event.section("on_behalf_of"),
        "related": [
            {**entity, "name": name} for entity, name in zip(related, names["related"], strict=False)
        ],
        "changes": shown,
        "more_changes": more,
        "changes_erased": changes is None,
        "payload": payload_html,
        "payload_left_out": left_out,
        "has_payload": payload != {},
        "payload_erased": payload is None,
        "context": event.section("context") or {},
        "cause": cause_of(event.row),
        "seq": event.seq,
    }
