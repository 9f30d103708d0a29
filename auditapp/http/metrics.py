"""What is measured of this installation, in the text format of Prometheus.

Of requests each process counts its own. What the database says is read every few seconds at most, with
bounds on what is counted. Labels are our own words only: nothing that came from outside.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from auditapp.extensions import db
from auditapp.followers.lag import MOST, Lag
from auditapp.inbound.source import sources_of
from auditapp.operating.kept import Kept
from auditapp.server_log.requests import Answered

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# Seconds: from a page that is in the cache to an export of all.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
KEPT_SECONDS = 15.0  # of what is known of sources
log = logging.getLogger(__name__)


class SourceCounts(NamedTuple):
    """How many sources fail, and how many bodies that could not be read wait."""

    failing: int
    set_aside: int


class Metrics:
    """The metrics of one application; nothing of them is global."""

    def __init__(self, lag: Callable[[], Lag | None]) -> None:
        """Begin to count.

        :param lag: says how far what follows the log is; asked at each reading, None where it is unknown.
        """
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "auditapp_requests",
            "Requests that this process answered, by method and class of status.",
            ("method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "auditapp_request_seconds",
            "How long answers took to their last byte, by view.",
            ("view",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Database(lag))

    def observe(self, answered: Answered) -> None:
        """Count a request."""
        method = answered.method if answered.method in METHODS else "other"
        status = f"{answered.status // 100}xx" if answered.status else "none"
        self._requests.labels(method, status).inc()
        self._seconds.labels(answered.endpoint or "none").observe(answered.seconds)

    def text(self) -> bytes:
        """Return all metrics, as ``CONTENT_TYPE`` has it."""
        return generate_latest(self._registry)


class _Database(Collector):
    """What the database says, when it is asked for."""

    def __init__(self, lag: Callable[[], Lag | None]) -> None:
        self._lag = lag
        self._sources = Kept(_count_sources, lambda: KEPT_SECONDS)

    def describe(self) -> Iterator[Metric]:
        """Say nothing beforehand: it would ask the database when the application is made."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield what can be read; without a database, nothing but that."""
        lag = self._lag()
        yield _gauge("auditapp_database_up", "Whether the database could be read.", lag is not None)
        if lag is not None:
            yield from _log(lag)
        try:
            sources = self._sources.get()
        except SQLAlchemyError as error:
            db.session.rollback()
            log.warning("the sources that fail were not counted", exc_info=error)
            return
        yield _gauge("auditapp_sources_failing", "Sources that fail.", sources.failing)
        yield _gauge(
            "auditapp_set_aside",
            "Bodies that could not be read and wait.",
            sources.set_aside,
        )


def _log(lag: Lag) -> Iterator[Metric]:
    each, events, pending = lag.followers, lag.placed + lag.pending, lag.pending
    waited = [of.waited(lag.now).total_seconds() for of in each]
    yield _gauge("auditapp_log_events", "Events in the log of all workspaces.", events)
    yield _gauge("auditapp_log_pending_events", "Of them, those without a place in it yet.", pending)
    yield _gauge("auditapp_worker_up", "Whether a worker follows the log.", lag.worker_runs)
    if lag.seen_at:
        ago = max(0.0, (lag.now - lag.seen_at).total_seconds())
        yield _gauge("auditapp_worker_seen_seconds", "Since a worker was last seen.", ago)
    values: Sequence[float]
    for name, words, values in (
        ("lag_events", "Events that it does not know yet, in all workspaces.", [of.behind for of in each]),
        ("worst_lag_events", "The same, where it is furthest behind.", [of.worst for of in each]),
        ("lag_seconds", "For how long the oldest of them has waited.", waited),
        ("failures", f"Events that it failed at, {MOST} at most.", [of.failed for of in each]),
        ("stale_workspaces", "Workspaces where it is made anew, or has to be.", [of.stale for of in each]),
    ):
        family = GaugeMetricFamily(f"auditapp_follower_{name}", words, labels=["follower"])
        for of, value in zip(each, values, strict=True):
            family.add_metric([of.name], float(value))
        yield family


def _count_sources() -> SourceCounts:
    sources, now = sources_of(), datetime.now(UTC)
    return SourceCounts(
        sum(bool(each.problems(now)) for each in sources), sum(each.waiting for each in sources)
    )


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))
