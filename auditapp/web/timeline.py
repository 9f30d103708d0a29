"""The timeline: the newest events one may see, narrowed by the query string."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.gate import permission_required
from auditapp.reading import timeline
from auditapp.reading.choices import choices_for
from auditapp.reading.filters import FilterError, TimelineFilters
from auditapp.web.filter_form import FilterForm
from auditapp.web.formats import workspace_zone
from auditapp.web.fragments import render, wants_fragment

bp = Blueprint("timeline", __name__)

PAGE = "timeline/index.html"
RESULTS = "timeline/_results_and_form.html"
ROWS = "timeline/_rows.html"


@bp.get("/w/<workspace>")
@permission_required("audit_log", "read")
def home(workspace: str) -> ResponseReturnValue:
    """Go on to the timeline."""
    return redirect(url_for(".index", workspace=workspace))


@bp.get("/w/<workspace>/timeline")
@permission_required("audit_log", "read")
def index(workspace: str) -> ResponseReturnValue:
    """Show the newest events this person may see, narrowed by the query string."""
    args = list(request.args.items(multi=True))
    try:
        filters = TimelineFilters.from_args(
            args, zone=workspace_zone(g.viewer.workspace), now=datetime.now(UTC), knows_me=True
        )
    except FilterError as error:
        return _refused(workspace, error)
    url = timeline_url(workspace, filters.to_query())
    if not wants_fragment() and args != filters.to_query():
        return redirect(url)  # what a form sends without JavaScript, in its canonical form
    page = timeline.list_events(filters, g.viewer)
    if wants_fragment() and filters.before:
        # "Show older" appends rows; the address bar stays with the page that one is on.
        return render(PAGE, ROWS, workspace=workspace, page=page, filters=filters)
    return render(
        PAGE,
        RESULTS,
        push_url=url,
        workspace=workspace,
        page=page,
        filters=filters,
        form=FilterForm(request.args, choices_for(g.viewer), page.events),
        from_form=request.headers.get("HX-Source") == "form#filters",
    )


def timeline_url(workspace: str, pairs: list[tuple[str, str]]) -> str:
    """Return the timeline's URL with a query string, in the order of the pairs."""
    query: dict[str, Any] = MultiDict(pairs).to_dict(flat=False)
    return url_for("timeline.index", workspace=workspace, **query)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"timeline_url": timeline_url, "fragment": wants_fragment()}


def _refused(workspace: str, error: FilterError) -> Response:
    response = render(
        PAGE,
        RESULTS,
        workspace=workspace,
        error=error,
        form=FilterForm(request.args, choices_for(g.viewer)),
        from_form=request.headers.get("HX-Source") == "form#filters",
    )
    response.status_code = 422
    return response
