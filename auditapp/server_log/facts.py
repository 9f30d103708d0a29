"""What is known of the request at hand, by whoever learns it first; every line of the log carries it.

Kept as plain values: a row of the database may be gone, or be asked for anew, by the time of a line.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

DENIALS = logging.getLogger("auditapp.denied")

_facts: ContextVar[dict[str, Any] | None] = ContextVar("auditapp_facts", default=None)
# Marks, among the facts, that a line says already why this request was denied.
_IS_SAID = "_is_said"


@contextmanager
def telling(facts: dict[str, Any]) -> Iterator[None]:
    """Let the lines of this block carry facts, which :func:`identify` may add to."""
    token = _facts.set(facts)
    try:
        yield
    finally:
        _facts.reset(token)


def current_facts() -> dict[str, Any]:
    """Return the facts for a line."""
    facts = _facts.get() or {}
    return {name: value for name, value in facts.items() if not name.startswith("_")}


def identify(**facts: Any) -> None:
    """Say who asks for what: ``account``, ``key``, ``source``, ``workspace`` (its slug), ``route``.

    Ids only: names, e-mails and whatever opens anything are kept out of the log.
    """
    known = _facts.get()
    if known is not None:
        known |= facts


def denied(reason: str, **more: Any) -> None:
    """Log that somebody was denied something, and from which address.

    :param reason: a word or two with hyphens, which ``docs/operations.md`` lists.
    """
    known = _facts.get()
    address = None
    if known is not None:
        known[_IS_SAID] = True
        address = known.get("_address")
    DENIALS.warning("denied", extra={"fields": {"reason": reason, "address": address, **more}})


def is_denial_said(facts: dict[str, Any]) -> bool:
    """Tell whether :func:`denied` was called of a request."""
    return bool(facts.get(_IS_SAID))
