"""Every page there is, by the application's own map of routes, and a workspace that fills each."""

from collections.abc import Iterator
from typing import Any

from flask import Flask
from sqlalchemy import select

from auditapp.access import api_keys, members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.roles import find_role
from auditapp.access.saved_views import note_visit, pin, save_view
from auditapp.access.viewer import Viewer, member_viewer
from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.followers.failures import keep_failure
from auditapp.inbound.source import create_source
from auditapp.models import Account, Event, SetAside, Workspace
from tests.conftest import an_event

OWNER = "owner@full.example"
MEMBER = "member@full.example"
# Routes that answer with something else than a page.
NO_PAGES = {
    "static",
    "health",
    "metrics",
    "api",
    "records",
    "records_undo",
    "export",
    "history_export",
    "news",
}
NO_PAGE = {"openapi.document", "sources.body", "home.index", "timeline.home"}
LONG = "Refresh of everything that there is in the data centre of the customer, and of what hangs on it"

# What else a page can be asked; a route that is not here is asked without anything.
QUERIES: dict[str, list[str]] = {
    "timeline.index": [
        "",
        "?group=story",
        "?entity=note&event=note.updated&since=9y",
        "?q=number",
        "?origin=moon",
        "?entity=deal&outcome=denied",
        "?entity=note&origin=webhook&actor=%21ada&field=body&limit=2",
    ],
    "overview.show": ["", "?entity=note"],
    "overview.suggest": ["?for=actor&typed=a", "?for=record&typed=zzz"],
    "history.show": [
        "",
        "?view=fields",
        "?at=2020-03-02T10:00:00Z",
        "?at=2019-01-01",
        "?to={event_id}",
        "?field=body",
        "?unchanged=1",
        "?related=1",
        "?limit=1",
        "?nonsense=1",
    ],
    "event.show": ["", "?show=all"],
    "undo.show": ["?event={event_id}", "?correlation={correlation_id}", ""],
    "views.new": ["?entity=deal", ""],
}


def endpoints(app: Flask) -> list[str]:
    """Return the routes that answer GET with a page; a new one is among them by itself."""
    found = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    return sorted(name for name in found - NO_PAGE if name.partition(".")[0] not in NO_PAGES)


def paths_of(app: Flask, endpoint: str, values: dict[str, str]) -> Iterator[str]:
    """Return the paths of a route, each way that it can be asked.

    :param values: of the arguments of routes; where one is missing, add it to :func:`fill`.
    """
    [rule] = app.url_map.iter_rules(endpoint)
    adapter = app.url_map.bind("localhost")
    path = adapter.build(endpoint, {name: values.get(name) for name in rule.arguments})
    for query in QUERIES.get(endpoint, [""]):
        yield path + query.format(**values)


def fill(app: Flask, workspace: Workspace, event_id: str) -> dict[str, str]:
    """Add what pages show that have to do with more than events, and return the arguments of routes. Commits.

    :param event_id: of the event that is looked at, of note 1.
    """
    viewer = _viewer(workspace, OWNER)
    newest = db.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1))
    view = save_view(viewer, LONG[:100], LONG, "entity=deal", is_shared=True)
    save_view(viewer, "Denied", "", "entity=note&outcome=denied", is_shared=False)
    db.session.flush()
    note_visit(viewer, view, newest or 0)
    pin(viewer, view, is_pinned=True)
    for name, scopes in ((LONG, {"events:write"}), ("Nightly", {"events:read", "events:write"})):
        api_keys.create_key(workspace, name, scopes, COMMAND_LINE)
    db.session.flush()
    api_keys.revoke_key(api_keys.keys_of(workspace)[0], COMMAND_LINE)
    db.session.commit()
    catch_up(db.engine)
    keep_failure(db.session.connection(), "index", workspace.id, 1, ValueError())
    source = create_source(workspace, "cloudevents", LONG, "a-secret", COMMAND_LINE)
    db.session.commit()
    answer = app.test_client().post(
        f"/in/{source.path}", data='{"type": "deal.won"}', headers={"Authorization": "Bearer a-secret"}
    )
    assert answer.status_code == 202  # set aside
    role = find_role(workspace, "Member")
    invited = members.add_member(workspace, "invited@full.example", LONG, role, COMMAND_LINE)
    token = members.invite(invited)
    db.session.commit()
    return {
        "workspace": workspace.slug,
        "event_id": event_id,
        "entity_type": "note",
        "entity_id": "1",
        "correlation_id": "won",
        "view_id": str(view.id),
        "source_id": str(source.id),
        "set_aside_id": str(db.session.scalars(select(SetAside.id)).one()),
        "token": token,
    }


def a_story() -> list[dict[str, Any]]:
    """Return the events of an action that set off others, one of which failed."""
    flow = {"type": "workflow", "id": "flow", "name": "Deal won"}
    common = {"name": LONG, "correlation_id": "won"}
    changes = {"stage": {"previous": "open", "current": "won"}}
    return [
        an_event(entity="1", changes=changes, **common),
        an_event("task.created", entity="7", actor=flow, origin="workflow", **common),
        an_event("mail.sent", entity="8", actor=flow, origin="workflow", outcome="failure", **common),
    ]


def _viewer(workspace: Workspace, email: str) -> Viewer:
    account = db.session.scalars(select(Account).where(Account.email == email)).one()
    viewer = member_viewer(workspace.slug, account.id)
    assert viewer
    return viewer
