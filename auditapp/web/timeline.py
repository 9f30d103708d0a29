"""The timeline: the newest events one may see, narrowed by the query string."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.finding import News, awaited_index, newest_id
from auditapp.index.state import IndexStaleError
from auditapp.models import SavedView
from auditapp.reading.choices import choices_for
from auditapp.reading.loosening import offers_of
from auditapp.reading.missing_names import newest_of_unnamed
from auditapp.reading.story import list_stories
from auditapp.reading.timeline import list_events
from auditapp.web.filter_form import FilterForm
from auditapp.web.formats import workspace_zone
from auditapp.web.fragments import render, wants_fragment
from auditapp.web.gate import permission_required
from auditapp.web.highlight import searched
from auditapp.web.view_tabs import tabs_of_page

bp = Blueprint("timeline", __name__)

PAGE = "timeline/index.html"
RESULTS = "timeline/_results_and_form.html"
ROWS = "timeline/_rows.html"
# Of a page that needs the index while it is made anew.
INDEX_RETRY_SECONDS = 30
# A header of requests: the newest event that the page knew of. Of answers: up to where was looked.
SEEN = "Auditapp-Seen"


@bp.get("/w/<workspace>")
@permission_required(AUDIT_LOG_READ)
def home(workspace: str) -> ResponseReturnValue:
    """Go on to the timeline."""
    return redirect(url_for(".index", workspace=workspace))


@dataclass(frozen=True)
class Visit:
    """Somebody looks at a saved view: what is new since ``last_seen``, None at their first visit."""

    view: SavedView
    newest: int
    last_seen: int | None = None
    news: News | None = None
    seen_at: datetime | None = None

    @property
    def news_words(self) -> str:
        """Return how much is new, as it is read before "since you last looked"; empty at a first visit."""
        if not self.news:
            return ""
        if self.news.is_unknown:
            return "Perhaps something new"
        return self.news.words if self.news.count else "Nothing new"


@bp.get("/w/<workspace>/timeline")
@permission_required(AUDIT_LOG_READ)
def index(workspace: str) -> ResponseReturnValue:
    """Show the newest events this person may see, narrowed by the query string."""
    args = list(request.args.items(multi=True))
    try:
        filters = TimelineFilters.from_args(
            args,
            zone=workspace_zone(g.viewer.workspace),
            now=datetime.now(UTC),
            knows_me=True,
            places=places_of(g.viewer.workspace),
        )
    except FilterError as error:
        return refused(workspace, list(error.problems.values()), request.args)
    url = timeline_url(workspace, filters.to_query())
    if not wants_fragment() and args != filters.to_query():
        return redirect(url)  # what a form sends without JavaScript, in its canonical form
    return show(workspace, filters, url)


def show(workspace: str, filters: TimelineFilters, url: str, *, visit: Visit | None = None) -> Response:
    """Render the page of a filter, or its fragment.

    :param url: for the address bar.
    :param visit: to the saved view that this is.
    """
    try:
        return _show(workspace, filters, url, visit)
    except IndexStaleError as error:
        response = refused(
            workspace, [error.title, error.advice], MultiDict(filters.to_query()), visit, status=503
        )
        response.headers["Retry-After"] = str(INDEX_RETRY_SECONDS)
        return response


def _show(workspace: str, filters: TimelineFilters, url: str, visit: Visit | None) -> Response:
    searched(filters.q.included)
    # Asked before the page: what is recorded in between is told of twice, rather than never.
    newest = visit.newest if visit else newest_id(g.viewer)
    page = (list_stories if filters.group else list_events)(filters, g.viewer)
    context: dict[str, Any] = {"workspace": workspace, "page": page, "filters": filters}
    context["new_after"] = _new_after(visit)
    if wants_fragment() and filters.before:
        # "Show older" appends rows; the address bar stays with the page that one is on.
        return render(PAGE, ROWS, **context)
    choices = choices_for(g.viewer)
    is_empty = not (page.events or filters.before or filters.after)
    offers, alone = offers_of(filters, g.viewer) if is_empty else ([], [])
    named = newest_of_unnamed(filters, g.viewer, page.events, [actor for actor, _, _ in choices.actors])
    return render(
        PAGE,
        RESULTS,
        push_url=url,
        form=FilterForm(MultiDict(filters.to_query()), choices, [*page.events, *named]),
        from_form=request.headers.get("HX-Source") == "form#filters",
        offers=offers,
        alone=alone,
        newest=newest,
        visit=visit,
        lag=awaited_index(g.viewer).lag_words("searchable") if filters.needs_index else [],
        **tabs_of_page(),
        **context,
    )


def _new_after(visit: Visit | None) -> int | None:
    """Return the newest event that was known; rows that were recorded since are marked."""
    seen = seen_id(request.headers.get(SEEN, ""))
    return visit.last_seen if visit and seen is None else seen


def seen_id(text: str) -> int | None:
    """Read which event is the newest that a page knows of; None where the text does not say."""
    try:
        return places_of(g.viewer.workspace).read_seen(text)
    except ValueError:
        return None


def seen_text(number: int) -> str:
    """Return what :func:`seen_id` reads."""
    return places_of(g.viewer.workspace).write_seen(number)


def timeline_url(workspace: str, pairs: list[tuple[str, str]]) -> str:
    """Return the timeline's URL with a query string, in the order of the pairs."""
    query: dict[str, Any] = MultiDict(pairs).to_dict(flat=False)
    return url_for("timeline.index", workspace=workspace, **query)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"timeline_url": timeline_url, "fragment": wants_fragment(), "seen_text": seen_text}


def refused(
    workspace: str,
    problems: Sequence[str],
    args: MultiDict[str, str],
    visit: Visit | None = None,
    *,
    status: int = 422,
) -> Response:
    """Render the page of a query string that cannot be answered: sentences in the place of the rows."""
    response = render(
        PAGE,
        RESULTS,
        workspace=workspace,
        problems=problems,
        form=FilterForm(args, choices_for(g.viewer)),
        from_form=request.headers.get("HX-Source") == "form#filters",
        visit=visit,
        **tabs_of_page(),
    )
    response.status_code = status
    return response
