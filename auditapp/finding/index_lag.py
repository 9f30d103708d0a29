"""What the index does not know yet: who asks it waits for that, once a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from auditapp.access.viewer import Viewer
from auditapp.database.read_once import read_once
from auditapp.database.replica import log_connection
from auditapp.followers import await_index, require_whole_index
from auditapp.index.state import IndexState, index_state_of, require_current_index

_is_awaited: ContextVar[bool] = ContextVar("index_is_awaited", default=False)


@contextmanager
def index_already_awaited() -> Iterator[None]:
    """Let nobody wait in here: whoever reads page by page has waited once, for all that it is to read.

    It would else wait for what others record meanwhile, and for the event that says that it reads.
    """
    token = _is_awaited.set(True)
    try:
        yield
    finally:
        _is_awaited.reset(token)


def awaited_index(viewer: Viewer) -> IndexState:
    """Wait until the index has what was there when it was first asked in this transaction.

    A person is shown after ``PAGE_SECONDS`` what there is, and told what is missing: ``behind`` of the state.

    :raise IndexStaleError: if the index is being made anew; for an API key and the command line, which read
        answers that are whole or none, also if it is still behind after ``WHOLE_SECONDS``.
    """
    workspace_id = viewer.workspace.id
    if _is_awaited.get():
        require_current_index(workspace_id)
        return IndexState()
    return read_once(log_connection(), ("index", workspace_id), lambda: _awaited(viewer))


def _awaited(viewer: Viewer) -> IndexState:
    if viewer.member_id is not None:
        return await_index(viewer.workspace.id)
    require_whole_index(viewer.workspace.id)
    return index_state_of(viewer.workspace.id)._replace(size=0, pending=0)
