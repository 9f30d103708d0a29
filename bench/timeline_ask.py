"""Ask the application's own reading functions, and time them: in the database, and the whole call."""

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from auditapp.access.viewer import Viewer, member_viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Cursor, places_of
from auditapp.finding import count_new, fetch_page, newest_id
from auditapp.models import Account, Event
from auditapp.reading import activity, facets, story, timeline
from bench import timeline_cases as cases
from bench.timeline_bases import EMAIL, SLUG, application

DEEP = 50_000  # matches before page 1,000
LONG = 2.0  # seconds after which a slow question is not asked again


@dataclass
class Clock:
    """What the database took since it was reset, and what it was asked."""

    seconds: float = 0.0
    since: float = 0.0
    statements: list[tuple[float, str, Any]] = field(default_factory=list)

    def start(self) -> None:
        """Begin to count."""
        self.since = time.perf_counter()

    def stop(self) -> float:
        """Count what has gone by."""
        taken = time.perf_counter() - self.since
        self.seconds += taken
        return taken


CLOCK = Clock()


class TimedCursor(sqlite3.Cursor):
    """SQLite works while rows are fetched, too."""

    def execute(self, *args: Any) -> Any:
        """Run a statement as far as its first row."""
        CLOCK.start()
        try:
            return super().execute(*args)
        finally:
            CLOCK.stop()

    def fetchall(self) -> Any:
        """Run it to its end."""
        CLOCK.start()
        try:
            return super().fetchall()
        finally:
            CLOCK.stop()

    def fetchone(self) -> Any:
        """Run it to the next row."""
        CLOCK.start()
        try:
            return super().fetchone()
        finally:
            CLOCK.stop()


class TimedConnection(sqlite3.Connection):
    """A connection whose cursors are timed."""

    def cursor(self, factory: Any = TimedCursor) -> Any:
        """Return a timed cursor."""
        return super().cursor(factory)


def watch(engine: sa.Engine) -> None:
    """Have the clock run while a database works."""

    @sa.event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        if engine.dialect.name == "sqlite":
            kwargs["factory"] = TimedConnection

    @sa.event.listens_for(engine, "before_cursor_execute")
    def before(*_args: Any) -> None:
        CLOCK.start()

    @sa.event.listens_for(engine, "after_cursor_execute")
    def after(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        is_sqlite = engine.dialect.name == "sqlite"  # there its cursor has stopped the clock
        taken = time.perf_counter() - CLOCK.since if is_sqlite else CLOCK.stop()
        CLOCK.statements.append((taken, statement, parameters))


@dataclass(frozen=True)
class Figure:
    """Median milliseconds of a question; ``rows`` it was answered with."""

    group: str
    label: str
    page: int
    database_ms: float
    whole_ms: float
    rows: int
    slowest: str = ""


class Asker:
    """Somebody who reads one log."""

    def __init__(self, viewer: Viewer, rounds: int) -> None:
        self.viewer, self.rounds = viewer, rounds
        self.now = datetime.now(UTC)
        query = sa.select(Event.correlation_id, Event.id).order_by(Event.id.desc()).limit(200)
        found = [row[0] for row in db.session.execute(query)]
        self.correlation = next((each for each in found if each.startswith("req-")), found[0])
        query = (
            sa.select(Event.entity_id)
            .where(Event.workspace_id == viewer.workspace.id, Event.event == "deal.updated")
            .order_by(Event.occurred_at.desc())
            .limit(2000)
        )
        names = list(db.session.scalars(query))
        self.record = f"deal:{max(set(names), key=names.count)}"

    def filters(self, args: cases.Pairs) -> TimelineFilters:
        """Read a query string."""
        zone = ZoneInfo(self.viewer.workspace.timezone)
        places = places_of(self.viewer.workspace)
        return TimelineFilters.from_args(args, zone=zone, now=self.now, knows_me=True, places=places)

    def time(self, group: str, label: str, page: int, ask: Callable[[], int]) -> Figure:
        """Ask several times, after a first time that fills caches."""
        inside, whole, rows, slowest = [], [], 0, ""
        spent = 0.0
        for number in range(self.rounds + 1):
            CLOCK.seconds, CLOCK.statements = 0.0, []
            began = time.perf_counter()
            rows = ask()
            taken = time.perf_counter() - began
            db.session.rollback()
            if number or taken > LONG:
                inside.append(CLOCK.seconds)
                whole.append(taken)
            if CLOCK.statements:
                _, sql, parameters = max(CLOCK.statements, key=lambda each: each[0])
                slowest = f"{sql}\n-- {parameters}"
            spent += taken
            if spent > LONG and inside:
                break
        middle = statistics.median
        return Figure(group, label, page, middle(inside) * 1000, middle(whole) * 1000, rows, slowest)

    def pages(self, case: cases.Case) -> Iterator[Figure]:
        """Time page 1 and, where there are so many, page 1,000."""
        filters = self.filters(case.args)
        first = self.time(
            case.group, case.label, 1, lambda: len(timeline.list_events(filters, self.viewer).events)
        )
        yield first
        if first.rows < filters.limit:
            return
        rows = fetch_page(filters, self.viewer, (Event.occurred_at, Event.id), DEEP)
        db.session.rollback()
        if len(rows) == DEEP:
            place = Cursor(rows[-1].occurred_at, rows[-1].id)
            deep = self.filters((*case.args, ("before", places_of(self.viewer.workspace).write(place))))
            yield self.time(
                case.group, case.label, 1000, lambda: len(timeline.list_events(deep, self.viewer).events)
            )

    def overview(self, case: cases.Case) -> Iterator[Figure]:
        """Time facets and activity, together as the page asks for them."""
        filters, viewer = self.filters(case.args), self.viewer

        def both() -> int:
            found = facets.matches_of(filters, viewer)
            facets.facets_of(filters, viewer, found)
            activity.activity_of(filters, viewer, self.now, found)
            return found.total

        yield self.time(case.group, case.label, 1, both)

    def stories(self) -> Iterator[Figure]:
        """Time a page by story."""
        for args in ((), (("entity", "deal"),), (("actor", "user-0"),), (("outcome", "failure"),)):
            filters = self.filters((("group", "story"), *args))
            label = cases.label_of(args) or "unfiltered"
            yield self.time(
                "by story", label, 1, lambda f=filters: len(story.list_stories(f, self.viewer).events)
            )

    def new(self) -> Iterator[Figure]:
        """Time the poll for new events."""
        newest = newest_id(self.viewer)
        for args in ((), (("entity", "deal"), ("origin", "api")), (("q", "quartz"),)):
            filters = self.filters(args)
            for since in (0, 100):
                label = f"{since} new, {cases.label_of(args) or 'unfiltered'}"
                yield self.time(
                    "new",
                    label,
                    1,
                    lambda f=filters, s=since: count_new(f, self.viewer, newest - s).count,
                )

    def everything(self, groups: set[str]) -> Iterator[Figure]:
        """Time all there is to ask of some groups."""
        alone = cases.single(self.now, self.record, self.correlation)
        asked = [cases.Case("unfiltered", "unfiltered", ()), *alone, *cases.changes(), *cases.searches()]
        for case in asked + sorted(cases.pairs_of(alone + cases.changes()), key=lambda each: each.group):
            if case.group in groups:
                yield from self.pages(case)
        for case in cases.overviews():
            if case.group in groups:
                yield from self.overview(case)
        if "by story" in groups:
            yield from self.stories()
        if "new" in groups:
            yield from self.new()


@contextmanager
def asker(url: str, rounds: int) -> Iterator[Asker]:
    """Yield somebody who reads the log of a database, and may see all of it."""
    app = application(url)
    with app.app_context():
        watch(db.engine)
        account = db.session.scalars(sa.select(Account.id).where(Account.email == EMAIL)).one()
        viewer = member_viewer(SLUG, account)
        assert viewer is not None  # noqa: S101 - the loader made it
        db.session.expunge_all()  # else the workspace is read anew in each round
        try:
            yield Asker(viewer, rounds)
        finally:
            db.session.remove()
            db.engine.dispose()
