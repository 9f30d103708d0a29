"""How many new events there are, for a page that asks again and again while it is read."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.access.saved_views import find_view
from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.finding import News, count_new
from auditapp.http.gates import unattended
from auditapp.models import SavedView
from auditapp.reading.timeline import Page
from auditapp.web.formats import workspace_zone
from auditapp.web.gate import permission_required
from auditapp.web.timeline import SEEN, seen_id, seen_text, timeline_url

bp = Blueprint("news", __name__)

OWN_PARAMETERS = ("seen", "last", "view")


@bp.get("/w/<workspace>/timeline/new")
@permission_required(AUDIT_LOG_READ)
@unattended
def show(workspace: str) -> ResponseReturnValue:
    """Answer "12 new" as a link to the page itself; nothing where there is nothing new.

    Takes the timeline's filters, ``seen`` as the page has it, ``last``, the place of the page's last
    row, and ``view``, the saved view that the page is.
    """
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] not in OWN_PARAMETERS]
    seen, places = seen_id(request.args.get("seen", "")), places_of(g.viewer.workspace)
    try:
        last = places.read(request.args["last"]) if "last" in request.args else None
        filters = TimelineFilters.from_args(
            pairs,
            zone=workspace_zone(g.viewer.workspace),
            now=datetime.now(UTC),
            knows_me=True,
            places=places,
        )
    except (FilterError, ValueError):
        abort(422)
    if seen is None:
        abort(422)
    if "view" in request.args and not find_view(g.viewer, request.args["view"]):
        abort(404)
    news = count_new(filters, g.viewer, seen, last)
    if not news.count:
        return Response(status=204, headers={SEEN: seen_text(news.looked_to)})
    return _answer(workspace, filters, news)


def _answer(workspace: str, filters: TimelineFilters, news: News) -> Response:
    view_id = request.args.get("view")
    here = (
        url_for("views.show", workspace=workspace, view_id=view_id)
        if view_id
        else timeline_url(workspace, filters.to_query())
    )
    # As it was asked: written anew it would be another text, and the page would say the same twice.
    seen = request.args["seen"]
    return make_response(render_template("timeline/_news.html", here=here, seen=seen, news=news))


def news_url(
    workspace: str, filters: TimelineFilters, newest: int, page: Page, view: SavedView | None
) -> str:
    """Return where a page asks for what is newer than itself."""
    query: dict[str, Any] = MultiDict(filters.to_query()).to_dict(flat=False)
    query["seen"] = seen_text(newest)
    if page.older:
        query["last"] = places_of(g.viewer.workspace).write(page.older)
    if view:
        query["view"] = view.id
    return url_for("news.show", workspace=workspace, **query)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"news_url": news_url}
