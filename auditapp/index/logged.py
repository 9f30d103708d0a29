"""An event of the log, as what finds and counts it is made of."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Columns(Protocol):
    """The columns of ``event`` that are read."""

    @property
    def workspace_id(self) -> int: ...
    @property
    def uid(self) -> uuid.UUID: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def event(self) -> str: ...
    @property
    def entity_type(self) -> str: ...
    @property
    def entity_id(self) -> str: ...
    @property
    def actor_type(self) -> str: ...
    @property
    def actor_id(self) -> str | None: ...
    @property
    def member_id(self) -> uuid.UUID | None: ...
    @property
    def origin(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def correlation_id(self) -> str: ...


class Logged(NamedTuple):
    """An event that is in the log.

    :ivar event: as contract §5 has it; ``context`` of it is not read.
    :ivar context: what was recorded as its context.
    """

    number: int
    event: Mapping[str, Any]
    row: Columns
    context: Mapping[str, Any]
