"""Settings is a registry: a page says its title, gate and place, and everything else follows."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask, before_render_template, template_rendered

from auditapp import create_app
from auditapp.access.permissions import Permission
from auditapp.extensions import db
from auditapp.models import Role, RolePermission
from auditapp.web.settings import check_every_settings_route_has_a_page
from auditapp.web.settings.page import PAGES, SettingsPage

pytestmark = pytest.mark.one_database

SETTINGS = "/w/acme/settings"
MANAGED = {"members": "Members", "api_keys": "API keys", "sources": "Sources"}
TITLES = {**MANAGED, "followers": "Index and followers"}


def tabs_in(text: str) -> list[tuple[str, str, bool]]:
    """Return the tabs of a page: address, title, and whether it is the current one."""
    nav = re.search(r'<nav class="tabs" aria-label="Settings">(.*?)</nav>', text, re.DOTALL)[1]
    links = re.findall(r'<a href="([^"]+)"([^>]*)>(.*?)</a>', nav, re.DOTALL)
    return [(url, title.strip(), 'aria-current="page"' in more) for url, more, title in links]


def place_in_bar(text: str) -> str | None:
    """Return where the bar's "Settings" leads, None where there is none."""
    found = re.search(r'<li><a href="([^"]+)"[^>]*>Settings</a>', text)
    return found and found[1]


def give_member(*held: tuple[str, str]) -> None:
    """Add permissions to the role Member."""
    role = db.session.scalars(sa.select(Role).where(Role.name == "Member")).one()
    for resource, action in held:
        db.session.add(
            RolePermission(workspace_id=role.workspace_id, role_id=role.id, resource=resource, action=action)
        )
    db.session.commit()


@pytest.mark.both_databases
def test_an_owner_finds_every_page_in_its_place_and_the_current_one_marked(client, login, acme):
    login("owner")
    paths = [f"{SETTINGS}/{name.replace('_', '-')}" for name in TITLES]

    for current in paths:
        text = client.get(current).text
        assert tabs_in(text) == [
            (url, title, url == current) for url, title in zip(paths, TITLES.values(), strict=True)
        ]
        assert place_in_bar(text) == paths[0]


@pytest.mark.parametrize("name", MANAGED)
def test_who_manages_one_thing_is_led_to_its_page_alone(client, login, acme, name):
    give_member((name, "manage"))
    login("member")
    path = f"{SETTINGS}/{name.replace('_', '-')}"

    assert place_in_bar(client.get("/w/acme/timeline").text) == path
    assert tabs_in(client.get(path).text) == [(path, MANAGED[name], True)]
    for other in set(TITLES) - {name}:
        assert client.get(f"{SETTINGS}/{other.replace('_', '-')}").status_code == 403


def test_who_manages_nothing_has_no_settings_in_the_bar(client, login, acme):
    login("member")

    assert place_in_bar(client.get("/w/acme/timeline").text) is None


def test_who_reads_the_whole_log_finds_what_follows_it_and_nothing_else(client, login, acme):
    login("auditor")
    path = f"{SETTINGS}/followers"

    assert place_in_bar(client.get("/w/acme/timeline").text) == path
    assert tabs_in(client.get(path).text) == [(path, TITLES["followers"], True)]


@pytest.fixture
def more_pages():
    """Let a test add pages, and take them out of the registry again."""
    before = list(PAGES)
    yield
    PAGES[:] = before


def test_a_page_that_states_itself_is_in_bar_and_tabs_behind_its_gate(client, login, acme, more_pages, app):
    page = SettingsPage("retention", "Retention", Permission.SETTINGS_MANAGE, place=5)

    @page.get()
    def index(workspace: str) -> str:
        return f"of {workspace}"

    again = create_app({**app.config, "SERVER_NAME": None})
    owner, member = again.test_client(), again.test_client()
    for who, browser in (("owner", owner), ("member", member)):
        login(who, with_client=browser)

    assert owner.get(f"{SETTINGS}/retention").text == "of acme"
    assert tabs_in(owner.get(f"{SETTINGS}/members").text)[0] == (f"{SETTINGS}/retention", "Retention", False)
    assert place_in_bar(owner.get("/w/acme/timeline").text) == f"{SETTINGS}/retention"
    assert "manage settings" in member.get(f"{SETTINGS}/retention").text
    with again.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize(
    "rule", ["/w/<workspace>/settings/secret", "/w/<workspace>/settings", "/settings/<workspace>/secret/more"]
)
def test_a_settings_route_of_no_page_keeps_the_application_from_starting(rule):
    app = Flask("careless", static_folder=None)
    app.add_url_rule(rule, "secret", lambda workspace: workspace)

    with pytest.raises(RuntimeError, match=r"settings routes of no page in web/settings: secret"):
        check_every_settings_route_has_a_page(app)


def test_a_page_without_a_view_keeps_the_application_from_starting(app, more_pages):
    SettingsPage("retention", "Retention", Permission.SETTINGS_MANAGE, place=5)

    with pytest.raises(RuntimeError, match=r"settings pages without their view: retention.index"):
        create_app({**app.config})


@pytest.fixture
def in_templates(app):
    """Collect what templates ask the database, by the template."""
    rendering: list[str] = []
    asked: list[tuple[str, str]] = []

    def begin(_app, template, **_more):
        rendering.append(template.name)

    def end(_app, **_more):
        rendering.pop()

    def note(_connection, _cursor, statement, *_more):
        if rendering:
            asked.append((rendering[-1], statement))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    with before_render_template.connected_to(begin, app), template_rendered.connected_to(end, app):
        yield asked
    sa.event.remove(db.engine, "before_cursor_execute", note)


def test_no_template_of_settings_asks_the_database(client, login, acme, other, in_templates):
    login("owner")
    source = client.post(f"{SETTINGS}/sources", data={"name": "Billing", "kind": "cloudevents"})
    path = re.search(rf'href="({SETTINGS}/sources/[^"/]+)"', source.text)[1]
    added = {"name": "Grace", "email": "grace@new.example", "role": "Member"}
    answers = [
        source,
        client.post(f"{SETTINGS}/members", data=added),
        client.post(f"{SETTINGS}/members", data={**added, "role": "Emperor"}),
        client.post(f"{SETTINGS}/api-keys", data={"name": "K", "scope": "events:read", "lifetime": ""}),
        client.post(f"{SETTINGS}/api-keys", data={"name": "K", "lifetime": ""}),
        client.post(f"{SETTINGS}/sources", data={"name": "", "kind": "cloudevents"}),
        client.post(f"{path}/dismiss", follow_redirects=True),
        client.post(f"{path}/remove", follow_redirects=True),
        client.post(f"{SETTINGS}/followers/retry", follow_redirects=True),
        *(client.get(f"{SETTINGS}/{name.replace('_', '-')}") for name in TITLES),
        client.get(path),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 422, 200, 422, 422, *[200] * 8]
    assert in_templates == []
