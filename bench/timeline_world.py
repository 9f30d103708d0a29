"""A year of made-up events, drawn fast and in order of time, in the parts that rows are put together from.

Whatever a value says in a row or in the index of words is made once for each value, by the functions that
``record()`` uses; ``bench/timeline_check.py`` compares the two. The same count gives the same log.
"""

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from auditapp.index.field_terms import value_text
from auditapp.index.terms import BREAK, SPANS, change_terms, name_terms, new_value_term, span_term, value_term
from auditapp.index.terms import words as documents_of
from auditapp.log.line import line_of

WORKSPACE = 1
# Stands in the line of a change for the address of its event.
SOME_ADDRESS = "192.0.2.192"
ME = 9  # the place, among the actors, of the member who reads
# Words put into a share of all events; "jade" into ten.
PLANTED = (("quartz", 0.5), ("amber", 0.1), ("cobalt", 0.01), ("saffron", 0.001), ("onyx", 0.0001))
RAREST, PHRASE, PHRASE_SHARE = "jade", ("north", "harbour"), 0.02
TYPES = {"contact": 30, "deal": 24, "task": 18, "organization": 9, "invoice": 8, "service": 6, "note": 4}
VERBS = {"created": 20, "updated": 61, "deleted": 2, "tagged": 11, "assigned": 6}
RARE_TYPE, RAREST_EVENT = "estimate", "estimate.archived"  # a thousandth; twenty in all
# Common with common, and yet together three times in all.
TOGETHER = (
    {"actor": "user-4", "event": "deal.updated"},
    {"event": "invoice.updated", "outcome": "failure"},
    {"event": "task.tagged", "origin": "api"},
    {"event": "service.updated", "origin": "api"},
    {"event": "note.updated", "actor": "workflow-3"},
    {"actor": "user-6", "origin": "import"},
    {"actor": "user-4", "outcome": "failure"},
)
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "el", "or")]
STAGES = ("open", "qualified", "proposal", "negotiation", "won", "lost")


class Part(NamedTuple):
    """A value with all that it puts into a row: its JSON, its terms, its words with breaks before texts."""

    id: str
    name: str
    kind: str
    json: str
    terms: tuple[str, ...]
    name_terms: tuple[str, ...]
    words: tuple[str, ...]
    shuns: frozenset[str] = frozenset()


class Drawn(NamedTuple):
    """One event; ``second`` and ``micro`` since 1970, ``correlation`` None where it stands alone."""

    uid: str
    second: int
    micro: int
    event: Part
    entity: Part
    actor: Part
    origin: str
    outcome: str
    correlation: str | None
    change: Part | None
    note: str


def part(
    id_: str, name: str, kind: str, said: Any, terms: Any, named: Any, *texts: str, shuns: Any = ()
) -> Part:
    """Make a value; ``texts`` are those whose words it adds, ``shuns`` what it meets three times only."""
    spoken = [word for text in dict.fromkeys(texts) for word in (BREAK, *documents_of(text))]
    json = orjson.dumps(said).decode()
    return Part(id_, name, kind, json, tuple(terms), tuple(named), tuple(spoken), frozenset(shuns))


class World:
    """The values that the events of a log are drawn from."""

    def __init__(self, count: int, me: str = "", email: str = "") -> None:
        """Make all that there is.

        :param me: the id of the member who reads, of the e-mail address ``email``.
        """
        self.count, self.rng = count, random.Random(f"timeline {count}")  # noqa: S311
        rng = self.rng
        syllables = [rng.sample(_SYLLABLES, k) for k in rng.choices((2, 3, 4), (3, 5, 2), k=30_000)]
        self.vocabulary = list(dict.fromkeys("".join(some) for some in syllables))[:20_000]
        self.zipf = list(itertools.accumulate(1 / (place + 1) for place in range(len(self.vocabulary))))
        self.events = {name: self._event(name) for name in self._names()}
        self.event_weights = list(itertools.accumulate(self._weights()))
        self.actors = [self._actor(place, me, email) for place in range(5000)]
        self.actor_weights = list(itertools.accumulate(1 / (place + 3) for place in range(5000)))
        self.records = {kind: max(2, count * share // 2000) for kind, share in TYPES.items()}
        self.records[RARE_TYPE] = max(2, count // 20_000)
        self.known: dict[tuple[str, int], Part] = {}
        amounts = self._changes("amount", range(500, 24_500, 800), 1)
        statuses = self._changes("status", ("active", "paused", "closed"), 20)
        self.changes = [*self._changes("stage", STAGES, 4), *amounts, *statuses]
        self.rare_change = self._changes("discount", (0, 15), 1)[0]
        self.origins = {"workflow": ("workflow",), "system": ("system",)}
        self.origins["api_key"] = ("api",) * 9 + ("webhook",)
        self.origins["user"] = ("ui",) * 88 + ("api",) * 7 + ("import",) * 5

    def _names(self) -> list[str]:
        names = [f"{kind}.{verb}" for kind in (*TYPES, RARE_TYPE) for verb in VERBS]
        return [RAREST_EVENT if name == f"{RARE_TYPE}.tagged" else name for name in names]

    def _weights(self) -> list[float]:
        shares = {**TYPES, RARE_TYPE: 0.1}
        parts = [name.split(".") for name in self.events]
        return [0 if verb == "archived" else shares[kind] * VERBS[verb] for kind, verb in parts]

    def _event(self, name: str) -> Part:
        shuns = _rarely_with("event", name)
        return part(
            name, name, name.split(".")[0], name, [value_term(WORKSPACE, "event", name)], [], shuns=shuns
        )

    def _actor(self, place: int, me: str, email: str) -> Part:
        kind = "user" if place % 5 != 3 else ("workflow", "api_key", "workflow", "system")[place // 5 % 4]
        first, last = (self.rng.choice(self.vocabulary).title() for _ in range(2))
        id_, name = f"{kind}-{place}", f"{first} {last}"
        address = email if place == ME else None
        terms = [value_term(WORKSPACE, "actor_id", id_)]
        late = [value_term(WORKSPACE, "actor_type", kind)] if kind != "user" else []
        late += [value_term(WORKSPACE, "member_id", me)] if address else []
        said = {"type": kind, "id": id_, "name": name, "email": address}
        named = name_terms(WORKSPACE, "a", name, address, id_)
        texts = [id_, name, *([address] if address else [])]
        # Of an actor and an event it is the event that gives way.
        shuns = _rarely_with("actor", id_) - {*self.events}
        return part(id_, name, kind, said, (*terms, *late), named, *texts, shuns=shuns)

    def _changes(self, field: str, values: Any, times: int) -> list[Part]:
        found = []
        for previous, current in itertools.permutations(values, 2):
            said = {field: {"previous": previous, "current": current}}
            terms = dict.fromkeys(change_terms(WORKSPACE, said))
            texts = value_text(previous), value_text(current)
            line = line_of(said, {"ip": SOME_ADDRESS})
            found.append(part(field, line or "", field, said, terms, [], *texts))
        return found * times

    def record(self, kind: str, number: int) -> Part:
        """Return a record, made when it is first met; the last deal has one in 200 of all events."""
        if found := self.known.get((kind, number)):
            return found
        name = " ".join(self.rng.choices(self.vocabulary, cum_weights=self.zipf, k=2)).title()
        id_ = f"{kind}-{number}"
        terms, names = [new_value_term(WORKSPACE, "record", kind, id_)], name_terms(WORKSPACE, "n", name)
        made = part(id_, name, kind, {"entity": name, "related": []}, terms, names, id_, name)
        self.known[kind, number] = made
        return made

    def draw(self, now: datetime) -> Iterator[list[Drawn]]:
        """Yield all events up to ``now`` in lists of a thousand at most, one for each hour at least."""
        planted, rng = self._planted(), self.rng
        names, origins, roll = list(self.events.values()), self.origins, rng.random
        usual, place = self.events["contact.updated"], 0
        stories = _stories(rng)
        for moments in _moments(self.count, now, rng):
            some = len(moments)
            kinds = rng.choices(names, cum_weights=self.event_weights, k=some)
            actors = rng.choices(self.actors, cum_weights=self.actor_weights, k=some)
            spoken = rng.choices(self.vocabulary, cum_weights=self.zipf, k=3 * some)
            changes = rng.choices(self.changes, k=some)
            drawn = []
            for at, (second, micro) in enumerate(moments):
                event, actor, dice = kinds[at], actors[at], roll()
                possible = origins[actor.kind]
                origin = possible[int(dice * 1e6) % len(possible)]
                outcome = "success" if dice > 0.006 else "failure" if dice > 0.001 else "denied"
                shuns = event.shuns
                if shuns and (actor.id in shuns or origin in shuns or outcome in shuns):
                    event = usual
                if origin in actor.shuns:
                    origin = "ui"
                if outcome in actor.shuns:
                    outcome = "success"
                if place in planted:
                    event, actor, origin, outcome = planted[place]
                # The last deal is in a hundredth of those events of deals.
                pool = self.records[event.kind]
                number = pool - 1 if dice > 0.98 and event.kind == "deal" else int(roll() * pool)
                change = changes[at] if event.id.endswith("updated") and dice < 0.9 else None
                if change and dice < 0.0016:
                    change = self.rare_change
                said = spoken[3 * at : 3 * at + 3]
                said += [word for word, share in PLANTED if roll() < share]
                if roll() < PHRASE_SHARE:
                    said += PHRASE if roll() < 0.5 else (PHRASE[1], "of", PHRASE[0])
                if place * 10 % self.count < 10:  # ten places, spread evenly
                    said.append(RAREST)
                uid = f"{rng.getrandbits(72):018x}"
                uid = f"{second * 1000 + micro // 1000:012x}7{uid[:3]}8{uid[3:]}"
                entity = self.record(event.kind, number)
                told = (origin, outcome, next(stories), change, " ".join(said))
                drawn.append(Drawn(uid, second, micro, event, entity, actor, *told))
                place += 1
            yield drawn

    def _planted(self) -> dict[int, tuple[Part, Part, str, str]]:
        """Return what is put at places of the log: three of each rare pair, twenty of the rarest event."""
        wishes: dict[int, dict[str, str]] = {}
        for number, pair in enumerate(TOGETHER):
            wishes |= {int(self.count * share) + number: pair for share in (0.05, 0.4, 0.8)}
        wishes |= {int(self.count * (step + 0.5) / 20): {"event": RAREST_EVENT} for step in range(20)}
        return {
            place: (
                self.events[wish.get("event", "contact.updated")],
                self.actors[int(wish.get("actor", "user-0").split("-")[1])],
                wish.get("origin", "ui"),
                wish.get("outcome", "success"),
            )
            for place, wish in wishes.items()
        }


def _rarely_with(name: str, value: str) -> frozenset[str]:
    """Return what a value meets three times only."""
    pairs = [pair for pair in TOGETHER if pair.get(name) == value]
    return frozenset(other for pair in pairs for other in pair.values() if other != value)


def _stories(rng: random.Random) -> Iterator[str | None]:
    """Yield a correlation for each event: seven of ten stand alone, the others in groups of 2 to 8."""
    while True:
        if rng.random() >= 0.113:
            yield None
            continue
        name = f"req-{rng.getrandbits(48):012x}"
        for _ in range(rng.choice((2, 2, 2, 3, 3, 4, 5, 8))):
            yield name


def _moments(count: int, now: datetime, rng: random.Random) -> Iterator[list[tuple[int, int]]]:
    """Yield moments in order, most of them in office hours, in lists of an hour or less."""
    hours = 365 * 24
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    weights = []
    for hour in range(hours):
        moment = first + timedelta(hours=hour)
        by_day = 1.0 if 8 <= moment.hour < 18 else 0.08
        weights.append(by_day if moment.weekday() < 5 else by_day * 0.15)
    total, done, reached = sum(weights), 0, 0.0
    for hour, weight in enumerate(weights):
        reached += weight
        wanted = round(count * reached / total) - done
        done += wanted
        start = int(first.timestamp()) + 3600 * hour
        micros = sorted(int(rng.random() * 3_600_000_000) for _ in range(wanted))
        found = [(start + each // 1_000_000, each % 1_000_000) for each in micros]
        for at in range(0, len(found), 1000):
            yield found[at : at + 1000]


def spans(second: int) -> tuple[str, ...]:
    """Return the terms of the spans that a second is in."""
    return tuple(span_term(WORKSPACE, bits, (second + (1 << 36)) >> bits) for bits in SPANS)


def moment_of(drawn: Drawn) -> datetime:
    """Return when an event happened."""
    return datetime.fromtimestamp(drawn.second, UTC).replace(microsecond=drawn.micro)
