"""Whether what is derived from a workspace's log is whole, and of this program's version."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, event, insert, select

from auditapp.extensions import db
from auditapp.index.terms import INDEX_VERSION
from auditapp.models import Workspace, index_state

# A batch takes seconds; nobody has worked on it for so long.
IDLE = timedelta(minutes=2)
REBUILD = "flask --app app index rebuild"
_COLUMNS = ("version", "first_event", "done_event", "last_event", "changed_at")


class IndexState(NamedTuple):
    """A row of ``index_state``; see there."""

    version: int = 0
    first_event: int = 0
    done_event: int = 0
    last_event: int = 0
    changed_at: datetime | None = None

    @property
    def is_begun(self) -> bool:
        """Tell whether it is of this version, though maybe not whole yet."""
        return self.version == INDEX_VERSION

    @property
    def is_current(self) -> bool:
        """Tell whether it answers for every event."""
        return self.is_begun and self.done_event >= self.last_event

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
        if not self.is_begun:
            return 0
        indexed, events = self.done_event - self.first_event, self.last_event - self.first_event
        return max(0, min(99, 100 * indexed // events))

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
    """Return a workspace's state; of one that nobody noted, that it is stale."""
    query = select(*(index_state.c[name] for name in _COLUMNS))
    row = db.session.execute(query.where(index_state.c.workspace_id == workspace_id)).first()
    return IndexState(*row) if row else IndexState()


def stale_workspaces() -> list[int]:
    """Return the numbers of the workspaces whose index is stale, or was not finished."""
    columns = [index_state.c[name] for name in _COLUMNS]
    query = select(Workspace.id, *columns).outerjoin(index_state, index_state.c.workspace_id == Workspace.id)
    rows = db.session.execute(query.order_by(Workspace.id))
    return [row[0] for row in rows if row.version is None or not IndexState(*row[1:]).is_current]


def require_index(workspace_id: int) -> None:
    """Go on only where the index answers for every event of a workspace.

    :raise IndexStaleError: if it does not.
    """
    state = index_state_of(workspace_id)
    if not state.is_current:
        raise IndexStaleError(state)


@event.listens_for(Workspace, "after_insert")
def note_new_workspace(_mapper: Any, connection: Connection, workspace: Workspace) -> None:
    """Note that the index of a new workspace is whole: whoever makes one, by whatever way, need not know."""
    connection.execute(
        insert(index_state).values(
            workspace_id=workspace.id,
            **IndexState(version=INDEX_VERSION, changed_at=datetime.now(UTC))._asdict(),
        )
    )
