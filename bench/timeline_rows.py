"""Drawn events as the rows that ``record()`` would write for them, put together from ready parts."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from auditapp.index.counts import QUARTER, _starts
from auditapp.index.terms import BREAK, SPANS, context_terms, new_value_term, value_term, workspace_term
from auditapp.models.derived import DAY, HOUR, WEEK
from bench.timeline_world import SOME_ADDRESS, WORKSPACE, Drawn, spans

ZONE = "Europe/Berlin"
_WORKSPACE_MARK = workspace_term(WORKSPACE)


def hyphened(uid: str) -> str:
    """Return 32 hex digits as a UUID is written."""
    return f"{uid[:8]}-{uid[8:12]}-{uid[12:16]}-{uid[16:20]}-{uid[20:]}"


def columns(drawn: Drawn, member: Any) -> tuple[Any, ...]:
    """Return an event's columns behind ``recorded_at``.

    :param member: the id of the member who reads, in the form of the database.
    """
    actor, entity = drawn.actor, drawn.entity
    is_me = len(actor.terms) > 1 and actor.kind == "user"
    return (
        drawn.event.id,
        entity.kind,
        entity.id,
        entity.name,
        actor.kind,
        actor.id,
        actor.name,
        member if is_me else None,
        None,
        drawn.origin,
        drawn.outcome,
        drawn.correlation or hyphened(drawn.uid),
        None,
        line_of_drawn(drawn),
        None,
        None,
    )


def line_of_drawn(drawn: Drawn) -> str:
    """Return what ``log.line.line_of`` returns for an event; that of its change has the address left open."""
    address = address_of(drawn)
    if drawn.change is None:
        return f'{{"v":1,"ip":"{address}"}}'
    return drawn.change.name.replace(SOME_ADDRESS, address)


def address_of(drawn: Drawn) -> str:
    """Return the address that an event came from: of 65,536, as its id has drawn them."""
    return f"10.0.{int(drawn.uid[-4:-2], 16)}.{int(drawn.uid[-2:], 16)}"


def sections(drawn: Drawn) -> tuple[str, ...]:
    """Return the texts of the seven sections."""
    change = drawn.change.json if drawn.change else "{}"
    context = f'{{"ip":"{address_of(drawn)}"}}'
    return drawn.actor.json, "null", drawn.entity.json, "[]", change, f'{{"note":"{drawn.note}"}}', context


def as_text(drawn: Drawn, within: str) -> str:
    """Return what ``index.terms.as_text`` returns for an event.

    :param within: the terms of the workspace and of the spans of time.
    """
    return within + " " + " ".join([word for some in _parts(drawn) for word in some])


def as_vector(drawn: Drawn, within: str) -> str:
    """Return what ``index.terms.as_vector`` returns for an event; ``within`` as there, with places."""
    found, place = [within], 2 + len(SPANS)
    for some in _parts(drawn):
        found.append(_placed(some, place))
        place += len(some)
    return " ".join(found)


def _parts(drawn: Drawn) -> list[Sequence[str]]:
    """Return the words of ``index.terms.document`` behind the spans, those in one that stay together."""
    uid, _, _, event, entity, actor, origin, outcome, correlation, change, note = drawn
    own_terms = [
        event.terms[0],
        value_term(WORKSPACE, "origin", origin),
        entity.terms[0],
        actor.terms[0],
        new_value_term(WORKSPACE, "correlation_id", correlation or hyphened(uid)),
    ]
    if outcome != "success":
        own_terms.append(value_term(WORKSPACE, "outcome", outcome))
    address = address_of(drawn)
    last = [BREAK, *note.split(" "), BREAK, *address.split(".")]
    if correlation:
        last = [BREAK, *correlation.split("-"), *(change.words if change else ()), *last]
    elif change:
        last = [*change.words, *last]
    words = [*entity.name_terms, BREAK, uid, *entity.words]
    return [
        own_terms,
        actor.terms[1:],
        context_terms(WORKSPACE, {}, {"ip": address}),
        change.terms if change else (),
        actor.name_terms,
        words,
        actor.words,
        last,
    ]


_known: dict[tuple[tuple[str, ...], int], str] = {}


def _placed(words: Sequence[str], first: int) -> str:
    """Return words with their places, from ``first`` on; those of what comes again are kept."""
    if type(words) is list:
        return " ".join([f"{word}:{place}" for place, word in enumerate(words, first) if word != BREAK])
    found = _known.get((words, first))
    if found is None:
        found = _known[words, first] = _placed(list(words), first)
    return found


class Minutes:
    """The terms of the workspace and of spans of time, made once for each of the shortest span."""

    def __init__(self, *, placed: bool) -> None:
        """Begin; ``placed`` for a tsvector."""
        self.bucket, self.terms, self.placed = -1, "", placed

    def of(self, second: int) -> str:
        """Return the terms of a second."""
        if second >> SPANS[0] != self.bucket:
            found = [_WORKSPACE_MARK, *spans(second)]
            self.bucket = second >> SPANS[0]
            self.terms = _placed(found, 1) if self.placed else " ".join(found)
        return self.terms


class Counts:
    """The rows of ``event_count``: one for each hour, day and week and kind of event."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[Any, ...]] = Counter()

    def add(self, chunk: Sequence[Drawn]) -> None:
        """Count events."""
        seconds = QUARTER.seconds
        some = Counter((each[1] // seconds, each[3].id, each[5].kind, each[6], each[7]) for each in chunk)
        for (quarter, *kind), events in some.items():
            for hours, start in zip((HOUR, DAY, WEEK), _starts(ZONE, quarter), strict=True):
                self.counted[hours, start, *kind] += events

    def rows(self) -> list[tuple[Any, ...]]:
        """Return rows in the order of the table's columns."""
        return [(WORKSPACE, *key, events) for key, events in self.counted.items()]

    def kinds(self) -> list[tuple[Any, ...]]:
        """Return the rows of ``event_kind``: event, origin, actor type and outcome."""
        kinds = {key[2:] for key in self.counted}
        return [(WORKSPACE, event, origin, actor, outcome) for event, actor, origin, outcome in sorted(kinds)]


def text_of_moment(hours: dict[int, str], second: int, micro: int) -> str:
    """Return a moment as PostgreSQL reads it; ``hours`` keeps what was made before."""
    hour, rest = divmod(second, 3600)
    start = hours.get(hour)
    if start is None:
        start = hours[hour] = datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m-%d %H:")
    return f"{start}{rest // 60:02}:{rest % 60:02}.{micro:06}+00"
