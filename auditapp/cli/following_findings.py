"""What ``flask doctor`` says of whatever follows the log: the worker, how far each is, and what failed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from auditapp.extensions import setting
from auditapp.followers.failures import Failures, all_failures
from auditapp.followers.lag import FollowerLag, Lag, WorkspaceLag, read_lag

WORKER = "flask --app app worker"
SHOWN = 10  # workspaces; of a lag those furthest behind


def following_findings(connection: Connection) -> Iterator[tuple[bool, str]]:
    """Yield whether it is fine, and a line; needs a database of this version."""
    lag = read_lag(connection)
    yield True, _worker(lag)
    for each in lag.followers:
        yield _follower(lag, each)
    failed = all_failures(connection)
    for failures in failed[:SHOWN]:
        yield False, _failed(failures)
    if more := failed[SHOWN:]:
        yield (
            False,
            f"{sum(each.events for each in more):,} more events failed in {len(more):,} more workspaces",
        )


def _worker(lag: Lag) -> str:
    if lag.worker_runs and lag.seen_at:
        return f"a worker follows the log, seen {_length(lag.now - lag.seen_at)} ago"
    seen = f"; one was last seen {_length(lag.now - lag.seen_at)} ago" if lag.seen_at else ""
    if setting("WORKER"):
        return (
            f"no worker follows the log just now{seen}; AUDITAPP_WORKER is on, so a server brings one along"
        )
    return f"no worker follows the log just now{seen}; AUDITAPP_WORKER is off, so {WORKER} has to run"


def _follower(lag: Lag, of: FollowerLag) -> tuple[bool, str]:
    """A lag alone is nothing wrong: it ends by itself as long as somebody follows."""
    if not of.workspaces:
        return True, f"{of.name}: up to date"
    least = "at least " if lag.is_more else ""
    behind = f"{least}{of.behind:,} event{'' if of.behind == 1 else 's'} behind ({_where(of.workspaces)})"
    since = f", the oldest for {_length(of.waited(lag.now))}" if of.oldest_at else ""
    if not lag.stands(of):
        return True, f"{of.name}: {behind}{since}"
    start = f"start the server, or {WORKER}" if setting("WORKER") else f"start {WORKER}"
    return False, f"{of.name} stands, since no worker follows the log: {behind}{since}: {start}"


def _where(workspaces: Sequence[WorkspaceLag]) -> str:
    named = [f"{each.slug} {each.behind:,}{_anew(each)}" for each in workspaces[:SHOWN]]
    more = len(workspaces) - len(named)
    return ", ".join([*named, *([f"{more:,} more workspace{'' if more == 1 else 's'}"] if more else [])])


def _anew(workspace: WorkspaceLag) -> str:
    return f", made anew to {workspace.percent} %" if workspace.is_stale else ""


def _failed(failures: Failures) -> str:
    oldest = failures.oldest
    events = "1 event" if failures.events == 1 else f"{failures.events:,} events"
    tried = "once" if oldest.attempts == 1 else f"{oldest.attempts:,} times"
    return (
        f"{oldest.name} failed at {events} of {failures.slug}, the oldest since {_moment(oldest.failed_at)},"
        f" tried {tried}: {oldest.error}. It goes on without, and tries again, the oldest"
        f" {_next(oldest.next_at)}. The server's log says where it failed; once that is mended,"
        " Settings → Index and followers tries all at once"
    )


def _next(moment: datetime) -> str:
    return f"at {_moment(moment)}" if moment > datetime.now(UTC) else "as soon as a worker runs"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _length(length: timedelta) -> str:
    """Return a length of time in its largest unit."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return f"{seconds // size:,} {unit}{'' if seconds // size == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
