"""In which workspace a record's events belong."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditapp.models import Workspace


class CaptureError(RuntimeError):
    """Capture cannot tell where to record; the host's flush fails, because a change needs its event."""


class WorkspaceChoice:
    """A workspace given as a slug, an object with an integer ``id``, or a callable of the record."""

    def __init__(self, choice: Any) -> None:
        self._choose: Callable[[Any], Any] | None = choice if callable(choice) else None
        # An object's id is read now: later it may have expired, or its session be gone.
        self._fixed = None if callable(choice) else _plain(choice)
        self._ids: dict[tuple[Any, str | None], int] = {}
        self._seen: dict[tuple[Any, str | None], tuple[int, Any]] = {}
        self.is_fixed = self._choose is None

    def of(self, thing: Any, connection: Connection) -> int | None:
        """Return the workspace's id for one record; None: do not record it.

        :raise CaptureError: if there is no such workspace, or none was named and there are several.
        """
        if self._choose is None:
            return self._fixed if isinstance(self._fixed, int) else self._by_slug(self._fixed, connection)
        chosen = self._choose(thing)
        if chosen is None:
            return None
        workspace = _plain(chosen)
        return workspace if isinstance(workspace, int) else self._by_slug(workspace, connection)

    def forget(self) -> None:
        """Forget the ids of slugs: a workspace may have been made in a transaction that was rolled back."""
        self._ids.clear()
        self._seen.clear()

    def _by_slug(self, slug: str | None, connection: Connection) -> int:
        key = (connection.engine, slug)
        known = self._ids.get(key)
        if known is None:
            query = sa.select(Workspace.id).limit(2)
            rows = connection.execute(query if slug is None else query.where(Workspace.slug == slug)).all()
            if len(rows) != 1:
                raise CaptureError(_missing(slug, len(rows)))
            self._keep(key, rows[0][0], connection.get_transaction())
            return int(rows[0][0])
        return known

    def _keep(self, key: tuple[Any, str | None], workspace_id: int, transaction: Any) -> None:
        """Remember an id that two transactions saw: before, it may be one that is never committed."""
        seen_id, seen_in = self._seen.get(key, (None, None))
        if seen_id == workspace_id and seen_in is not transaction:
            self._ids[key] = workspace_id
        self._seen[key] = workspace_id, transaction


def _plain(choice: Any) -> int | str | None:
    if choice is None or isinstance(choice, str):
        return choice
    if isinstance(choice, int):
        return choice
    return int(choice.id)


def _missing(slug: str | None, count: int) -> str:
    if slug is not None:
        return f"there is no workspace {slug!r} to record this change in"
    return f"there are {count or 'no'} workspaces; say which one: capture(db, workspace=…)"
