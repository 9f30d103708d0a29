"""Events by the million, for looking at large logs: cheap to make, skewed as real ones are.

A few actors and records have most of the events. Memory is constant: of each record only its
version is kept, and everything else about it follows from that.
"""

import itertools
import random
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from demo.names import POOLS, names
from demo.world import dice

SPAN = timedelta(days=730)
ACTORS = 300
MAX_RECORDS = 50_000
EVENTS_A_RECORD = 12
CHUNK = 1000

STAGES = ("New", "Discovery", "Proposal", "Negotiation", "Won", "Reopened")
# For each entity type: how many of a hundred events, the field that changes, its values in turn.
KINDS: tuple[tuple[str, int, str, str, tuple[Any, ...]], ...] = (
    ("contact", 34, "lifecycle", "choice", ("Lead", "Qualified", "Customer", "Dormant")),
    ("deal", 26, "stage", "choice", STAGES),
    ("task", 18, "status", "choice", ("Open", "In progress", "Done", "Reopened")),
    ("organization", 9, "employees", "number", (12, 40, 55, 80, 120, 300)),
    ("invoice", 8, "total", "money", (1200.0, 1180.5, 990.0, 2400.0)),
    ("service", 5, "active", "boolean", (True, False)),
)
_ORIGINS = {"user": "ui", "api_key": "api", "workflow": "workflow", "system": "system"}


def synthetic_events(count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield ``count`` events of the two years up to last midnight, in order of time.

    They end there so that the story of the demo stays on top of the timeline.

    :param now: aware, UTC; runs at different moments make different records.
    """
    rng = dice(f"synthetic {now.isoformat()}")
    actors = _actors(rng)
    records = min(MAX_RECORDS, max(1, count // EVENTS_A_RECORD))
    versions = array("I", bytes(4 * records))
    run = f"{int(now.timestamp()):x}"
    kinds = rng.choices(KINDS, [kind[1] for kind in KINDS], k=records)
    actor_weights = list(itertools.accumulate(1 / (place + 1) for place in range(len(actors))))
    record_weights = list(itertools.accumulate((place + 1) ** -0.7 for place in range(records)))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = _moments(count, midnight, rng)
    while chunk := list(itertools.islice(moments, CHUNK)):
        # Drawn by the thousand: several times cheaper than one by one.
        who = rng.choices(actors, cum_weights=actor_weights, k=len(chunk))
        which = rng.choices(range(records), cum_weights=record_weights, k=len(chunk))
        for moment, actor, record in zip(chunk, who, which, strict=True):
            versions[record] += 1
            yield _event(moment, actor, kinds[record], f"{run}-{record}", versions[record])


def _event(
    moment: datetime,
    actor: dict[str, Any],
    kind: tuple[str, int, str, str, tuple[Any, ...]],
    tag: str,
    version: int,
) -> dict[str, Any]:
    entity_type, _, field, hint, values = kind
    change = {"current": values[version % len(values)], "kind": hint}
    if version > 1:
        change["previous"] = values[(version - 1) % len(values)]
    return {
        "event": f"{entity_type}.{'created' if version == 1 else 'updated'}",
        "occurred_at": moment,
        "actor": actor,
        "origin": _ORIGINS[actor["type"]],
        "entity": {"type": entity_type, "id": f"synthetic-{tag}", "name": f"Synthetic {entity_type} {tag}"},
        "changes": {field: change},
        "payload": {"version": version},
    }


def _moments(count: int, end: datetime, rng: random.Random) -> Iterator[datetime]:
    """Yield moments in order, twice as many a day at the end as at the beginning, most of them by day."""
    for place in range(count):
        share = (place + rng.random()) / count
        # The rate grows as 1 + x, so the share of events up to x is (x + x²/2) / 1.5; solved for x:
        at = (1 + 3 * share) ** 0.5 - 1
        yield _by_day(end - SPAN * (1 - at))


def _by_day(moment: datetime) -> datetime:
    """Press most of the night's part of a day into working hours, keeping the order."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    share = (moment - midnight) / timedelta(days=1)
    return midnight + timedelta(hours=_hour(share))


def _hour(share: float) -> float:
    """Map a share of the day's events to an hour: a tenth before 7:00, a tenth after 19:00."""
    if share < 0.1:
        return share * 70
    if share < 0.9:
        return 7 + (share - 0.1) * 15
    return 19 + (share - 0.9) * 50


def _actors(rng: random.Random) -> list[dict[str, Any]]:
    people = [name for pool in POOLS for name in names(pool, rng)[: ACTORS // len(POOLS)]]
    rng.shuffle(people)
    actors = [
        {
            "type": "user",
            "id": f"synthetic-user-{place}",
            "name": f"{name.first} {name.last}",
        }
        for place, name in enumerate(people)
    ]
    machines = (("api_key", "ERP sync"), ("workflow", "Lead routing"), ("system", "Nightly job"))
    for place, (kind, name) in enumerate(machines):
        actors.insert(place * 3, {"type": kind, "id": f"synthetic-{kind}", "name": name})
    return actors
