"""A history as a file: every version that the filters leave, whole, with who took it, when and of what."""

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, abort, g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.permissions import Permission
from auditapp.filters import FilterError
from auditapp.http.download import download
from auditapp.log.schema import instant
from auditapp.outbound.export import Chosen, query_of
from auditapp.reading.records.related import related_rows
from auditapp.reading.records.versions import is_known
from auditapp.web.errors import error_page
from auditapp.web.formats import workspace_zone
from auditapp.web.gate import me, permission_required
from auditapp.web.history.page import CANNOT_READ, record_in_path
from auditapp.web.history.query import VERSIONS, HistoryQuery

bp = Blueprint("history_export", __name__)

FORMAT = "auditapp-history/1"


# The name of the form stands in front: a record's id may end in anything.
@bp.get("/w/<workspace>/history.jsonl/<entity_type>/<record_id:entity_id>")
@permission_required(Permission.AUDIT_LOG_EXPORT)
def versions_jsonl(workspace: str, entity_type: str, entity_id: str) -> ResponseReturnValue:
    """Send a record's events, the oldest first, between a line that says what it is and one that ends it."""
    now = datetime.now(UTC)
    record = record_in_path(entity_type, entity_id)
    try:
        query = HistoryQuery.from_args(
            record, list(request.args.items(multi=True)), zone=workspace_zone(g.viewer.workspace), now=now
        )
        if query.view != VERSIONS:
            raise FilterError({"view": "A history is exported as versions; leave out at, from, to and view."})
    except FilterError as error:
        return error_page(422, CANNOT_READ, str(error))
    if not is_known(record, g.viewer):
        abort(404)
    query = query.resolved(g.viewer)
    return download(
        query.filters,
        g.viewer,
        "jsonl",
        actor=me(),
        origin="ui",
        head=_line(_head(workspace, query, now)),
        name="history",
        chosen=_chosen(query),
    )


def _head(workspace: str, query: HistoryQuery, now: datetime) -> dict[str, Any]:
    """Return what the file is, for its first line."""
    return {
        "format": FORMAT,
        "workspace": workspace,
        "record": query.record._asdict(),
        "filters": _pairs(query),
        "taken_at": instant(now),
        "taken_by": me(),
        "role": g.viewer.role_name,
        "sees_everything": g.viewer.can(Permission.AUDIT_LOG_READ_ALL),
    }


def _chosen(query: HistoryQuery) -> Chosen:
    if not query.has("related"):
        return Chosen(end=_end)
    text = f"{query_of(query.filters)}&related=1"
    return Chosen(related_rows(query.record, g.viewer), text, _end)


def _end(events: int) -> bytes:
    # A file that was cut off between two lines would look whole without it.
    return _line({"format": FORMAT, "end": True, "events": events})


def _line(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def _pairs(query: HistoryQuery) -> list[tuple[str, str]]:
    """Return what says which events there are; their place on the page does not matter."""
    return [*query.narrowing(), *([("related", "1")] if query.has("related") else [])]


def history_export_url(workspace: str, query: HistoryQuery) -> str:
    """Return the URL of a history as a file."""
    args: dict[str, Any] = MultiDict(_pairs(query)).to_dict(flat=False)
    path: dict[str, Any] = {
        "workspace": workspace,
        "entity_type": query.record.type,
        "entity_id": query.record.id,
    }
    return url_for("history_export.versions_jsonl", **path, **args)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"history_export_url": history_export_url}
