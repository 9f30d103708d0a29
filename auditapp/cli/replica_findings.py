"""What ``flask doctor`` says of the replica: whether it is read, and how far behind it is."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from auditapp.database.replica import MAX_AGE, NotAStandby, primary_positions, replica, state_of
from auditapp.server_log import describe

INSTEAD = "pages and exports read the primary meanwhile"


def replica_findings() -> Iterator[tuple[bool, str]]:
    """Yield whether all is well, and the line that says so; nothing where there is no replica."""
    engine = replica()
    if engine is None:
        return
    # First, so that what is written meanwhile is not counted as missing.
    _, flushed = primary_positions()
    try:
        with engine.connect() as connection:
            state = state_of(connection)
    except NotAStandby as error:
        yield False, f"AUDITAPP_DATABASE_REPLICA_URL: {error}; name a standby of the primary; {INSTEAD}"
        return
    except SQLAlchemyError as error:
        mend = "see that its server runs, and check AUDITAPP_DATABASE_REPLICA_URL"
        yield False, f"the replica does not answer: {mend}; it said: {describe(error)}; {INSTEAD}"
        return
    missing = max(0, flushed - state.replayed)
    seconds = state.age if missing else 0.0
    behind = f"{missing:,} bytes behind the primary"
    if seconds is not None:
        behind += f", {seconds:,.1f} seconds"
    if seconds is not None and seconds <= MAX_AGE:
        yield True, f"the replica is a standby and read from, {behind}"
        return
    yield False, f"the replica is {behind}: see that it replays, in pg_stat_wal_receiver there; {INSTEAD}"
