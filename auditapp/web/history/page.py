"""A record's history: its versions, who set each field, its state at an instant, two versions compared."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.filters import FilterError
from auditapp.filters.record import is_record
from auditapp.reading.records.history import Head, head_of
from auditapp.reading.records.rail import Rail, rail_of, way_of
from auditapp.reading.records.record import Record
from auditapp.reading.records.renamed import other_name
from auditapp.values.strict_json import text_problem
from auditapp.web.errors import error_page
from auditapp.web.formats import viewer_zone, when, workspace_zone
from auditapp.web.fragments import render, wants_fragment
from auditapp.web.gate import permission_required
from auditapp.web.history.query import COMPARE, FIELDS, INSTANT, VERSIONS, HistoryQuery, history_url
from auditapp.web.history.rail import shown_lanes, shown_periods, size_words
from auditapp.web.history.states import comparison, fields, instant
from auditapp.web.history.versions import verb_of, versions
from auditapp.web.sentences import WAY_WORDS

bp = Blueprint("history", __name__)

CANNOT_READ = "That part of a history could not be read"
# What fills a view's template, of what is asked, the record's head and its rail; 404 where that is nothing.
VIEWS: dict[str, Callable[[HistoryQuery, Head, Rail], dict[str, Any]]] = {
    VERSIONS: versions,
    FIELDS: fields,
    INSTANT: instant,
    COMPARE: comparison,
}


@bp.get("/w/<workspace>/history/<entity_type>/<record_id:entity_id>")
@permission_required(AUDIT_LOG_READ)
def show(workspace: str, entity_type: str, entity_id: str) -> ResponseReturnValue:
    """Show a record in the view that the query string asks for."""
    record = record_in_path(entity_type, entity_id)
    args = list(request.args.items(multi=True))
    zone = workspace_zone(g.viewer.workspace)
    try:
        query = HistoryQuery.from_args(record, args, zone=zone, now=datetime.now(UTC))
    except FilterError as error:
        return _wrong(record, args, error)
    if not wants_fragment() and args != query.canonical():
        return redirect(history_url(workspace, record, query.canonical()))  # as a form sends it
    query = query.resolved(g.viewer)
    head, rail = head_of(record, g.viewer), rail_of(record, query.filters, g.viewer, viewer_zone())
    if head is None or rail is None:
        abort(404)
    return render(
        "history/show.html",
        f"history/_{query.view}.html",
        workspace=workspace,
        record=record,
        query=query,
        head=head,
        rail=rail,
        other_name=other_name(record, g.viewer),
        lanes=shown_lanes(workspace, query, rail),
        periods=shown_periods(workspace, query, rail),
        size_words=size_words(rail),
        tabs=_tabs(workspace, record, head),
        more_url=_more_url(workspace, query),
        **VIEWS[query.view](query, head, rail),
    )


def _more_url(workspace: str, query: HistoryQuery) -> str | None:
    """Return where the same view leaves nothing out, None where it does not."""
    if query.shows_all or query.view == VERSIONS:
        return None
    return history_url(workspace, query.record, query.canonical(), show="all")


def _wrong(record: Record, args: list[tuple[str, str]], error: FilterError) -> ResponseReturnValue:
    """Return the page that says what is wrong with a query string, which keeps what was typed."""
    if wants_fragment():
        return error_page(422, CANNOT_READ, str(error))
    typed = [(name, value) for name, value in args if value]
    context = {"title": CANNOT_READ, "advice": str(error), "record": record, "typed": typed}
    return render_template("history/wrong.html", workspace=g.viewer.workspace.slug, **context), 422


def record_in_path(entity_type: str, entity_id: str) -> Record:
    """Return the record that a path names; 404 where there can be none."""
    record = Record(entity_type, entity_id)
    if text_problem(str(record)) or not is_record(str(record)):
        abort(404)
    return record


@dataclass(frozen=True)
class Tab:
    """A view of the record, and where it begins."""

    view: str
    label: str
    url: str


def _tabs(workspace: str, record: Record, head: Head) -> list[Tab]:
    newest = head.newest
    return [
        Tab(VERSIONS, "Versions", history_url(workspace, record)),
        Tab(FIELDS, "Fields", history_url(workspace, record, view=FIELDS)),
        Tab(INSTANT, "At an instant", history_url(workspace, record, at=when(newest.occurred_at).iso)),
        Tab(COMPARE, "Compare", history_url(workspace, record, to=str(newest.uid))),
    ]


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {
        "history_url": history_url,
        "verb_of": verb_of,
        "way_of": way_of,
        "way_words": WAY_WORDS,
    }
