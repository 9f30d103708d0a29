"""How fast a record's history answers, by how many versions it has and how large the log around it is.

    python -m bench.history [--events 10000,1000000] [--databases sqlite,postgresql] [--keep DIR]

Deals of 10, 1,000 and 100,000 versions lie spread over a year of the given number of events. First the
application's own reading functions are asked, as somebody who may see everything: the time spent in the
database and, in brackets, of the whole call. Then its server, for the first byte of the whole page. Each
figure is the median of several rounds, in milliseconds. The index of words stays empty: no history asks it.
A kept folder is found again: its databases are not made anew, and PostgreSQL goes on running there.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.filters import TimelineFilters, Values
from auditapp.models import Event
from auditapp.reading.records.compare import compare
from auditapp.reading.records.field_points import field_points
from auditapp.reading.records.history import PAGE_SIZE, history_of
from auditapp.reading.records.record import Record
from auditapp.reading.records.state import state_at
from auditapp.reading.timeline import list_events
from bench.history_fill import fill
from bench.history_world import VERSIONS, record_id
from bench.servers import http_server
from bench.timeline import Found, show
from bench.timeline_ask import Asker, Figure, asker
from bench.timeline_bases import SLUG, base, server
from bench.timeline_server import Browser

READING, PAGES = "reading functions", "first byte of the page"
FIELD = "field_3"


def main() -> None:
    """Fill, ask, and print a table for each database."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--events", default="10000,1000000", help="sizes, with commas between")
    arguments.add_argument("--databases", default="sqlite,postgresql")
    arguments.add_argument("--keep", type=Path, help="a folder in which the databases stay")
    arguments.add_argument("--rounds", type=int, default=7)
    asked = arguments.parse_args()
    with ExitStack() as stack:
        folder = (asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))) / "history"
        folder.mkdir(parents=True, exist_ok=True)
        for each in (folder.parent, folder):
            each.chmod(0o755)  # where PostgreSQL must run as somebody else
        for kind in asked.databases.split(","):
            running = stack.enter_context(server(folder, keep=bool(asked.keep))) if kind != "sqlite" else None
            found: Found = {}
            for count in sorted({int(size) for size in asked.events.split(",")}):
                url, done = base(kind, count, folder, running)
                if not done:
                    print(f"{kind}: filling {count:,} events …", flush=True)
                    fill(url, count)
                    (folder / f"{kind}-{count}.done").touch()
                found[count] = list(measure(url, asked.rounds))
            show(kind, found)


def measure(url: str, rounds: int) -> Iterator[Figure]:
    """Yield every figure of one database."""
    with asker(url, rounds) as who:
        places = {versions: Places(who, versions) for versions in VERSIONS}
        for versions in VERSIONS:
            yield from of_reading(who, places[versions])
    with http_server(url) as port:
        browser = Browser(port)
        browser.sign_in()
        for versions in VERSIONS:
            yield from of_pages(browser, places[versions], rounds)


class Places:
    """A deal and some places among its versions."""

    def __init__(self, who: Asker, versions: int) -> None:
        self.versions, self.record = versions, Record("deal", record_id(versions))
        mine = Event.workspace_id == who.viewer.workspace.id, Event.entity_id == self.record.id
        query = sa.select(Event.uid, Event.occurred_at).where(*mine).order_by(Event.occurred_at, Event.id)
        found = [self._at(query, place) for place in (0, versions // 2, versions - 1)]
        self.first, self.middle, self.last = (row[0] for row in found)
        self.moment: datetime = found[1][1]

    def _at(self, query: Any, place: int) -> Any:
        return db.session.execute(query.offset(place).limit(1)).one()


def of_reading(who: Asker, at: Places) -> Iterator[Figure]:
    """Time the reading functions."""
    record, viewer = at.record, who.viewer
    filters = TimelineFilters({"record": Values((str(record),))}, limit=PAGE_SIZE)

    def page() -> int:
        return len(history_of(filters, viewer, lambda some: list_events(some, viewer), folds=True).events)

    def compared(one: UUID | None, other: UUID) -> int:
        found = compare(record, viewer, one, other)
        return len(found.changes) if found else 0

    def state(moment: datetime | None) -> int:
        found = state_at(record, viewer, moment)
        return len(found.fields) if found else 0

    asked: dict[str, Callable[[], int]] = {
        "page": page,
        "who last set each field": lambda: state(None),
        "state at an instant": lambda: state(at.moment),
        "newest version compared": lambda: compared(None, at.last),
        "first and last compared": lambda: compared(at.first, at.last),
        "points of a field": lambda: len(field_points(record, FIELD, viewer)[0]),
    }
    for label, ask in asked.items():
        yield who.time(READING, f"{label}, {at.versions:,} versions", 0, ask)


def of_pages(browser: Browser, at: Places, rounds: int) -> Iterator[Figure]:
    """Time whole pages, warm."""
    views: dict[str, dict[str, str]] = {
        "versions": {},
        "fields": {"view": "fields"},
        "at an instant": {"at": at.moment.isoformat().replace("+00:00", "Z")},
        "compare": {"to": str(at.last)},
        "one field": {"field": FIELD},
    }
    for label, query in views.items():
        path = f"/w/{SLUG}/history/deal/{at.record.id}" + (f"?{urlencode(query)}" if query else "")
        taken = []
        for number in range(rounds + 1):
            answer, text, seconds = browser.ask("GET", path)
            if answer.status != 200:
                raise SystemExit(f"{path}: {answer.status} {text[:300]}")
            if number:
                taken.append(seconds)
        middle = statistics.median(taken) * 1000
        yield Figure(PAGES, f"{label}, {at.versions:,} versions", 0, middle, middle, text.count("<time"))


if __name__ == "__main__":
    main()
