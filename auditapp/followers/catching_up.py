"""All followers, and one round of all their work."""

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, and_, func, or_, select

from auditapp.database.locks import lock_for_writing
from auditapp.followers.failures import Failure, due, keep_failure, take_failure
from auditapp.followers.follower import Follower
from auditapp.followers.index import INDEX
from auditapp.followers.places import give_places
from auditapp.followers.step import cursor_of, follow, has_more, is_trouble, read_placed
from auditapp.followers.transaction import transaction
from auditapp.index.statistics import WORTH_IT, know_what_is_indexed
from auditapp.models import Workspace, follower, log_head, log_pending

FOLLOWERS: tuple[Follower, ...] = (INDEX,)
OTHERS_SECONDS = 0.05  # between two looks at what another process does just now


def follow_once(engine: Engine, workspace_id: int) -> int:
    """Give places and let each follower take some hundred events of a workspace.

    :return: how many places were given, and gone on by followers; 0 where nothing is left to do.
    :raise sqlalchemy.exc.DBAPIError: if the database fails; what was done before stays done.
    """
    return give_places(engine, workspace_id) + sum(follow(engine, each, workspace_id) for each in FOLLOWERS)


def catch_up(
    engine: Engine,
    workspaces: Sequence[int] | None = None,
    *,
    seconds: float | None = None,
    tell: Callable[[int, int], None] = lambda workspace_id, done: None,
) -> None:
    """Let all followers of some workspaces, or of all, come to the end of the log. Commits as it goes.

    What another process does just now, is waited for.

    :param seconds: after which to stop, though something is left.
    :param tell: is told after each batch how much was done in a workspace.
    :raise sqlalchemy.exc.DBAPIError: if the database fails; what was done before stays done.
    """
    ends = None if seconds is None else time.monotonic() + seconds
    all_done = 0
    left = [*(workspaces if workspaces is not None else workspaces_behind(engine))]
    while left:
        for workspace_id in [*left]:
            if ends is not None and time.monotonic() >= ends:
                return
            if done := follow_once(engine, workspace_id):
                all_done += done
                tell(workspace_id, done)
            elif any(has_more(engine, each, workspace_id) for each in FOLLOWERS):
                time.sleep(OTHERS_SECONDS)
            else:
                left.remove(workspace_id)
    look_at_index(engine, all_done)


def look_at_index(engine: Engine, done: int) -> None:
    """Have PostgreSQL learn what many events at once have made of the index."""
    if done >= WORTH_IT:
        with transaction(engine) as connection:
            know_what_is_indexed(connection, done)
            connection.commit()


def workspaces_behind(engine: Engine) -> list[int]:
    """Return the workspaces where something is left to do for whoever follows the log."""
    with engine.connect() as connection:
        waiting = connection.scalars(select(log_pending.c.workspace_id).distinct())
        return sorted({*waiting, *_behind(connection)})


def _behind(connection: Connection) -> Sequence[int]:
    numbers: list[int] = []
    for each in FOLLOWERS:
        mine = and_(follower.c.workspace_id == Workspace.id, follower.c.name == each.name)
        is_behind = or_(
            follower.c.seq.is_(None),
            follower.c.version != each.version,
            follower.c.seq < func.coalesce(log_head.c.size, 0),
        )
        query = select(Workspace.id).outerjoin(follower, mine)
        query = query.outerjoin(log_head, log_head.c.workspace_id == Workspace.id)
        numbers += connection.scalars(query.where(is_behind)).all()
    return numbers


def retry_failures(engine: Engine) -> int:
    """Try some events again that followers failed at and whose time has come; return how many went well.

    :raise sqlalchemy.exc.DBAPIError: if the database fails.
    """
    with engine.connect() as connection:
        failures = due(connection, [each.name for each in FOLLOWERS])
    followers = {each.name: each for each in FOLLOWERS}
    return sum(_retry(engine, followers[failure.name], failure) for failure in failures)


def _retry(engine: Engine, of: Follower, failure: Failure) -> bool:
    try:
        with transaction(engine) as connection:
            events = read_placed(connection, failure.workspace_id, failure.seq)
            made = of.prepare(connection, events) if events else None
            lock_for_writing(connection)
            # Nobody else has an effect on this workspace meanwhile, nor takes all of them back.
            cursor_of(connection, of, failure.workspace_id, for_update=True)
            if not take_failure(connection, failure):
                return False
            if events:
                # It may have failed while the follower began anew, and left what it had before.
                of.apply(connection, events, made, True)
            connection.commit()
    except Exception as error:
        if is_trouble(error):
            raise
        with transaction(engine) as connection:
            lock_for_writing(connection)
            if take_failure(connection, failure):
                keep_failure(connection, of.name, failure.workspace_id, failure.seq, error, failure)
            connection.commit()
        return False
    return True
