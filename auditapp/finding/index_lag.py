"""What the index does not know yet: who asks it waits for that, once a transaction."""

from auditapp.access.viewer import Viewer
from auditapp.database.read_once import read_once
from auditapp.database.replica import log_connection
from auditapp.followers import await_index, require_whole_index
from auditapp.index.state import IndexState, index_state_of


def awaited_index(viewer: Viewer) -> IndexState:
    """Wait until the index has what was there when it was first asked in this transaction.

    A person is shown after ``PAGE_SECONDS`` what there is, and told what is missing: ``behind`` of the state.

    :raise IndexStaleError: if the index is being made anew; for an API key and the command line, which read
        answers that are whole or none, also if it is still behind after ``WHOLE_SECONDS``.
    """
    workspace_id = viewer.workspace.id
    return read_once(log_connection(), ("index", workspace_id), lambda: _awaited(viewer))


def _awaited(viewer: Viewer) -> IndexState:
    if viewer.member_id is not None:
        return await_index(viewer.workspace.id)
    require_whole_index(viewer.workspace.id)
    return index_state_of(viewer.workspace.id)._replace(size=0, pending=0)
