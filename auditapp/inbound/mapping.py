"""What the mappers of other products' forms share: reading, naming, and refusing in the sender's words."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NoReturn

import orjson

from auditapp.log import EventError, Problem
from auditapp.log.schema import MAX_BATCH, parse_event
from auditapp.values.strict_json import is_clean, problems_of

MAX_NAME = 512
MAX_KEY = 200
# A document may hold a million faults; the first ones will do.
MAX_PROBLEMS = 100


class Attributes:
    """Reads one object of a document, and collects what is wrong in it. Null stands for absent."""

    def __init__(self, fields: dict[str, Any], index: int, path: str = "") -> None:
        """Begin to read.

        :param index: the event's place in its batch, for the problems.
        :param path: of this object in its document; empty for the document itself.
        """
        self.fields = fields
        self.index = index
        self.problems: list[Problem] = []
        self._path = path

    def refuse(self, name: str, message: str) -> None:
        """Note what is wrong with an attribute."""
        path = f"{self._path}.{name}" if self._path else name
        self.problems.append(Problem(self.index, path, message))

    def required(self, name: str, missing: str = "is required") -> str:
        """Return a string that must be there and not be empty; the empty one if it is refused."""
        text = self.optional(name)
        if self.fields.get(name) is None:
            self.refuse(name, missing)
        elif text == "":
            self.refuse(name, "must not be empty")
        return text or ""

    def optional(self, name: str) -> str | None:
        """Return a string, None where there is none."""
        value = self.fields.get(name)
        if value is None or isinstance(value, str):
            return value
        self.refuse(name, "must be a string")
        return None

    def flag(self, name: str) -> bool:
        """Return a boolean, false where there is none."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            self.refuse(name, "must be true or false")
        return value is True

    def part(self, name: str, *, required: bool = False) -> "Attributes":
        """Return an object inside this one, an empty one where there is none."""
        value = self.fields.get(name)
        if value is None and required:
            self.refuse(name, "is required")
        if value is not None and not isinstance(value, dict):
            self.refuse(name, "must be an object")
        path = f"{self._path}.{name}" if self._path else name
        inner = Attributes(value if isinstance(value, dict) else {}, self.index, path)
        inner.problems = self.problems
        return inner

    def finish(self) -> None:
        """End reading.

        :raise EventError: with all that was refused, each fault once.
        """
        if self.problems:
            raise EventError(list(dict.fromkeys(self.problems)))


def read_object(document: object, index: int) -> Attributes:
    """Begin to read a document that will be an event's payload.

    :raise EventError: if it is no object, or holds what the log refuses.
    """
    if not isinstance(document, dict):
        raise EventError([Problem(index, "", "must be an object")])
    # On level 2, inside the event; and before anything of it is hashed.
    if not is_clean(document, depth=2):
        faults = islice(problems_of(document, depth=2), MAX_PROBLEMS)
        if problems := [Problem(index, path, message) for path, message in faults]:
            raise EventError(problems)
    return Attributes(document, index)


def map_each(
    documents: Sequence[object], map_one: Callable[[object, int], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Map the documents of a batch, all or none.

    :raise EventError: with the problems of all, or if there are none or more than 1,000 documents.
    """
    if not documents:
        refuse_all("the batch is empty; send one event at least")
    if len(documents) > MAX_BATCH:
        refuse_all(f"a batch has {MAX_BATCH:,} events at most")
    events: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for index, document in enumerate(documents):
        try:
            events.append(map_one(document, index))
        except EventError as error:
            problems += error.problems
    if problems:
        raise EventError(problems)
    return events


def refuse_all(message: str, path: str = "") -> NoReturn:
    """Refuse a document that does not even have the form of its kind."""
    raise EventError([Problem(0, path, message)])


def accepted(event: dict[str, Any], index: int, paths: Mapping[str, str]) -> dict[str, Any]:
    """Return an event that the log accepts.

    :param paths: what the sender calls the event's fields: ``{"occurred_at": "time"}``.
    :raise EventError: in the sender's words.
    """
    try:
        parse_event(event, now=datetime.now(UTC), index=index)
    except EventError as error:
        problems = [
            Problem(index, _sent_path(problem.path, paths), problem.message) for problem in error.problems
        ]
        raise EventError(list(dict.fromkeys(problems))) from None
    return event


def _sent_path(path: str, paths: Mapping[str, str]) -> str:
    for ours, theirs in paths.items():
        if path == ours or path.startswith((f"{ours}.", f"{ours}[")):
            return theirs + path.removeprefix(ours)
    return path


def cut(text: str) -> str:
    """Return a text no longer than an event's names may be."""
    return text if len(text) <= MAX_NAME else text[: MAX_NAME - 1] + "…"


def key_of(kind: str, *parts: str) -> str:
    """Return an idempotency key, readable if it fits; other parts never give the same."""
    # As JSON, so that no part can end early and look like two.
    text = orjson.dumps(parts)
    key = f"{kind}:{text.decode()}"
    return key if len(key) <= MAX_KEY else f"{kind}:{hashlib.sha256(text).hexdigest()}"


def digest_of(document: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of a clean document, whatever the order of its keys and its white space."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()
