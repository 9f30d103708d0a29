"""``capture()``: which sessions are followed, which models, and in whose name."""

import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Mapper, Session, scoped_session, sessionmaker

from auditapp.capture import listeners
from auditapp.capture.host_request import host_request
from auditapp.capture.options import model_options
from auditapp.capture.plan import Plan, RefList, all_mappers
from auditapp.capture.recording import SYSTEM
from auditapp.capture.workspace import WorkspaceChoice
from auditapp.models import Event, EventName, EventPayload

BULK_LIMIT = 1000
PREVIOUS = ("database", "session")
THE_LOG = (Event, EventPayload, EventName)
_lock = threading.Lock()  # for captures that come and go
_captures: weakref.WeakKeyDictionary[Any, list["Capture"]] = weakref.WeakKeyDictionary()


def capture(
    db: Any,
    *,
    models: Iterable[type] | None = None,
    actor: Mapping[str, Any] | Callable[[], Mapping[str, Any] | None] | None = None,
    exclude: Iterable[str] = (),
    mask: Iterable[str] = (),
    workspace: Any = None,
    describe: Mapping[Any, Any] | None = None,
    context: Callable[[], Mapping[str, Any] | None] = host_request,
    origin: str | None = None,
    application: Mapping[str, Any] = SYSTEM,
    bulk_limit: int = BULK_LIMIT,
    previous: str = "database",
    _prefix: str = "",
) -> "Capture":
    """Record, from now on, what an application changes, in the transaction that changes it.

    Recorded: whatever is flushed, ``insert()``, ``update()`` and ``delete()`` of a captured model or its
    table through ``session.execute``, ``Query.update`` and ``.delete``, and the legacy ``session.bulk_…``.
    NOT recorded, because SQLAlchemy's session never sees it: ``text()`` statements, statements
    executed on an engine or a connection, statements on an association table without a model, what
    triggers and ``ON DELETE CASCADE`` do to other rows (but for many-to-many lists), and other programs.

    Told is what the database had and keeps: the rows that a flush will update or delete are locked and
    read first, a query a mapper, and values that a column may keep otherwise are read back after it.

    :param db: a Flask-SQLAlchemy object, sessionmaker, scoped_session, Session class or Session; the log's
        tables must be in the database that it writes to.
    :param models: mapped classes, their subclasses included; by default all but the log's own.
        Capturing a class again for the same ``db`` replaces how it is captured.
    :param actor: contract §5's actor, or a callable asked once a flush; None: ``application``.
    :param exclude: ``column`` or ``table.column``, not recorded; a relationship's name works too.
    :param mask: the same, recorded as ``[masked]``, in addition to the usual names of secrets.
    :param workspace: a slug, a Workspace, or a callable of the changed object (for a bulk statement, of a
        row with its columns as attributes) that returns one, or None not to record it. Without it,
        the only workspace there is.
    :param describe: ``{Model: {…}}``, as ``__audit__`` on the class: ``type``, ``id`` and ``name`` (attribute
        or callable), ``verbs`` (a mapping, or a callable of verb and changes), ``labels``, ``kinds``,
        ``choices``, ``exclude``, ``mask``; False: not captured. A column takes ``info={"audit": …}``:
        ``"mask"``, ``"exclude"``, or a dict of ``label``, ``kind``, ``choices``, ``mask``, ``exclude``.
    :param context: returns an event's ``context``, or None outside of a request.
    :param origin: contract §5's; by default ``ui`` in a request and ``system`` outside.
    :param bulk_limit: rows of a bulk statement that are recorded one by one.
    :param previous: ``session``: of an update, take what the session had read for what was there before, and
        lock and read only rows of which it has not. That is wrong where somebody else wrote meanwhile.
    :param _prefix: of the types of Auditapp's own records, and of no others.
    :return: a handle; ``stop()`` ends it.
    :raise TypeError: if ``db`` is none of these.
    :raise ValueError: if what is said of a model means nothing, or names a reserved type; if ``previous`` is
        another word.
    """
    if previous not in PREVIOUS:
        raise ValueError(f"previous is one of {', '.join(PREVIOUS)}, not {previous!r}")
    for model in {*(models or ()), *(key for key in describe or () if isinstance(key, type))}:
        model_options(model, describe or {})
    handle = Capture(_target(db), models, describe or {})
    handle.actor, handle.context, handle.origin, handle.application = (
        actor,
        context,
        origin,
        dict(application),
    )
    handle.exclude, handle.mask = _names(exclude), _names(mask)
    handle.prefix = _prefix
    handle.trusts_session = previous == "session"
    handle.workspace, handle.bulk_limit = WorkspaceChoice(workspace), bulk_limit
    handle.start()
    return handle


class Capture:
    """One ``capture()``, until it is stopped."""

    actor: Any
    context: Any
    origin: str | None
    application: dict[str, Any]
    exclude: frozenset[str]
    mask: frozenset[str]
    workspace: WorkspaceChoice
    bulk_limit: int
    prefix: str
    trusts_session: bool

    def __init__(self, target: Any, models: Iterable[type] | None, describe: Mapping[Any, Any]) -> None:
        self._target = target
        self._models = None if models is None else tuple(models)
        self._describe = describe
        self._plans: dict[Mapper[Any], Plan | None] = {}

    def start(self) -> None:
        """Begin; the newest capture of a model is the one that counts."""
        with _lock:
            _captures.setdefault(self._target, []).insert(0, self)
            _Captures.known.clear()
        listeners.attach(self._target, captures_of)
        if not event.contains(Mapper, "after_configured", _on_configured):
            event.listen(Mapper, "after_configured", _on_configured)

    def stop(self) -> None:
        """Record nothing from now on; an earlier capture of the same models counts again."""
        with _lock:
            mine = _captures.get(self._target, [])
            if self in mine:
                mine.remove(self)
            _Captures.known.clear()
        if not mine:
            listeners.detach(self._target)

    def plan_of(self, mapper: Mapper[Any]) -> Plan | None:
        """Return how a class is captured, None where it is not."""
        if mapper not in self._plans:
            self._plans[mapper] = self._plan(mapper)
        return self._plans[mapper]

    def _plan(self, mapper: Mapper[Any]) -> Plan | None:
        if issubclass(mapper.class_, THE_LOG):
            return None
        if self._models is not None and not issubclass(mapper.class_, self._models):
            return None
        description = model_options(mapper.class_, self._describe)
        return None if description is None else Plan(mapper, description, self)

    def naming_plan(self, mapper: Mapper[Any]) -> Plan:
        """Return how records of a class are named where others refer to them, captured or not."""
        return self.plan_of(mapper) or Plan(mapper, model_options(mapper.class_, self._describe) or {}, self)


class _Captures:
    """The captures that one kind of session has, the newest first, and which of them has a model."""

    known: dict[Any, "_Captures"] = {}  # noqa: RUF012 - one for all, emptied when captures come and go

    def __init__(self, captures: list[Capture]) -> None:
        self.captures = captures
        self._by_mapper: dict[Mapper[Any], tuple[Capture, Plan] | None] = {}
        self._naming: dict[Mapper[Any], Plan] = {}
        self._orphaning: dict[Mapper[Any], set[str]] = {}
        self._listings: dict[Mapper[Any], list[tuple[Plan, RefList]]] = {}

    def find(self, mapper: Mapper[Any]) -> tuple[Capture, Plan] | None:
        """Return the capture that a class belongs to, and its plan."""
        if mapper not in self._by_mapper:
            plans = ((active, active.plan_of(mapper)) for active in self.captures)
            self._by_mapper[mapper] = next(
                ((active, plan) for active, plan in plans if plan is not None), None
            )
        return self._by_mapper[mapper]

    def naming_plan(self, mapper: Mapper[Any]) -> Plan:
        """Return how records of a class are named where others refer to them."""
        if mapper not in self._naming:
            capture_and_plan = self.find(mapper)
            self._naming[mapper] = (
                capture_and_plan[1] if capture_and_plan else self.captures[0].naming_plan(mapper)
            )
        return self._naming[mapper]

    def listings(self, mapper: Mapper[Any]) -> list[tuple[Plan, RefList]]:
        """Return the many-to-many lists that records of a class may be in, each with its owner's plan."""
        listings = self._listings.get(mapper)
        if listings is None:
            by_prop: dict[Any, tuple[Plan, RefList]] = {}
            for owner in all_mappers():
                capture_and_plan = self.find(owner)
                for refs in capture_and_plan[1].lists if capture_and_plan else ():
                    prop = refs.prop
                    if (
                        capture_and_plan
                        and mapper.isa(prop.mapper)
                        and (owner is prop.parent or prop not in by_prop)
                    ):
                        by_prop[prop] = capture_and_plan[1], refs
            listings = self._listings[mapper] = list(by_prop.values())
        return listings

    def orphaning(self, mapper: Mapper[Any]) -> set[str]:
        """Return the relationships whose members are deleted when they leave."""
        if mapper not in self._orphaning:
            self._orphaning[mapper] = {
                prop.key for prop in mapper.relationships if prop.cascade.delete_orphan
            }
        return self._orphaning[mapper]

    def forget_listings(self) -> None:
        """A class that is mapped later may have lists of those mapped before."""
        self._listings.clear()


def captures_of(session: Session) -> _Captures | None:
    """Return the captures that a session's changes belong to, None where there are none."""
    kind = type(session)
    if session in _captures:
        return _Captures(
            [active for target in (session, *kind.__mro__) for active in _captures.get(target, ())]
        )
    captures = _Captures.known.get(kind)
    if captures is None:
        with _lock:  # a capture that starts meanwhile is in it, or empties it afterwards
            captures = _Captures([active for base in kind.__mro__ for active in _captures.get(base, ())])
            _Captures.known[kind] = captures
    return captures if captures.captures else None


def _on_configured() -> None:
    with _lock:
        for captures in _Captures.known.values():
            captures.forget_listings()


def _target(db: Any) -> Any:
    """Return the session class, or the one session, to follow."""
    inner = getattr(db, "session", None)
    if hasattr(db, "Model") and isinstance(inner, scoped_session):
        db = inner  # Flask-SQLAlchemy
    if isinstance(db, scoped_session):
        db = db.session_factory
    if isinstance(db, sessionmaker):
        return db.class_
    if isinstance(db, Session) or (isinstance(db, type) and issubclass(db, Session)):
        return db
    raise TypeError(
        f"capture takes a Flask-SQLAlchemy object, a sessionmaker, a scoped_session, a Session class or a"
        f" Session, not {type(db).__name__}; of an async one, its sync_session_class"
    )


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset([names] if isinstance(names, str) else names)
