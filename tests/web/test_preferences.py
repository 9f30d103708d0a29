"""How one likes to read: chosen in a menu or on a page, kept with the account, applied to every time."""

import re

import pytest

from auditapp.extensions import db
from auditapp.models import Account

pytestmark = pytest.mark.one_database

TIMELINE = "/w/acme/timeline"
PREFERENCES = "/w/acme/preferences"
ALL = {"column": ["actor", "fields", "origin"], "density": "comfortable", "times": "both", "zone": "browser"}


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


@pytest.fixture
def choose(owner):
    """Return a function that saves preferences, the usual ones but for what is given."""

    def save(**chosen):
        return owner.post(PREFERENCES, data={**ALL, "shortcuts": "on", "next": TIMELINE, **chosen})

    return save


def summary(text: str) -> str:
    found = re.search(r'<li id="event-.*?</summary>', text, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip()


@pytest.fixture
def deal(note):
    return note(
        entity="d_77",
        name="Refresh",
        origin="api",
        occurred_at="2026-03-24T09:55:43Z",
        changes={"stage": {"previous": "a", "current": "b"}},
    )


@pytest.mark.parametrize(
    ("columns", "shown", "hidden"),
    [
        (["actor", "fields", "origin"], ["Ada", "Stage", "through the API"], ["deal.updated", "d_77"]),
        (["event", "id"], ["deal.updated", "d_77"], ["Ada", "Stage", "through the API"]),
        ([], ["Deal Refresh updated", "10:55"], ["Ada", "Stage", "through the API", "deal.updated", "d_77"]),
        (["moon", "actor"], ["Ada"], ["moon"]),
    ],
)
def test_rows_show_the_columns_that_were_chosen(owner, choose, deal, columns, shown, hidden):
    choose(column=columns)

    row = summary(owner.get(f"{TIMELINE}?entity=deal").text)

    assert "Deal Refresh updated" in row
    assert [words for words in shown if words not in row] == []
    assert [words for words in hidden if words in row] == []


@pytest.mark.parametrize(
    ("times", "row_says", "history_says"),
    [
        ("both", r"10:55 \d+ \w+ ago", r"24 Mar 2026, 10:55 · \d+ \w+ ago"),
        ("relative", r"(?<!10:55 )\b\d+ \w+ ago", r">\d+ \w+ ago<"),
        ("exact", r"10:55:43$", r">24 Mar 2026, 10:55:43<"),
    ],
)
def test_times_are_written_as_chosen_in_rows_and_history(owner, choose, deal, times, row_says, history_says):
    choose(times=times)

    assert re.search(row_says, summary(owner.get(f"{TIMELINE}?entity=deal").text))
    history = owner.get("/w/acme/history/deal/d_77").text
    assert re.search(history_says, re.sub(r'<span class="ago">|</span>', "", history))


@pytest.mark.parametrize(
    ("zone", "clock"),
    [
        ({"zone": "browser"}, "05:55"),
        ({"zone": "workspace"}, "10:55"),
        ({"zone": "other", "zone_name": " Asia/Tokyo "}, "18:55"),
        ({"zone": "Moon"}, None),
        ({"zone": "other", "zone_name": "Moon/Base"}, None),
        ({"zone": "other", "zone_name": ""}, None),
    ],
)
def test_times_are_in_the_zone_that_was_chosen_everywhere(owner, choose, deal, zone, clock):
    owner.set_cookie("tz", "America/New_York")

    response = choose(**zone)

    if clock is None:
        assert response.status_code == 422
        assert 'role="alert"' in response.text
        clock = "05:55"  # as it was
    for url in (f"{TIMELINE}?entity=deal", f"/w/acme/events/{deal}", "/w/acme/history/deal/d_77"):
        assert f"{clock}:43" in owner.get(url).text
    assert f"{clock}" in summary(owner.get(f"{TIMELINE}?entity=deal").text)


def test_a_zone_that_is_none_is_named_and_what_was_typed_stays(choose):
    response = choose(zone="other", zone_name="<b>Moon\u202e", density="compact")

    assert "There is no time zone &lt;b&gt;MoonU+202E." in response.text
    assert 'value="&lt;b&gt;Moon' in response.text
    assert re.search(r'value="compact" checked', response.text)


def test_compact_rows_are_a_class_of_the_list(owner, choose, deal):
    choose(density="compact")

    assert 'class="timeline compact times-both with-actor' in owner.get(f"{TIMELINE}?entity=deal").text


def test_shortcuts_can_be_turned_off(owner, choose, note):
    note()
    assert "keyboard.js" in owner.get(TIMELINE).text and "<dialog" in owner.get(TIMELINE).text

    choose(shortcuts=[])

    assert "keyboard.js" not in owner.get(TIMELINE).text and "<dialog" not in owner.get(TIMELINE).text


@pytest.mark.parametrize(
    ("back", "to"),
    [
        (f"{TIMELINE}?entity=deal&since=7d", f"{TIMELINE}?entity=deal&since=7d"),
        ("//evil.example", TIMELINE),
        ("https://evil.example/", TIMELINE),
        ("/\\evil.example", TIMELINE),
        ("", TIMELINE),
    ],
)
def test_saving_goes_back_to_where_one_was_on_this_site_only(choose, back, to):
    response = choose(next=back)

    assert (response.status_code, response.location) == (303, to)


def test_the_menu_of_the_timeline_knows_what_is_chosen_and_where_one_is(owner, choose, note):
    note()
    choose(density="compact", zone="other", zone_name="Asia/Tokyo")

    text = owner.get(f"{TIMELINE}?entity=deal").text

    assert f'name="next" value="{TIMELINE}?entity=deal"' in text
    assert re.search(r'value="compact" checked', text)
    assert re.search(r'name="zone_name" value="Asia/Tokyo"', text)
    assert "times in Asia/Tokyo" in text


@pytest.mark.both_databases
def test_one_persons_preferences_are_nobody_elses(owner, choose, login, note):
    note()
    choose(density="compact")
    owner.post("/logout")
    login("auditor")

    assert "timeline comfortable" in owner.get(f"{TIMELINE}?entity=deal").text


def test_what_another_version_kept_does_not_stop_the_page(owner, note):
    note()
    account = db.session.query(Account).filter_by(email="owner@acme.example").one()
    account.preferences = '{"columns": 5, "zone": "Atlantis", "density": null, "new": {}}'
    db.session.commit()

    assert owner.get(TIMELINE).status_code == 200
    assert owner.get(PREFERENCES).status_code == 200


def test_the_page_offers_every_zone(owner):
    text = owner.get(PREFERENCES).text

    assert '<option value="Pacific/Chatham">' in text and '<option value="UTC">' in text
