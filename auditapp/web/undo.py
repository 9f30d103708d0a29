"""Undo, prepared: what would take an event or a story back, and the document that says so to programs."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.http.replica_reads import reads_primary
from auditapp.outbound.undo import hand_over
from auditapp.reading.diffs.field_changes import field_changes
from auditapp.reading.diffs.matching import Effort
from auditapp.reading.timeline import EventRow
from auditapp.reading.undo.prepare import Undo, is_no_record, undo_of_event, undo_of_story
from auditapp.reading.undo.reverse import CREATE, DELETE
from auditapp.reading.undo.sentences import (
    CAUTION_WORDS,
    LEFT_WORDS,
    action_sentences,
    conflict_sentence,
    done_sentences,
)
from auditapp.values.strict_json import shorten, text_problem
from auditapp.web.errors import error_page
from auditapp.web.gate import me, permission_required
from auditapp.web.sentences import effect

bp = Blueprint("undo", __name__)

RECORDS, FIELDS, CHARS, SENTENCES = 20, 30, 2000, 30
# A longer document is downloaded, not shown: a field to copy it from would hold the browser up.
SHOWN_BYTES = 1_000_000


@bp.get("/w/<workspace>/undo")
@permission_required(AUDIT_LOG_READ)
@reads_primary
def show(workspace: str) -> ResponseReturnValue:
    """Show what would take back ``event`` or ``correlation``; ``?show=all`` leaves nothing out of it."""
    undo = _named_undo()
    if isinstance(undo, Response):
        return undo
    shows_all = request.args.get("show") == "all"
    return render_template("undo/show.html", workspace=workspace, **_prepared(undo, shows_all))


@bp.post("/w/<workspace>/undo")
@permission_required(AUDIT_LOG_READ)
def take(workspace: str) -> ResponseReturnValue:
    """Hand the document over, on a page or as a file; that it was is an event."""
    undo = _named_undo()
    if isinstance(undo, Response):
        return undo
    download = request.form.get("how") == "download"
    text = hand_over(undo, g.viewer, "downloaded" if download else "shown", actor=me())
    if download or len(text) > SHOWN_BYTES:
        return _file(text)
    return render_template(
        "undo/taken.html", workspace=workspace, undo=undo, text=text.decode(), of=_of(undo)
    )


def _named_undo() -> Undo | Response:
    """Return the undo that the query string names, or the page that says what is wrong with it."""
    problem = _problem(request.args)
    if problem:
        return error_page(422, "That undo could not be read", problem)
    event, correlation = request.args.get("event"), request.args.get("correlation", "")
    undo = undo_of_event(event, g.viewer) if event else undo_of_story(correlation, g.viewer)
    return undo or abort(404)


def _problem(args: MultiDict[str, str]) -> str:
    """Return what is wrong with a query string in a sentence, nothing where it is well-formed."""
    for name in args:
        if name not in ("event", "correlation", "show"):
            return f"{shorten(name)}: there is no such parameter of an undo."
        if len(args.getlist(name)) > 1:
            return f"{name}: may be given once."
    event, correlation = args.get("event", ""), args.get("correlation", "")
    if bool(event) == bool(correlation):
        return "An undo takes either event, by its id, or correlation."
    if event and not _is_uuid(event):
        return f"event: {shorten(event)} is no event’s id."
    if text_problem(correlation):
        return "correlation: this can be no correlation’s id."
    return "" if args.get("show", "all") == "all" else "show: is all, or left out."


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _of(undo: Undo) -> dict[str, str]:
    """Return the query that names an undo."""
    if undo.correlation_id is not None:
        return {"correlation": undo.correlation_id}
    return {"event": str(undo.event.uid)}


def _prepared(undo: Undo, shows_all: bool) -> dict[str, Any]:
    """Return an undo as the page shows it."""
    shown = undo.records if shows_all else undo.records[:RECORDS]
    effort = Effort()  # one for the page, however much there is to compare on it
    records = []
    for record in shown:
        changes, more = field_changes(
            record.changes,
            created=record.action == CREATE,
            deleted=record.action == DELETE,
            max_fields=None if shows_all else FIELDS,
            max_chars=None if shows_all else CHARS,
            effort=effort,
        )
        sentences = [*action_sentences(record), *done_sentences(record)]
        records.append(
            {
                "undo": record,
                "sentences": sentences if shows_all else sentences[:SENTENCES],
                "more_sentences": 0 if shows_all else len(sentences[SENTENCES:]),
                "conflicts": [(conflict_sentence(conflict), conflict.event) for conflict in record.conflicts],
                "cautions": [CAUTION_WORDS[caution] for caution in record.cautions],
                "changes": changes,
                "more_changes": more,
            }
        )
    return {
        "undo": undo,
        "of": _of(undo),
        "shows_all": shows_all,
        "records": records,
        "more_records": len(undo.records) - len(shown),
        "left": [(LEFT_WORDS[left.reason], left.event) for left in undo.left],
        "conflicts": sum(len(record.conflicts) for record in undo.records),
    }


def can_undo(event: EventRow, changes: object) -> bool:
    """Tell whether there may be something to take back, so that it is worth a link.

    :param changes: what the event changed; empty or None for nothing.
    """
    did = changes or effect(event) in ("created", "deleted")
    return bool(did) and event.outcome == "success" and not is_no_record(event)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"can_undo": can_undo}


def _file(text: bytes) -> Response:
    today = datetime.now(UTC).astimezone(ZoneInfo(g.viewer.workspace.timezone)).date()
    response = make_response(text)
    response.content_type = "application/json"
    name = f"{g.viewer.workspace.slug}-undo-{today}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
