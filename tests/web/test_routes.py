"""Every route there is, whom it lets in, and that nobody sees another workspace's things."""

import re

import pytest
from flask import Flask

from auditapp.http.gates import check_every_route_has_a_gate
from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

GATES = {
    "/": "signed in",
    "/login": "public",
    "/logout": "signed in",
    "/join/<token>": "public",
    "/w/<workspace>": "audit_log:read",
    "/w/<workspace>/timeline": "audit_log:read",
    "/w/<workspace>/timeline.csv": "audit_log:export",
    "/w/<workspace>/timeline.jsonl": "audit_log:export",
    "/w/<workspace>/timeline/new": "audit_log:read",
    "/w/<workspace>/timeline/overview": "audit_log:read",
    "/w/<workspace>/timeline/suggest": "audit_log:read",
    "/w/<workspace>/views": "audit_log:read",
    "/w/<workspace>/views/new": "audit_log:read",
    "/w/<workspace>/views/<view_id>": "audit_log:read",
    "/w/<workspace>/views/<view_id>/edit": "audit_log:read",
    "/w/<workspace>/views/<view_id>/pin": "audit_log:read",
    "/w/<workspace>/views/<view_id>/delete": "audit_log:read",
    "/w/<workspace>/events/<event_id>": "audit_log:read",
    "/w/<workspace>/history/<entity_type>/<record_id:entity_id>": "audit_log:read",
    "/w/<workspace>/history.jsonl/<entity_type>/<record_id:entity_id>": "audit_log:export",
    "/w/<workspace>/stories/<record_id:correlation_id>": "audit_log:read",
    "/w/<workspace>/undo": "audit_log:read",
    "/w/<workspace>/preferences": "audit_log:read",
    "/w/<workspace>/settings/members": "members:manage",
    "/w/<workspace>/settings/members/<member_id>/role": "members:manage",
    "/w/<workspace>/settings/members/<member_id>/link": "members:manage",
    "/w/<workspace>/settings/members/<member_id>/remove": "members:manage",
    "/w/<workspace>/settings/api-keys": "api_keys:manage",
    "/w/<workspace>/settings/api-keys/<key_id>/revoke": "api_keys:manage",
    "/w/<workspace>/settings/sources": "sources:manage",
    "/w/<workspace>/settings/sources/<source_id>": "sources:manage",
    "/w/<workspace>/settings/sources/<source_id>/set-aside/<set_aside_id>": "sources:manage",
    "/w/<workspace>/settings/sources/<source_id>/replay": "sources:manage",
    "/w/<workspace>/settings/sources/<source_id>/dismiss": "sources:manage",
    "/w/<workspace>/settings/sources/<source_id>/remove": "sources:manage",
    "/w/<workspace>/settings/followers": "audit_log:read_all",
    "/w/<workspace>/settings/followers/retry": "settings:manage",
    "GET /api/v1/events": "key events:read",
    "/api/v1/events.csv": "key events:read",
    "/api/v1/events.jsonl": "key events:read",
    "POST /api/v1/events": "key events:write",
    "/api/v1/openapi.json": "public",
    "/api/v1/docs": "public",
    "/in/<path>": "public",
    "/api/v1/events/<event_id>": "key events:read",
    "/api/v1/records/<entity_type>/<record_id:entity_id>": "key events:read",
    "/api/v1/records/<entity_type>/<record_id:entity_id>/versions": "key events:read",
    "/api/v1/records/<entity_type>/<record_id:entity_id>/state": "key events:read",
    "/api/v1/records/<entity_type>/<record_id:entity_id>/compare": "key events:read",
    "/api/v1/records/<entity_type>/<record_id:entity_id>/undo": "key events:read",
    "/healthz": "public",
    "/readyz": "public",
    "/metrics": "this machine",
    "/static/<path:filename>": "public",
}


def test_every_route_states_the_gate_that_it_should(app):
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        gate = app.view_functions[rule.endpoint].gate
        for name in [rule.rule, *(f"{method} {rule.rule}" for method in rule.methods)]:
            found.setdefault(name, set()).add(gate)

    stated = {name: found.get(name) for name in GATES}
    assert stated == {name: {gate} for name, gate in GATES.items()}
    plain = {name.rpartition(" ")[2] for name in GATES}
    assert {rule.rule for rule in app.url_map.iter_rules()} == plain


def test_the_application_refuses_to_start_with_a_route_without_a_gate():
    app = Flask("careless", static_folder=None)
    app.add_url_rule("/open", "open", lambda: "everybody's")

    with pytest.raises(RuntimeError, match="routes without a gate: open"):
        check_every_route_has_a_gate(app.view_functions)


def workspace_urls(app) -> list[tuple[str, str]]:
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/w/")
        for method in rule.methods & {"GET", "POST"}
    ]


def fill(rule: str, slug: str, event_id: str, member_id: str) -> str:
    values = {
        "workspace": slug,
        "event_id": event_id,
        "member_id": member_id,
        "key_id": member_id,
        "source_id": member_id,
        "set_aside_id": member_id,
        "view_id": member_id,
        "entity_type": "deal",
        "entity_id": "1",
        "correlation_id": "1",
    }
    return re.sub(r"<(?:record_id:)?(\w+)>", lambda found: values[found[1]], rule)


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_stranger_is_told_that_a_workspace_does_not_exist(app, client, login, acme, other, note, headers):
    event_id = note(workspace=other, name="Secret deal")
    login("owner")

    for slug in ("other", "nowhere"):
        answers = set()
        for method, rule in workspace_urls(app):
            response = client.open(fill(rule, slug, event_id, event_id), method=method, headers=headers)
            answers.add((response.status_code, "Secret" in response.text))
        assert answers == {(404, False)}


def test_another_workspaces_event_or_record_is_404_inside_ones_own(client, login, acme, other, note):
    secret = note(workspace=other, entity="77", name="Secret deal")
    login("owner")

    for url in (f"/w/acme/events/{secret}", "/w/acme/history/deal/77", f"/w/acme/events/{secret}?show=all"):
        for headers in ({}, FRAGMENT):
            response = client.get(url, headers=headers)
            assert response.status_code == 404
            assert "Secret" not in response.text
    assert "Secret" not in client.get("/w/acme/timeline?record=deal:77").text


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(app, client, acme):
    for method, rule in workspace_urls(app):
        url = fill(rule, "acme", "1", "1")
        response = client.open(url + "?entity=deal", method=method)
        assert response.status_code in (302, 303)
        assert response.location.startswith("/login")
        if method == "GET":
            assert response.location == f"/login?next={url}?entity%3Ddeal"


def test_a_fragment_without_a_session_is_401_and_tells_htmx_where_to_go(client, acme):
    response = client.get("/w/acme/timeline?entity=deal", headers=FRAGMENT)

    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/login?next=/w/acme/timeline?entity%3Ddeal"
    assert response.text == ""


def test_what_a_page_asks_for_by_itself_comes_back_to_the_page(client, acme):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    headers["HX-Current-URL"] = "https://elsewhere.example/w/acme/timeline?entity=deal"

    response = client.get("/w/acme/timeline/overview?entity=deal", headers=headers)

    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/login?next=/w/acme/timeline?entity%3Ddeal"


def test_a_member_without_the_right_gets_a_page_that_names_it_and_the_log_knows(client, login, acme):
    login("member")

    response = client.get("/w/acme/settings/members")

    assert response.status_code == 403
    assert "You may not manage members" in response.text
    assert "Member" in response.text
    client.post("/logout")
    login("owner")
    assert "Not allowed to" in client.get("/w/acme/timeline?event=auditapp.access.denied&outcome=denied").text


@pytest.mark.both_databases
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
@pytest.mark.parametrize(("who", "sees_theirs"), [("owner", True), ("auditor", True), ("member", False)])
def test_a_role_limits_what_the_timeline_shows(client, login, acme, note, who, sees_theirs, headers):
    own = note(entity="1", name="My deal", actor="member")
    theirs = note(entity="2", name="Their deal", actor="ben")
    behalf = note(
        entity="3",
        name="Done for me",
        actor="ben",
        on_behalf_of={"type": "user", "id": "member", "email": "member@acme.example"},
    )
    login(who)

    page = client.get("/w/acme/timeline?entity=deal", headers=headers)

    assert page.status_code == 200
    assert ("<html" in page.text) == (headers != FRAGMENT)
    assert "My deal" in page.text
    assert ("Their deal" in page.text) == sees_theirs
    assert ("Done for me" in page.text) == sees_theirs
    for event_id, seen in ((own, True), (theirs, sees_theirs), (behalf, sees_theirs)):
        assert (client.get(f"/w/acme/events/{event_id}", headers=headers).status_code == 200) == seen
    for record, seen in (("1", True), ("2", sees_theirs)):
        assert (client.get(f"/w/acme/history/deal/{record}", headers=headers).status_code == 200) == seen


def test_the_filter_form_names_nobody_whom_the_viewer_may_not_see(client, login, acme, note):
    note("secret_plan.created", name="Hush", actor="ben")
    login("member")

    text = client.get("/w/acme/timeline").text

    assert "ben" not in text.lower()
    assert "secret" not in text.lower()


def test_a_removed_member_is_a_stranger_from_then_on(client, login, acme, cli):
    login("auditor")
    assert client.get("/w/acme/timeline").status_code == 200
    boss = client.application.test_client()
    login("owner", with_client=boss)
    page = boss.get("/w/acme/settings/members").text
    member_id = re.search(r"members/([0-9a-f-]{36})/remove", page)[1]  # the auditor is first by name

    boss.post(f"/w/acme/settings/members/{member_id}/remove")

    assert client.get("/w/acme/timeline").status_code == 404


def test_every_answer_carries_the_security_headers(client, login, acme):
    login("owner")
    for url in ("/w/acme/timeline", "/w/acme/nothing", "/login", "/api/v1/events", "/healthz"):
        headers = client.get(url).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "HX-Request-Type" in headers["Vary"]


@pytest.mark.both_databases
def test_own_events_are_found_under_me_and_by_the_members_id(client, login, acme, note):
    note(actor="member", name="Mine")
    note(actor="ben", name="Bens")
    login("owner")

    assert "Mine" not in client.get("/w/acme/timeline?actor=me").text
    assert "Bens" in client.get("/w/acme/timeline?actor=!me").text
