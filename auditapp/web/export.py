"""The timeline as a file: the same filters, every event that one may see."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.permissions import Permission
from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.http.download import BYTE_ORDER_MARK, download
from auditapp.outbound.files import OF_THE_PAGE
from auditapp.web.errors import error_page
from auditapp.web.formats import workspace_zone
from auditapp.web.gate import me, permission_required

bp = Blueprint("export", __name__)


@bp.get("/w/<workspace>/timeline.csv")
@permission_required(Permission.AUDIT_LOG_EXPORT)
def timeline_csv(workspace: str) -> ResponseReturnValue:
    """Send a table. Without the mark in front, Excel would read its UTF-8 as something else."""
    return _export("csv", BYTE_ORDER_MARK)


@bp.get("/w/<workspace>/timeline.jsonl")
@permission_required(Permission.AUDIT_LOG_EXPORT)
def timeline_jsonl(workspace: str) -> ResponseReturnValue:
    """Send whole events, one a line, as ``flask events import`` takes them."""
    return _export("jsonl", b"")


def _export(form: str, head: bytes) -> ResponseReturnValue:
    try:
        filters = TimelineFilters.from_args(
            request.args.items(multi=True),
            zone=workspace_zone(g.viewer.workspace),
            now=datetime.now(UTC),
            knows_me=True,
            places=places_of(g.viewer.workspace),
        )
    except FilterError as error:
        return error_page(422, "That filter could not be read", str(error))
    return download(filters, g.viewer, form, actor=me(), origin="ui", head=head)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"export_url": export_url}


def export_url(workspace: str, filters: TimelineFilters, form: str) -> str:
    """Return the URL of a timeline as a file; its place on the page does not matter."""
    query: dict[str, Any] = MultiDict(filters.to_query(**dict.fromkeys(OF_THE_PAGE))).to_dict(flat=False)
    return url_for(f"export.timeline_{form}", workspace=workspace, **query)
