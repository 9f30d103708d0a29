"""Customermates' audit log as events: each row of the file becomes one.

What an event says comes from its row, but for names: those of actors and custom columns are found in
the file of people and in the log itself. Another file of people, or a log that has grown, may name
things better; what was recorded stays as it was known then, and its row counts as there already.
"""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditapp.inbound.customermates import changes as changed
from auditapp.inbound.customermates.columns import Columns
from auditapp.inbound.customermates.row import AuditRow, audit_row, name_of
from auditapp.inbound.files.json_stream import FileError, elements, fault
from auditapp.inbound.importing import Row
from auditapp.inbound.mapping import cut
from auditapp.values.strict_json import JsonError, loads, problems_of

Person = dict[str, Any]
# Who acted where a row names no user.
SYSTEM = {"type": "system", "id": "customermates", "name": "Customermates"}


def read_people(text: bytes) -> dict[str, Person]:
    """Read the file of people, ``[{id, email, firstName, lastName}]``, by id.

    :raise FileError: if it is anything else.
    """
    try:
        people = loads(text.removeprefix(b"\xef\xbb\xbf"))
    except JsonError as error:
        raise FileError(str(error)) from None
    if not isinstance(people, list):
        raise FileError("must be a JSON array of {id, email, firstName, lastName}")
    for number, person in enumerate(people, 1):
        if not isinstance(person, dict) or not isinstance(person.get("id"), str):
            raise fault(f"person {number}", "id", "is required, and a string")
        for path, message in problems_of(person):
            raise fault(f"person {number}", path, message)
    return {person["id"]: person for person in people}


class Customermates:
    """The reader of ``--format customermates``.

    Between the passes it remembers what the file told first about each user and column, and which
    records have rows that need their record's last known state; the file's length does not matter.
    """

    paths: Mapping[str, str] = {
        "payload": "eventData",
        "occurred_at": "createdAt",
        "entity.id": "entityId",
        "actor.id": "userId",
        "idempotency_key": "id",
    }
    known_by_payload = True
    learns = True

    def __init__(self, people: Mapping[str, Person] | None = None) -> None:
        """Make a reader for one import.

        :param people: from :func:`read_people`; they win over what the log itself says.
        """
        self._people = people or {}
        self._first_users: dict[str, Person] = {}
        self._first_columns: dict[str, dict[str, Any]] = {}
        self._watched: set[tuple[str, str]] = set()

    def rows(self, file: BinaryIO) -> Iterator[Row | FileError]:
        """Yield each row as an event."""
        users: dict[str, Person] = {}
        columns = Columns(self._first_columns)
        states: dict[tuple[str, str], dict[str, Any]] = {}
        for element in elements(file):
            try:
                row = audit_row(element)
            except FileError as error:
                yield error
                continue
            self._learn_users(row, users)
            columns.learn(row)
            event = event_of(
                row,
                payload=row.data,
                actor=self._actor(row.user_id, users),
                changes=changed.changes_of(sides_of(row, states.get(row.key)), columns),
                key=f"customermates:{row.id}",
            )
            self._remember(row, states)
            yield Row(row.place, event, len(element.text))

    def _learn_users(self, row: AuditRow, users: dict[str, Person]) -> None:
        for user_id, user in users_in(row):
            users[user_id] = {**users.get(user_id, {}), **user}
            self._first_users.setdefault(user_id, user)

    def _actor(self, user_id: str | None, users: Mapping[str, Person]) -> dict[str, Any]:
        if user_id is None:
            return SYSTEM
        user = self._people.get(user_id) or users.get(user_id) or self._first_users.get(user_id)
        return actor_of(user_id, user or {})

    def _remember(self, row: AuditRow, states: dict[tuple[str, str], dict[str, Any]]) -> None:
        """Keep the last known state, but only of records that have a row which will ask for it."""
        is_bare = row.changes is None and row.verb not in {"created", "deleted"}
        if is_bare and row.verb in {"updated", "registered"}:
            self._watched.add(row.key)
        if row.key in self._watched:
            # A bare record may hold some of the fields only.
            states[row.key] = {**(states.get(row.key, {}) if is_bare else {}), **row.record}


def event_of(
    row: AuditRow, *, payload: dict[str, Any], actor: dict[str, Any], changes: dict[str, Any], key: str
) -> dict[str, Any]:
    """Return a row as an event of contract §5."""
    return {
        "event": row.event,
        # Before what is made of it, so that a fault in it is named by its path in the row.
        "payload": payload,
        "occurred_at": row.created_at,
        "actor": actor,
        "origin": "unknown",
        "entity": {"type": row.entity_type, "id": row.entity_id, "name": name_of(row.record)},
        "changes": changes,
        "idempotency_key": key,
    }


def actor_of(user_id: str, user: Person) -> dict[str, Any]:
    """Return a user as an actor; ``user`` may be empty where nothing is known."""
    email = user.get("email")
    known_email = cut(email) if isinstance(email, str) and email else None
    return {"type": "user", "id": user_id, "name": name_of(user), "email": known_email}


def sides_of(row: AuditRow, state: Mapping[str, Any] | None) -> dict[str, changed.Sides]:
    """Return what a row changed, as far as the log says it.

    :param state: the record's last known state in the file, None before its first row.
    """
    if row.changes is not None:
        return changed.recorded(row.changes)
    if row.verb == "created" or (row.verb == "registered" and state is None):
        return changed.created(row.fields)
    if row.verb == "deleted":
        return {} if row.has_ids_only else changed.deleted(row.fields)
    if row.verb == "updated" and state is not None:
        return changed.between(state, row.record)
    return {}


def users_in(row: AuditRow) -> Iterator[tuple[str, Person]]:
    """Yield the users that a row describes, the newest description last."""
    sides = (row.changes or {}).get("users", {})
    for users in (sides.get("previous"), sides.get("current"), row.record.get("users")):
        for user in users if isinstance(users, list) else []:
            if isinstance(user, dict) and isinstance(user.get("id"), str):
                yield user["id"], _person(user)
    if row.entity_type == "user":
        yield row.entity_id, _person(row.record)


def _person(user: Mapping[str, Any]) -> Person:
    return {name: user[name] for name in ("firstName", "lastName", "email") if name in user}
