"""A record's history: what changed, version by version, newest first."""

from flask import Blueprint, Response, abort, g, request
from flask.typing import ResponseReturnValue

from auditapp.access.gate import permission_required
from auditapp.log.strict_json import shorten, text_problem
from auditapp.reading.cursor import Cursor
from auditapp.reading.field_changes import field_changes
from auditapp.reading.history import History, history_of
from auditapp.web.errors import error_page
from auditapp.web.fragments import render
from auditapp.web.words import mark

bp = Blueprint("history", __name__)

FIELDS_PER_VERSION = 30


@bp.get("/w/<workspace>/history/<entity_type>/<record_id:entity_id>")
@permission_required("audit_log", "read")
def show(workspace: str, entity_type: str, entity_id: str) -> ResponseReturnValue:
    """Show a record's versions; ``before`` and ``after`` page through them."""
    if text_problem(entity_type + entity_id):
        abort(404)
    unknown = sorted(set(request.args) - {"before", "after"})
    if unknown:
        return error_page(
            422, f"{shorten(unknown[0])} is not known here", "A history takes before and after."
        )
    try:
        before, after = _cursor("before"), _cursor("after")
    except ValueError:
        return _bad_cursor()
    history = history_of(entity_type, entity_id, g.viewer, before=before, after=after)
    if history is None:
        abort(404)
    return render(
        "history/show.html",
        "history/_versions.html",
        workspace=workspace,
        entity_type=entity_type,
        entity_id=entity_id,
        history=history,
        versions=_prepared(history),
    )


def _cursor(name: str) -> Cursor | None:
    text = request.args.get(name)
    return Cursor.parse(text) if text else None


def _bad_cursor() -> Response:
    return error_page(
        422, "That is no place in this history", "Follow the page’s own links to older versions."
    )


def _prepared(history: History) -> list[tuple[object, list[object], int, bool]]:
    prepared = []
    for version in history.versions:
        shown, more = field_changes(
            version.changes or {},
            deleted=mark(version.event) == "deleted",
            max_fields=FIELDS_PER_VERSION,
        )
        prepared.append((version.event, shown, more, version.changes is None))
    return prepared  # type: ignore[return-value]
