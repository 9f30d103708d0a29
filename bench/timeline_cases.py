"""What is asked of each log: every filter alone, every two of them, words by how often they occur."""

import itertools
from datetime import datetime, timedelta
from typing import NamedTuple

from bench.timeline_world import PHRASE, PLANTED, RAREST, RAREST_EVENT, TOGETHER

Pairs = tuple[tuple[str, str], ...]


class Case(NamedTuple):
    """A question: to which group of figures it belongs, and its query string."""

    group: str
    label: str
    args: Pairs


def single(now: datetime, record: str, correlation: str) -> list[Case]:
    """Return each filter alone, where it matters with a common and a rare value.

    :param record: one with a two-hundredth of all events of its log.
    :param correlation: any.
    """
    since, until = (f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (90, 60))
    pairs: list[Pairs] = [
        (("entity", "deal"),),
        (("entity", "estimate"),),
        (("entity", "!contact"),),
        (("record", record),),
        (("event", "deal.updated"),),
        (("event", RAREST_EVENT),),
        (("event", "deal.*"),),
        (("event", "*.deleted"),),
        (("actor", "user-0"),),
        (("actor", "user-4000"),),
        (("actor", "me"),),
        (("actor_type", "user"),),
        (("actor_type", "workflow"),),
        (("origin", "ui"),),
        (("origin", "import"),),
        (("outcome", "success"),),
        (("outcome", "failure"),),
        (("outcome", "denied"),),
        (("correlation", correlation),),
        (("ip", "10.0.7.7"),),
        (("ip", "10.0.7.0/24"),),
        (("ip", "10.0.0.0/9"),),
        (("since", since),),
        (("since", since), ("until", until)),
    ]
    return [Case("one filter", label_of(each), each) for each in pairs]


def changes() -> list[Case]:
    """Return filters by what changed."""
    pairs: list[Pairs] = [
        (("field", "stage"),),
        (("field", "discount"),),
        (("field", "stage"), ("from", "open")),
        (("field", "stage"), ("to", "won")),
        (("field", "stage"), ("from", "open"), ("to", "won")),
    ]
    return [Case("by change", label_of(each), each) for each in pairs]


def pairs_of(alone: list[Case]) -> list[Case]:
    """Return every two filters together that are not of the same parameter, and the planted ones."""
    found = []
    for one, other in itertools.combinations(alone, 2):
        if not {name for name, _ in one.args} & {name for name, _ in other.args}:
            found.append(Case("two filters", f"{one.label} & {other.label}", (*one.args, *other.args)))
    return found + [Case("jointly rare", label_of(each), each) for each in jointly_rare()]


def jointly_rare() -> list[Pairs]:
    """Return pairs of common values that three events have together, and others that none has."""
    none = [
        (("entity", "contact"), ("event", "deal.updated")),
        (("actor_type", "workflow"), ("origin", "ui")),
    ]
    return [*(tuple(pair.items()) for pair in TOGETHER), *none]


def searches() -> list[Case]:
    """Return searches, the most frequent word first."""
    asked: list[tuple[str, Pairs]] = [(f"a word in {share:.2%}", (("q", word),)) for word, share in PLANTED]
    amber, quartz, saffron = PLANTED[1][0], PLANTED[0][0], PLANTED[3][0]
    asked += [
        ("a word in 10 events", (("q", RAREST),)),
        ("a word in none", (("q", "nowhere"),)),
        ("two common words", (("q", f"{quartz} {amber}"),)),
        ("a common and a rare word", (("q", f"{quartz} {RAREST}"),)),
        ("a phrase in 1%", (("q", f'"{" ".join(PHRASE)}"'),)),
        ("a prefix of two letters", (("q", "ko*"),)),
        ("a prefix of four letters", (("q", f"{saffron[:4]}*"),)),
        ("a prefix in all events", (("q", "us*"),)),
        ("common & event", (("q", quartz), ("event", "deal.updated"))),
        ("common & rare event", (("q", quartz), ("event", RAREST_EVENT))),
        ("common & actor", (("q", quartz), ("actor", "user-0"))),
        ("common & a quiet actor", (("q", quartz), ("actor", "user-4000"))),
        ("common & outcome=failure", (("q", quartz), ("outcome", "failure"))),
        ("1% & actor_type=workflow", (("q", PLANTED[2][0]), ("actor_type", "workflow"))),
        ("0.1% & field=stage", (("q", saffron), ("field", "stage"))),
        ("an entity's id", (("q", "deal-7"),)),
    ]
    return [Case("search", f"{label}: {label_of(args)}", args) for label, args in asked]


def overviews() -> list[Case]:
    """Return what facets and activity are asked about."""
    asked: list[Pairs] = [
        (),
        (("entity", "deal"),),
        (("event", "deal.updated"),),
        (("actor", "user-0"),),
        (("actor_type", "workflow"),),
        (("origin", "api"),),
        (("outcome", "failure"),),
        (("since", "30d"),),
        (("since", "3d"),),
        (("entity", "deal"), ("origin", "api")),
        (("entity", "deal"), ("actor", "user-0")),
        (("event", "deal.updated"), ("outcome", "failure")),
        (("actor", "user-0"), ("origin", "ui")),
        *jointly_rare()[:4],
        (("q", PLANTED[0][0]),),
        (("q", PLANTED[2][0]),),
        (("q", PLANTED[4][0]),),
        (("field", "stage"), ("to", "won")),
    ]
    return [Case("facets and activity", label_of(args) or "unfiltered", args) for args in asked]


def label_of(args: Pairs) -> str:
    """Return a query string to read."""
    return " ".join(f"{name}={value}" for name, value in args)
