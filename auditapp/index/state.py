"""How far what is derived from a workspace's log has come, and whether it is of this program's version."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Integer, Select, bindparam, cast, event, func, insert, select

from auditapp.extensions import db
from auditapp.index.terms import INDEX_VERSION
from auditapp.models import Workspace, follower, follower_failure, log_head, log_pending

# As a follower of the log, see followers/.
NAME = "index"
# A batch takes seconds; nobody has worked on it for so long.
IDLE = timedelta(minutes=2)
REBUILD = "flask --app app index rebuild"
MAX_COUNTED = 10_000  # rows of what has no place yet


class IndexState(NamedTuple):
    """A workspace's row of ``follower``, and what lies before it.

    :ivar size: how many events have a place in the log.
    :ivar pending: how many have none yet; of very many, fewer.
    :ivar failed: how many the index went past because it could not take them.
    """

    version: int = 0
    seq: int = 0
    goal: int = 0
    changed_at: datetime | None = None
    size: int = 0
    pending: int = 0
    failed: int = 0

    @property
    def is_begun(self) -> bool:
        """Tell whether it is of this version, though maybe not whole yet."""
        return self.version == INDEX_VERSION

    @property
    def is_current(self) -> bool:
        """Tell whether it answers, but for the newest events."""
        return self.is_begun and self.seq >= self.goal

    @property
    def behind(self) -> int:
        """Return how many events it does not know yet."""
        return self.pending + max(0, self.size - self.seq)

    def lag_words(self, what: str) -> list[str]:
        """Say which events are missing, in a sentence each; nothing where none is.

        :param what: they are not: "searchable", "counted".
        """
        sentences = []
        if self.behind:
            newest = "event is" if self.behind == 1 else f"{self.behind:,} events are"
            sentences.append(f"The newest {newest} not {what} yet.")
        if self.failed:
            some = "1 event is" if self.failed == 1 else f"{self.failed:,} events are"
            sentences.append(f"{some} not {what}: what makes them so failed at them, and tries again.")
        return sentences

    @property
    def is_under_way(self) -> bool:
        """Tell whether somebody is making it anew just now."""
        return (
            self.is_begun
            and not self.is_current
            and self.changed_at is not None
            and datetime.now(UTC) - self.changed_at < IDLE
        )

    @property
    def percent(self) -> int:
        """Return how much of it has been made, 0 to 99, and 100 where it is current."""
        if self.is_current:
            return 100
        return max(0, min(99, 100 * self.seq // self.goal)) if self.is_begun else 0

    @property
    def words(self) -> str:
        """Say in a sentence why it does not answer."""
        if self.is_under_way:
            return f"The search index is being made anew ({self.percent} %)."
        if self.is_begun:
            return f"The search index was made anew to {self.percent} % only, then that stopped."
        return "The search index is not of this version of the program, and must be made anew."

    @property
    def advice(self) -> str:
        """Say what to do."""
        if self.is_under_way:
            return "Try again in a minute."
        return f"Whoever runs this installation does that with: {REBUILD}"


class IndexStaleError(Exception):
    """What was asked needs the index, which would answer short."""

    def __init__(self, state: IndexState) -> None:
        self.state = state
        self.title = state.words
        self.advice = (
            "What is found by words, by changed fields and their values, or by relations cannot be told until"
            f" then; everything else can. {state.advice}"
        )
        super().__init__(f"{self.title} {self.advice}")


def index_state_of(workspace_id: int) -> IndexState:
    """Return a workspace's state, as of now; of one that nobody noted, that it is stale."""
    row = db.session.execute(_STATE, {"workspace": workspace_id, "most": MAX_COUNTED}).first()
    return IndexState(*row) if row else IndexState()


def _select_state() -> Select[Any]:
    """Return one query for one moment, each part of which says the workspace."""
    number = bindparam("workspace", type_=Integer)
    size = select(log_head.c.size).where(log_head.c.workspace_id == number)
    pending = select(log_pending.c.events).where(log_pending.c.workspace_id == number)
    counted = pending.limit(bindparam("most", type_=Integer)).subquery("counted")
    failures = select(func.count()).where(
        follower_failure.c.workspace_id == number, follower_failure.c.name == NAME
    )
    mine = (follower.c.workspace_id == number, follower.c.name == NAME)
    return select(
        *(follower.c[name] for name in STORED),
        func.coalesce(size.scalar_subquery(), 0),
        func.coalesce(select(cast(func.sum(counted.c.events), BigInteger)).scalar_subquery(), 0),
        failures.scalar_subquery(),
    ).where(*mine)


STORED = ("version", "seq", "goal", "changed_at")
_STATE = _select_state()


def stored_states(connection: Connection) -> dict[int, IndexState]:
    """Return what is noted of all workspaces, by number; not what lies before their indexes."""
    columns = [follower.c[name] for name in ("workspace_id", *STORED)]
    rows = connection.execute(select(*columns).where(follower.c.name == NAME))
    return {number: IndexState(*row) for number, *row in rows}


def stale_workspaces() -> list[int]:
    """Return the numbers of the workspaces whose index is stale, or was not finished."""
    noted = stored_states(db.session.connection())
    numbers = db.session.scalars(select(Workspace.id).order_by(Workspace.id))
    return [number for number in numbers if not noted.get(number, IndexState()).is_current]


def require_current_index(workspace_id: int) -> None:
    """Go on only where the index answers, but for the newest events.

    :raise IndexStaleError: if it is being made anew, or must be.
    """
    state = index_state_of(workspace_id)
    if not state.is_current:
        raise IndexStaleError(state)


@event.listens_for(Workspace, "after_insert")
def note_new_workspace(_mapper: Any, connection: Connection, workspace: Workspace) -> None:
    """Note that the index of a new workspace is whole: whoever makes one, by whatever way, need not know."""
    connection.execute(insert(log_head).values(workspace_id=workspace.id, size=0))
    connection.execute(
        insert(follower).values(
            workspace_id=workspace.id,
            name=NAME,
            version=INDEX_VERSION,
            seq=0,
            goal=0,
            changed_at=datetime.now(UTC),
        )
    )
