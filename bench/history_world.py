"""The log of ``bench.timeline`` with three records of many versions in it, spread evenly over its year."""

import random
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from auditapp.log.line import line_of
from bench.timeline_world import SOME_ADDRESS, STAGES, Drawn, Part, World

VERSIONS = (10, 1_000, 100_000)
FIELDS = 12  # beside its list of services
SERVICES = [{"id": f"service-{number}", "name": f"Service {number}"} for number in range(40)]


def record_id(versions: int) -> str:
    """Return the id of the deal that has so many versions."""
    return f"deal-of-{versions}"


class HistoryWorld(World):
    """Events of which some are the versions of a few deals; each continues where the one before ended."""

    def draw(self, now: datetime) -> Iterator[list[Drawn]]:
        """Yield all events as ``World.draw`` does, those of the deals in their places."""
        deals = {versions: _Deal(versions) for versions in VERSIONS}
        places, at = self._places(), 0
        for chunk in super().draw(now):
            for number, drawn in enumerate(chunk, at):
                if number in places:
                    deal = deals[places[number]]
                    name = "deal.updated" if deal.state else "deal.created"
                    told = deal.next_change()
                    chunk[number - at] = drawn._replace(
                        event=self.events[name], entity=deal.part, outcome="success", change=told
                    )
            at += len(chunk)
            yield chunk

    def _places(self) -> Mapping[int, int]:
        """Return which events are versions, and of which deal: named by how many it has."""
        taken: dict[int, int] = {}
        for versions in VERSIONS:
            last = -1
            for number in range(versions):
                last = max(last + 1, number * self.count // versions)
                while last in taken:
                    last += 1
                taken[last] = versions
        return taken


class _Deal:
    """A deal whose fields are changed, one to three at a time."""

    def __init__(self, versions: int) -> None:
        name = f"Deal of {versions:,} versions"
        said = orjson.dumps({"entity": name, "related": []}).decode()
        self.part = Part(record_id(versions), name, "deal", said, (), (), ())
        self.state: dict[str, Any] = {}
        self.rng = random.Random(versions)  # noqa: S311

    def next_change(self) -> Part:
        """Change some fields; all of them the first time."""
        rng, names = self.rng, ["services", *(f"field_{number}" for number in range(FIELDS))]
        chosen = rng.sample(names, rng.choice((1, 1, 1, 2, 3))) if self.state else names
        changes: dict[str, dict[str, Any]] = {}
        for name in chosen:
            before = {"previous": self.state[name]} if name in self.state else {}
            self.state[name] = self._value(name)
            changes[name] = {**before, "current": self.state[name]}
        said = orjson.dumps(changes).decode()
        line = line_of(changes, {"ip": SOME_ADDRESS})
        return Part("changes", line or "", "changes", said, (), (), ())

    def _value(self, name: str) -> Any:
        rng = self.rng
        if name == "services":
            return rng.sample(SERVICES, 4)
        if name < "field_2":
            return rng.choice(STAGES)
        return rng.randrange(10**6) if name < "field_6" else f"{rng.choice(STAGES)} {rng.random():.6f}"
