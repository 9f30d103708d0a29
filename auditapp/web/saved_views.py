"""Saved views: the timeline under a name, and the forms that save, change and remove one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access import saved_views
from auditapp.access.permissions import AUDIT_LOG_READ, Permission
from auditapp.access.saved_views import SavedViewError, may_change
from auditapp.extensions import db
from auditapp.filters import FilterError, TimelineFilters
from auditapp.finding import MAX_AT_A_VISIT, News, count_new, count_new_in_each, newest_id
from auditapp.index.state import IndexStaleError
from auditapp.models import SavedView
from auditapp.reading.choices import choices_for
from auditapp.values.strict_json import shorten
from auditapp.web import timeline
from auditapp.web.errors import error_page
from auditapp.web.filter_form import FilterForm
from auditapp.web.formats import workspace_zone
from auditapp.web.fragments import wants_fragment
from auditapp.web.gate import deny, permission_required
from auditapp.web.view_tabs import Tab

bp = Blueprint("views", __name__)

FORM = "saved_views/form.html"
# Where on the timeline somebody is, and how much of it is shown, is no part of a view.
NOT_SAVED = ("before", "after", "limit")


@bp.get("/w/<workspace>/views")
@permission_required(AUDIT_LOG_READ)
def index(workspace: str) -> ResponseReturnValue:
    """List the views; as a fragment, the tabs with what is new in each."""
    if wants_fragment():
        current = saved_views.find_view(g.viewer, request.args.get("current", ""))
        return render_template("saved_views/_tabs.html", workspace=workspace, tabs=_tabs(), view=current)
    views = saved_views.views_of(g.viewer)
    return render_template(
        "saved_views/index.html", workspace=workspace, views=views, pinned=saved_views.pinned_of(g.viewer)
    )


@bp.get("/w/<workspace>/views/new")
@permission_required(AUDIT_LOG_READ)
def new(workspace: str) -> ResponseReturnValue:
    """Offer to save the filters of the query string."""
    return _form(
        workspace,
        {
            "name": "",
            "description": "",
            "shared": "",
            "query": urlencode(_saved(request.args.items(multi=True))),
        },
    )


@bp.post("/w/<workspace>/views")
@permission_required(AUDIT_LOG_READ)
def create(workspace: str) -> ResponseReturnValue:
    """Save a view, and go there."""
    typed = _typed()
    try:
        view = saved_views.save_view(g.viewer, query=_canonical(typed["query"]), **_fields(typed))
    except SavedViewError as error:
        return _form(workspace, typed, error.problems)
    db.session.commit()
    saved_views.note_visit(g.viewer, view, newest_id(g.viewer))
    return redirect(url_for(".show", workspace=workspace, view_id=view.id), 303)


@bp.get("/w/<workspace>/views/<view_id>")
@permission_required(AUDIT_LOG_READ)
def show(workspace: str, view_id: str) -> ResponseReturnValue:
    """Show the timeline of a view, mark what is new since this person last looked, and remember that."""
    view = _view(view_id)
    if request.args:
        name = shorten(next(iter(request.args)))
        return error_page(422, f"{name} is not known here", "A view has its own filters and takes no others.")
    newest = newest_id(g.viewer)
    pairs = MultiDict(parse_qsl(view.query))
    try:
        filters = _filters(pairs.items(multi=True))
    except FilterError as error:
        return timeline.refused(workspace, list(error.problems.values()), pairs, timeline.Visit(view, newest))
    here = url_for(".show", workspace=workspace, view_id=view.id)
    response = timeline.show(workspace, filters, here, visit=_visit(view, filters, newest))
    if response.status_code == 200 and _is_visit():
        saved_views.note_visit(g.viewer, view, newest)
    return response


def _visit(view: SavedView, filters: TimelineFilters, newest: int) -> timeline.Visit:
    last = saved_views.visits_of(g.viewer).get(view.id)
    if last is None:
        return timeline.Visit(view, newest)
    news = _count(filters, last.seen_event_id, newest)
    return timeline.Visit(view, newest, last.seen_event_id, news, last.seen_at)


@bp.get("/w/<workspace>/views/<view_id>/edit")
@permission_required(AUDIT_LOG_READ)
def edit(workspace: str, view_id: str) -> ResponseReturnValue:
    """Offer to change a view; with the filters of the query string, where there are any."""
    view = _changeable(view_id)
    query = urlencode(_saved(request.args.items(multi=True)))
    typed = {
        "name": view.name,
        "description": view.description,
        "shared": "yes" if view.is_shared else "",
        "query": query or view.query,
    }
    return _form(workspace, typed, view=view)


@bp.post("/w/<workspace>/views/<view_id>/edit")
@permission_required(AUDIT_LOG_READ)
def change(workspace: str, view_id: str) -> ResponseReturnValue:
    """Change a view, and go there."""
    view, typed = _changeable(view_id), _typed()
    try:
        # As it was, it may stay, though it is no filter any more.
        query = typed["query"] if typed["query"] == view.query else _canonical(typed["query"])
        saved_views.change_view(view, query=query, **_fields(typed))
    except SavedViewError as error:
        return _form(workspace, typed, error.problems, view=view)
    db.session.commit()
    return redirect(url_for(".show", workspace=workspace, view_id=view_id), 303)


@bp.post("/w/<workspace>/views/<view_id>/pin")
@permission_required(AUDIT_LOG_READ)
def pin(workspace: str, view_id: str) -> ResponseReturnValue:
    """Put a view in front of the others, for this person alone; or back, where ``pinned`` is empty."""
    saved_views.pin(g.viewer, _view(view_id), bool(request.form.get("pinned")))
    db.session.commit()
    return redirect(url_for(".show", workspace=workspace, view_id=view_id), 303)


@bp.post("/w/<workspace>/views/<view_id>/delete")
@permission_required(AUDIT_LOG_READ)
def delete(workspace: str, view_id: str) -> ResponseReturnValue:
    """Remove a view."""
    view = _changeable(view_id)
    name = view.name
    saved_views.remove_view(view)
    db.session.commit()
    flash(f"The view {name} was removed.")
    return redirect(url_for(".index", workspace=workspace), 303)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {
        "may_change_view": _may_change,
        "new_view_url": _new_url,
        "edit_view_url": _edit_url,
    }


def _new_url(workspace: str, pairs: list[tuple[str, str]]) -> str:
    return url_for("views.new", workspace=workspace, **_grouped(pairs))


def _edit_url(workspace: str, view: SavedView, pairs: list[tuple[str, str]]) -> str:
    return url_for("views.edit", workspace=workspace, view_id=view.id, **_grouped(pairs))


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return MultiDict(pairs).to_dict(flat=False)


def _may_change(view: SavedView) -> bool:
    return may_change(g.viewer, view)


def _view(view_id: str) -> SavedView:
    return saved_views.find_view(g.viewer, view_id) or abort(404)


def _changeable(view_id: str) -> SavedView:
    view = _view(view_id)
    if not _may_change(view):
        deny(g.viewer, Permission.MEMBERS_MANAGE)
    return view


def _is_visit() -> bool:
    """Tell whether a person sees the answer, rather than a browser that guesses ahead."""
    purpose = request.headers.get("Sec-Purpose") or request.headers.get("Purpose") or ""
    return request.method == "GET" and "prefetch" not in purpose


def _saved(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if value and name not in NOT_SAVED]


def _filters(pairs: Iterable[tuple[str, str]]) -> TimelineFilters:
    zone = workspace_zone(g.viewer.workspace)
    return TimelineFilters.from_args(pairs, zone=zone, now=datetime.now(UTC), knows_me=True)


def _canonical(query: str) -> str:
    try:
        return urlencode(_filters(_saved(parse_qsl(query))).to_query())
    except FilterError as error:
        raise SavedViewError({"query": str(error)}) from None


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in ("name", "description", "shared", "query")}


def _fields(typed: dict[str, str]) -> dict[str, Any]:
    return {"name": typed["name"], "description": typed["description"], "is_shared": bool(typed["shared"])}


def _form(
    workspace: str,
    typed: dict[str, str],
    problems: dict[str, str] | None = None,
    *,
    view: SavedView | None = None,
) -> Response:
    pairs = parse_qsl(typed["query"])
    page = render_template(
        FORM,
        workspace=workspace,
        typed=typed,
        problems=problems or {},
        view=view,
        pairs=pairs,
        form=FilterForm(MultiDict(pairs), choices_for(g.viewer)),
        others=[]
        if view
        else [saved_view for saved_view in saved_views.views_of(g.viewer) if _may_change(saved_view)],
    )
    return make_response(page, 422 if problems else 200)


def _tabs() -> list[Tab]:
    """Return the views with what is new in each; nothing is counted where nothing was recorded since."""
    views, visits = saved_views.views_of(g.viewer), saved_views.visits_of(g.viewer)
    visited = {
        view.id: (filters, visits[view.id].seen_event_id)
        for view in views
        if view.id in visits and (filters := _filters_of(view)) is not None
    }
    counts = dict(zip(visited, _news(list(visited.values())), strict=True))
    return [Tab(view, counts.get(view.id, News())) for view in views]


def _filters_of(view: SavedView) -> TimelineFilters | None:
    try:
        return _filters(parse_qsl(view.query))
    except FilterError:  # its own page says so
        return None


def _news(visited: list[tuple[TimelineFilters, int]]) -> list[News]:
    """Return what is new in each filter since an event; unknown of words while they are made anew."""
    newest = newest_id(g.viewer)
    try:
        return count_new_in_each(visited, g.viewer, newest, MAX_AT_A_VISIT)
    except IndexStaleError:
        known = iter(_news([visit for visit in visited if not visit[0].needs_index]))
        return [
            News(is_capped=seen < newest) if filters.needs_index else next(known) for filters, seen in visited
        ]


def _count(filters: TimelineFilters, seen: int, newest: int) -> News:
    try:
        return count_new(filters, g.viewer, seen, newest=newest, most=MAX_AT_A_VISIT)
    except IndexStaleError:
        return News(is_capped=True, looked_to=seen)
