"""What is typed reaches no query language: a search is written of words and terms alone."""

import re
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from auditapp.access.permissions import Permission
from auditapp.filters import FilterError
from auditapp.filters.expression import All, AnyOf, for_postgresql, for_sqlite
from auditapp.filters.search_terms import terms_of
from auditapp.index.words import words
from auditapp.reading.timeline import list_events
from tests.finding.test_full_text import filters_of
from tests.finding.test_pages import viewer_of

SIGNS = [
    *"\"'*()&|!<>-:+^{}[]\\;%_ \t\n",
    "AND ",
    " OR ",
    "NOT ",
    "NEAR(",
    "--",
    "a",
    "日",
    "本",
    "é",
    "\u0301",
]
TYPED = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(SIGNS)).map("".join)


def tree_of_typed(text: str, but: str) -> All:
    return All((AnyOf((All(tuple(terms_of(text))),)),), tuple(terms_of(but)))


@given(TYPED.filter(terms_of), TYPED)
@example('a" OR "b', "x')) --")
@example("a':*", "b | c")
@example("日", '"本語"')
def test_a_query_holds_quoted_words_and_our_own_operators_only(text, but):
    tree = tree_of_typed(text, but)

    left_of_fts5 = re.sub(r'"[^"\s]+"', "w", for_sqlite(tree))
    left_of_tsquery = re.sub(r"'[^'\s\\]+'", "w", for_postgresql(tree))

    assert re.fullmatch(r"(?:w|[()+*]| |AND|OR|NOT)+", left_of_fts5), left_of_fts5
    assert re.fullmatch(r"(?:w|[()&|!]|<->|:\*| )+", left_of_tsquery), left_of_tsquery
    for quoted in re.findall(r'"([^"]*)"', for_sqlite(tree)) + re.findall("'([^']*)'", for_postgresql(tree)):
        assert words(quoted) and not set(quoted) & set("\"'_\\*:|&!()<>"), quoted


def test_any_text_can_be_searched_for(acme, note):
    note(name="a 日本 é", changes={"stage": {"previous": "a", "current": "\"'x"}})
    viewer = viewer_of(acme, Permission.AUDIT_LOG_READ_ALL.grant)
    asked = 0

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TYPED, TYPED)
    @example('a" OR "b', "!a' | 'b")
    @example("日", "!日")
    @example("½", "a*")
    @example("*", '"')
    def search(text, more):
        nonlocal asked
        try:
            filters = filters_of(("q", text), ("q", more), ("field", "stage"), ("to", text), ("from", more))
        except FilterError:
            return
        asked += 1
        assert list_events(filters, viewer).events is not None

    search()

    assert asked > 30


@pytest.mark.parametrize(
    "text", ['"', "a'b", "a\\b", "a OR b", "ab:*", "NEAR(a b)", "(", "'; DROP TABLE event; --", "-a", "^a"]
)
def test_a_text_with_signs_finds_itself_or_says_that_it_holds_no_word(client, login, note, text):
    event_id = note(name=f"before {text} after")
    login("owner")

    response = client.get(f"/w/acme/timeline?q={quote(text)}", follow_redirects=True)

    if words(text):
        assert response.status_code == 200 and f'id="event-{event_id}"' in response.text
    else:
        assert response.status_code == 422 and "holds no word to search for" in response.text
