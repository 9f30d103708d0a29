"""Where capture hooks into SQLAlchemy's sessions: a class of sessions, or a single one."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from auditapp.capture import flush, legacy, statements, story

_find: Callable[[Session], Any] = lambda session: None  # noqa: E731 - set by attach


def attach(target: Any, find: Callable[[Session], Any]) -> None:
    """Follow the sessions of a class, or one session; doing so twice changes nothing.

    :param find: returns the captures of a session, or None.
    """
    global _find
    _find = find
    flush.follow_mappers()
    for name, listener in _LISTENERS.items():
        if not event.contains(target, name, listener):
            event.listen(target, name, listener)
    legacy.wrap(target, find)


def detach(target: Any) -> None:
    """Follow them no longer."""
    for name, listener in _LISTENERS.items():
        if event.contains(target, name, listener):
            event.remove(target, name, listener)
    legacy.unwrap(target)


def _before_flush(session: Session, _context: Any, _objects: Any) -> None:
    if captures := _find(session):
        flush.before_flush(session, captures)


def _after_flush(session: Session, _context: Any) -> None:
    flush.after_flush(session)


def _on_execute(state: ORMExecuteState) -> Any:
    if state.is_select or not (state.is_insert or state.is_update or state.is_delete):
        return None
    captures = _find(state.session)
    return statements.execute(state, captures) if captures else None


def _after_soft_rollback(session: Session, transaction: Any) -> None:
    flush.after_rollback(session)
    story.on_rollback(session, transaction)
    if captures := _find(session):
        for capture in captures.captures:
            capture.workspace.forget()


def _after_transaction_create(session: Session, transaction: Any) -> None:
    story.on_savepoint(session, transaction)


_LISTENERS: dict[str, Any] = {
    "before_flush": _before_flush,
    "after_flush": _after_flush,
    "do_orm_execute": _on_execute,
    "after_soft_rollback": _after_soft_rollback,
    "after_transaction_create": _after_transaction_create,
}
