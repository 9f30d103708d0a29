"""The sentence over the timeline: what a filter shows, in plain words."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.phrases import any_of, parts_of, text_of
from auditapp.filters.plurals import entities_words
from auditapp.hidden import HIDDEN
from auditapp.web.filter_sentence import sentence_of

pytestmark = pytest.mark.one_database

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 24, 12, 0, tzinfo=UTC)
NAMES = {
    ("actor", "hans"): "Hans Meier",
    ("actor", "ada"): "Ada Marsh",
    ("record", "deal:d_1"): "Data Center Refresh",
    ("record", "contact:c/1"): "Zoë",
}


def read(query: str) -> TimelineFilters:
    return TimelineFilters.from_args(
        parse_qsl(query.replace("+", "%20")), zone=BERLIN, now=NOW, knows_me=True
    )


def sentence(query: str) -> str:
    return sentence_of(read(query), lambda *which: NAMES.get(which), BERLIN)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "Everything that happened"),
        ("limit=10", "Everything that happened"),
        # What happened to what
        ("entity=deal", "Everything that happened to deals"),
        ("entity=deal&entity=contact", "Everything that happened to contacts or deals"),
        ("event=deal.*", "Everything that happened to deals"),
        ("event=custom.column.*", "Everything that happened to custom columns"),
        ("event=deal.updated", "Deals updated"),
        ("event=*.deleted", "Anything deleted"),
        ("event=*.deleted&event=*.created", "Anything created or deleted"),
        (
            "entity=deal&entity=contact&event=*.created&event=*.deleted",
            "Contacts or deals created or deleted",
        ),
        (
            "event=deal.created&event=contact.created&event=contact.deleted&event=deal.deleted",
            "Contacts or deals created or deleted",
        ),
        ("event=deal.updated&event=contact.created", "Contacts created or deals updated"),
        (
            "event=deal.updated&event=contact.created&event=contact.deleted",
            "Contacts created or deleted, or deals updated",
        ),
        ("event=deal.*&event=deal.created", "Everything that happened to deals"),
        ("event=deal.*&event=task.created", "Anything done to deals or tasks created"),
        ("entity=deal&event=deal.updated", "Deals updated"),
        ("entity=contact&event=deal.updated", "Deals updated, only of contacts"),
        ("entity=contact&event=deal.*", "Everything that happened to deals, only of contacts"),
        (
            "entity=deal&event=*.deleted&event=deal.updated",
            "Anything deleted or deals updated, only of deals",
        ),
        ("event=auditapp.session.failed", "Failed sign-ins"),
        (
            "event=auditapp.session.failed&event=auditapp.access.denied&since=24h",
            "Refused access or failed sign-ins in the last 24 hours",
        ),
        ("event=auditapp.api_key.created", "Auditapp’s API keys created"),
        (
            "entity=company&entity=address&entity=person",
            "Everything that happened to addresses, companies or people",
        ),
        # Records
        ("record=deal:d_1", "Everything that happened to deal Data Center Refresh"),
        ("record=deal:nobody:knows", "Everything that happened to deal “nobody:knows”"),
        ("record=deal:d_1&entity=deal", "Everything that happened to deal Data Center Refresh"),
        (
            "record=deal:d_1&record=contact:c/1",
            "Everything that happened to contact Zoë or deal Data Center Refresh",
        ),
        ("record=deal:d_1&event=deal.updated", "Deal Data Center Refresh updated"),
        (
            "record=deal:d_1&event=deal.updated&event=contact.created",
            "Contacts created or deals updated, only of deal Data Center Refresh",
        ),
        (
            "record=deal:d_1&entity=contact",
            "Everything that happened to deal Data Center Refresh, only of contacts",
        ),
        # Who
        ("actor=hans", "Everything Hans Meier did"),
        ("actor=me", "Everything you did"),
        ("actor=hans&actor=ada&actor=u_9", "Everything Ada Marsh, Hans Meier or “u_9” did"),
        ("actor=hans&entity=deal&since=7d", "Everything Hans Meier did to deals in the last 7 days"),
        ("actor=me&event=deal.updated", "Deals updated by you"),
        ("actor_type=workflow", "Everything a workflow did"),
        ("actor_type=user&actor_type=api_key&event=deal.updated", "Deals updated by an API key or a person"),
        ("actor=hans&actor_type=user", "Everything Hans Meier (a person) did"),
        ("actor_type=system&actor_type=anonymous", "Everything somebody anonymous or the system did"),
        # How, and how it ended
        ("origin=api", "Everything that happened through the API"),
        ("origin=ui&origin=import", "Everything that happened from an import or in the app"),
        ("origin=unknown", "Everything that happened from an unknown origin"),
        ("outcome=failure", "Everything that failed"),
        ("outcome=failure&outcome=denied", "Everything that was denied or failed"),
        ("outcome=failure&since=24h", "Everything that failed in the last 24 hours"),
        ("outcome=success&entity=deal", "Everything that happened to deals and succeeded"),
        ("outcome=denied&actor=hans", "Everything Hans Meier did that was denied"),
        ("outcome=failure&event=deal.updated", "Deals updated where it failed"),
        ("correlation=c1", "Everything that happened in action c1"),
        ("correlation=c1&actor=hans", "Everything Hans Meier did in action c1"),
        # What it mentions, and what changed
        ("q=data+center", "Everything that mentions “data center”"),
        ('q="data+center"', "Everything that mentions “data center”"),
        ('q="data+center"+refresh', 'Everything that mentions “"data center" refresh”'),
        ("q=refresh&since=7d", "Everything that happened in the last 7 days and mentions “refresh”"),
        ("q=refresh&outcome=failure", "Everything that failed and mentions “refresh”"),
        (
            "q=refresh&actor=hans&outcome=failure",
            "Everything Hans Meier did that failed and mentions “refresh”",
        ),
        ("q=refresh&event=deal.updated", "Deals updated that mention “refresh”"),
        ("q=refresh&event=*.deleted", "Anything deleted that mentions “refresh”"),
        ("q=refresh&entity=deal", "Everything that happened to deals and mentions “refresh”"),
        ("field=stage", "Stage changed"),
        ("field=stage&from=open&to=won", "Stage changed from open to won"),
        ("field=stage&from=open&entity=deal&actor=hans", "Stage of deals changed from open by Hans Meier"),
        ("field=totalValue&record=deal:d_1", "Total value of deal Data Center Refresh changed"),
        ("field=stage&to=won&to=lost", "Stage changed to lost or won"),
        ("field=stage&to=!won", "Stage changed to anything but won"),
        ("field=stage&field=due", "Due or stage changed"),
        (
            "field=stage&to=won&event=deal.updated&since=7d",
            "Deals updated in the last 7 days where stage changed to won",
        ),
        ("field=stage&outcome=failure&event=deal.updated", "Deals updated where stage changed and it failed"),
        ("field=stage&q=refresh", "Stage changed in events that mention “refresh”"),
        # When
        ("since=15m", "Everything that happened in the last 15 minutes"),
        ("since=1h", "Everything that happened in the last hour"),
        ("since=1d", "Everything that happened in the last day"),
        ("since=4w", "Everything that happened in the last 4 weeks"),
        ("since=2026-03-24", "Everything that happened since 24 March 2026"),
        ("until=2026-03-31", "Everything that happened until the end of 31 March 2026"),
        ("since=2026-03-24&until=2026-03-24", "Everything that happened on 24 March 2026"),
        (
            "since=2026-03-24&until=2026-03-26",
            "Everything that happened since 24 March 2026 until the end of 26 March 2026",
        ),
        ("since=2026-03-24T09:55:43Z", "Everything that happened since 24 March 2026, 10:55:43 CET"),
        ("until=2026-03-24T09:55:43.135306Z", "Everything that happened until 24 March 2026, 10:55:43 CET"),
        ("until=2026-07-24T09:55:00Z", "Everything that happened until 24 July 2026, 11:55 CEST"),
        ("since=7d&until=24h", "Everything that happened from 7 days ago until 24 hours ago"),
        ("until=1h", "Everything that happened until 1 hour ago"),
        ("since=2026-03-24&until=1w", "Everything that happened since 24 March 2026 until 1 week ago"),
        # What is left out
        ("origin=!import", "Everything that happened, except imports"),
        (
            "event=deal.updated&origin=api&origin=!import&since=7d",
            "Deals updated through the API in the last 7 days, except imports",
        ),
        ("event=deal.updated&since=7d&origin=!import", "Deals updated in the last 7 days, except imports"),
        ("entity=!task&actor=!hans", "Everything that happened, except tasks and what Hans Meier did"),
        (
            "entity=!task&actor=!me&origin=!import",
            "Everything that happened, except tasks, imports and what you did",
        ),
        ("event=!*.created", "Everything that happened, except anything created"),
        (
            "event=!deal.*&event=!auditapp.session.created",
            "Everything that happened, except sign-ins and deals",
        ),
        ("entity=deal&event=!*.created", "Everything that happened to deals, except anything created"),
        ("record=!deal:d_1", "Everything that happened, except deal Data Center Refresh"),
        (
            "actor_type=!user&actor_type=!system",
            "Everything that happened, except what the system or a person did",
        ),
        ("outcome=!success", "Everything that happened, except what succeeded"),
        (
            "field=!stage&q=!test",
            "Everything that happened, except changes of stage and what mentions “test”",
        ),
        ("correlation=!c1", "Everything that happened, except action c1"),
        (
            "origin=!unknown&origin=!webhook",
            "Everything that happened, except webhooks and what has no known origin",
        ),
        # Many values, and grouping
        ("entity=a&entity=b&entity=c&entity=d", "Everything that happened to as, bs, cs or ds"),
        (
            "actor=1&actor=2&actor=3&actor=4&actor=5&actor=6&actor=7",
            "Everything “1”, “2”, “3”, “4”, “5” or 2 more did",
        ),
        ("entity=!a&entity=!b&entity=!c", "Everything that happened, except as, bs and cs"),
        ("actor=nobody&entity=deal", "Everything “nobody” did to deals"),
        ("group=story", "Everything that happened, by story"),
        ("group=story&actor=hans&origin=!import", "Everything Hans Meier did, except imports, by story"),
    ],
)
def test_a_filter_says_itself_in_plain_words(query, says):
    assert text_of(sentence(query)) == says


def test_what_others_wrote_is_set_apart_shown_whole_and_cut_where_long():
    said = sentence("actor=%3Cb%3E%E2%80%AEevil%E2%81%A9&record=deal:" + "x" * 200)

    foreign = [part.text for part in parts_of(said) if part.is_foreign]
    assert foreign == ["<b>U+202EevilU+2069", "x" * 59 + "…"]
    assert "".join(part.text for part in parts_of(said)) == text_of(said)
    assert not HIDDEN.search(text_of(said))


VALUES = {
    "entity": ["deal", "!task", "a.b"],
    "event": ["deal.updated", "*.deleted", "deal.*", "!task.*", "auditapp.session.failed", "!*.created"],
    "record": ["deal:1", "!task:2", "deal:\u202e"],
    "actor": ["me", "!ada", "<i>"],
    "actor_type": ["user", "!system"],
    "origin": ["api", "!import"],
    "outcome": ["failure", "!success"],
    "correlation": ["c1", "!c2"],
    "field": ["stage", "!due"],
    "from": ["open", "!lost"],
    "to": ["won", "!"],
    "q": ["word", "!other", '"a phrase"'],
    "since": ["7d", "2026-01-01", "2026-01-01T10:00:00Z"],
    "until": ["1h", "2026-02-01"],
    "group": ["story"],
}
PAIRS = st.lists(
    st.sampled_from([(name, value) for name, values in VALUES.items() for value in values]), max_size=8
)


@given(PAIRS)
def test_any_filter_has_a_clean_sentence_that_names_all_its_values(pairs):
    try:
        filters = TimelineFilters.from_args(pairs, zone=BERLIN, now=NOW, knows_me=True)
    except FilterError:
        return

    said = text_of(sentence_of(filters, lambda *_: None, BERLIN))

    assert said[0].isupper() or said[0] in "<“"
    assert "  " not in said and " ," not in said and ", ," not in said and not said.endswith((" ", ","))
    assert not HIDDEN.search(said)
    for words, one in [("you", ("actor", "me")), ("won", ("to", "won")), ("by story", ("group", "story"))]:
        if one in pairs and sum(name == one[0] for name, _ in pairs) < 4:
            assert words in said


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("items", "says"),
    [([], ""), ("a", "a"), ("ab", "a or b"), ("abc", "a, b or c"), ("abcdef", "a, b, c or 3 more")],
)
def test_alternatives(items, says):
    assert any_of(items, 3) == says


def test_a_sentence_names_all_values_where_it_is_asked_to():
    entities = "&".join(f"entity={kind}" for kind in "abcdefg")

    said = sentence_of(read(f"{entities}&entity=!h&entity=!i"), lambda *_: None, BERLIN, most=None)

    assert said == "Everything that happened to as, bs, cs, ds, es, fs or gs, except hs and is"


@pytest.mark.parametrize(
    ("entity_type", "many"),
    [
        ("deal", "deals"),
        ("company", "companies"),
        ("day", "days"),
        ("address", "addresses"),
        ("status", "statuses"),
        ("box", "boxes"),
        ("batch", "batches"),
        ("settings", "settings"),
        ("custom_column", "custom columns"),
        ("api_key", "API keys"),
        ("sales.person", "sales people"),
        ("data", "data"),
    ],
)
def test_plurals(entity_type, many):
    assert entities_words(entity_type) == many
