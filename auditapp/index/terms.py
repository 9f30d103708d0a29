"""What an event is found by: its words, and terms for what a filter may ask beside them.

A term starts with ``_``, which no word does. Terms of a value are hashes, since a value may be anything.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from auditapp.index.field_terms import field_keys, form_of, forms_of, moved_forms
from auditapp.index.logged import Columns, Logged
from auditapp.index.words import MAX_KEPT, words
from auditapp.models.types import EPOCH

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Of all that is derived from an event: words, terms, counts. Who changes what an event is found or counted by
# raises it; what older versions made is then stale, and made anew by index/rebuild.py.
INDEX_VERSION = 3
# More are not searched: an event of 256 KiB has about as many, and PostgreSQL takes 1 MB an event.
MAX_WORDS = 50_000
BREAK = "_"
UNSEARCHED = ("user_agent", "claimed_by")
# Spans of time, in powers of two of seconds, that an event is marked with: a minute, an hour, a day
# and a half, seven weeks. A search looks into the last ones first; see finding/full_text.py.
SPANS = (6, 12, 17, 22)
_BEFORE_TIME = 1 << 36  # seconds: makes every year from 1 on positive


def span_term(workspace_id: int, bits: int, number: int) -> str:
    """Return the term of the ``number``-th span of ``2**bits`` seconds in a workspace."""
    return f"_{workspace_id}s{bits}_{number}"


def span_of(moment: datetime, bits: int) -> int:
    """Return the number of the span that an instant is in."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds + _BEFORE_TIME) >> bits


@lru_cache(maxsize=8192)
def _span_terms(workspace_id: int, shortest: int) -> tuple[str, ...]:
    """Return the terms of the shortest span with this number and of those around it."""
    return tuple([span_term(workspace_id, bits, shortest >> (bits - SPANS[0])) for bits in SPANS])


def workspace_term(workspace_id: int) -> str:
    """Return the term of every event of a workspace."""
    return f"_{workspace_id}"


def value_term(workspace_id: int, kind: str, *values: str) -> str:
    """Return the term of a value in a workspace: ``event``, ``actor``, ``field``, ``to``, …"""
    # Ids and choices come again and again; long texts would only fill the memory.
    made = _value_term_kept if sum(map(len, values)) <= 2 * MAX_KEPT else new_value_term
    return made(workspace_id, kind, *values)


def new_value_term(workspace_id: int, kind: str, *values: str) -> str:
    """Return the term of a value that is not expected to come again."""
    text = "\0".join((str(workspace_id), kind, *values)).encode()
    return f"_{blake2b(text, digest_size=10).hexdigest()}"


_value_term_kept = lru_cache(maxsize=8192)(new_value_term)


def column_terms(row: Columns) -> list[str]:
    """Return an event's terms but those of its changes, by its columns."""
    workspace_id = row.workspace_id
    terms = [workspace_term(workspace_id)]
    terms += _span_terms(workspace_id, span_of(row.occurred_at, SPANS[0]))
    terms.append(value_term(workspace_id, "event", row.event))
    terms.append(value_term(workspace_id, "origin", row.origin))
    terms.append(value_term(workspace_id, "record", row.entity_type, row.entity_id))
    if row.actor_id is not None:
        terms.append(value_term(workspace_id, "actor_id", row.actor_id))
    if row.correlation_id is not None:
        terms.append(value_term(workspace_id, "correlation_id", row.correlation_id))
    if row.outcome != "success":
        terms.append(value_term(workspace_id, "outcome", row.outcome))
    if row.actor_type != "user":
        terms.append(value_term(workspace_id, "actor_type", row.actor_type))
    if row.member_id is not None:
        terms.append(value_term(workspace_id, "member_id", str(row.member_id)))
    return terms


def context_terms(workspace_id: int, event: Mapping[str, Any], context: Mapping[str, Any]) -> list[str]:
    """Return the terms of what no column of an event has: whence, on whose word, and for whom.

    :param event: as contract §5 has it.
    :param context: what was recorded as its context.
    """
    terms = []
    address = _address(context.get("ip"))
    if address is not None:
        terms.append(address_beginning(workspace_id, address, address.max_prefixlen // 4))
    for kind, party in (
        ("claimed_by", context.get("claimed_by")),
        ("on_behalf_of", event.get("on_behalf_of")),
    ):
        if isinstance(party, Mapping) and isinstance(party.get("id"), str):
            terms.append(value_term(workspace_id, kind, party["id"]))
    return terms


def address_beginning(workspace_id: int, address: Address, digits: int) -> str:
    """Return the beginning that the terms of a network's addresses share; of all its digits, a term.

    :param digits: hexadecimal ones that the network pins, 8 of IPv4 and 32 of IPv6 at most.
    """
    return f"_{workspace_id}ip{address.version}_{address.packed.hex()[:digits]}"


@lru_cache(maxsize=4096)
def _address(text: Any) -> Address | None:
    """Return a recorded address, IPv4 where it is mapped into IPv6; None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # recorded before addresses were checked
        return None
    return getattr(address, "ipv4_mapped", None) or address


def change_terms(workspace_id: int, changes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the terms of changes: that a field changed, from what, to what, and from what to what.

    A field counts under its name and its label, a reference under its id and its names, a list by what came
    in and what went out; all in the form in which they are compared, see ``field_terms``. An item's exact id
    is marked beside them, by which records find what refers to them.
    """
    for name, change in changes.items():
        keys, kind, current = field_keys(name, change.get("label")), change.get("kind"), change["current"]
        previous = change.get("previous")
        if not isinstance(current, _SEVERAL) and not isinstance(previous, _SEVERAL):
            before = form_of(previous, kind) if "previous" in change else ""
            yield from _single_terms(workspace_id, keys, before, form_of(current, kind))
            continue
        yield from _item_terms(workspace_id, name, change)
        if isinstance(previous, list) and isinstance(current, list):
            sides = moved_forms(previous, current, kind)
        else:
            sides = [
                forms_of(change[side], kind) if side in change else {} for side in ("previous", "current")
            ]
        forms = [list(dict.fromkeys(side.values()))[:MAX_FORMS] for side in sides]
        for key in keys:
            yield from _key_terms(workspace_id, key, *forms)


def _single_terms(workspace_id: int, keys: tuple[str, ...], before: str, after: str) -> tuple[str, ...]:
    made = _single_kept if len(before) + len(after) <= 2 * MAX_KEPT else _new_single
    return made(workspace_id, keys, before, after)


def _new_single(workspace_id: int, keys: tuple[str, ...], before: str, after: str) -> tuple[str, ...]:
    forms = [before] if before else []
    return tuple([term for key in keys for term in _key_terms(workspace_id, key, forms, [after])])


# A choice changes in the same few ways again and again.
_single_kept = lru_cache(maxsize=8192)(_new_single)


def _key_terms(workspace_id: int, key: str, before: list[str], after: list[str]) -> Iterator[str]:
    yield value_term(workspace_id, "field", key)
    for form in before:
        yield value_term(workspace_id, "from", key, form)
    for form in after:
        yield value_term(workspace_id, "to", key, form)
    for old in before[:MAX_PAIRS]:
        for new in after[:MAX_PAIRS]:
            yield value_term(workspace_id, "from to", key, old, new)


_SEVERAL = (list, dict)
MAX_FORMS = 200
MAX_PAIRS = 40


def _item_terms(workspace_id: int, name: str, change: Mapping[str, Any]) -> Iterator[str]:
    """Yield the terms of the items that came in or went out, by their exact ids."""
    previous, current = change.get("previous"), change["current"]
    before, after = _ids(previous), _ids(current)
    kept = before.keys() & after.keys() if isinstance(previous, list) and isinstance(current, list) else ()
    for id in {**before, **after}:
        if id not in kept:
            yield value_term(workspace_id, "item", name, id)


def _has_id(item: Any) -> bool:
    id = item.get("id") if isinstance(item, dict) else None
    return isinstance(id, str | int) and not isinstance(id, bool)


def _ids(value: Any) -> dict[str, None]:
    items = value if isinstance(value, list) else [value]
    return {str(item["id"]): None for item in items if _has_id(item)}


def texts_of(event: Mapping[str, Any], uid: str, context: Mapping[str, Any]) -> Iterable[str]:
    """Return the texts of an event whose words are searched, none twice: names, ids, recorded values."""
    texts: dict[str, None] = {uid: None}
    for party in (
        event["entity"],
        event["actor"],
        event.get("on_behalf_of") or {},
        *event.get("related", ()),
    ):
        for key in ("id", "name", "email"):
            if text := party.get(key):
                texts[text] = None
    for key in ("correlation_id", "causation_id"):
        if text := event.get(key):
            texts[text] = None
    for change in (event.get("changes") or {}).values():
        _gather(change.get("previous"), texts)
        _gather(change["current"], texts)
    _gather(event.get("payload"), texts)
    # These would be found in every event of one browser, or of one API key.
    _gather({key: value for key, value in context.items() if key not in UNSEARCHED}, texts)
    return texts


def _gather(value: Any, texts: dict[str, None]) -> None:
    if isinstance(value, str):
        texts[value] = None
    elif isinstance(value, dict):
        for item in value.values():
            _gather(item, texts)
    elif isinstance(value, list):
        for item in value:
            _gather(item, texts)
    elif value is not None and not isinstance(value, bool):
        texts[str(value)] = None


@lru_cache(maxsize=8192)
def name_terms(workspace_id: int, kind: str, *texts: str | None) -> tuple[str, ...]:
    """Return terms of the words of a name, by which it is offered while somebody types."""
    return tuple([f"_{workspace_id}{kind}_{word}" for text in texts if text for word in words(text)])


def document(logged: Logged) -> list[str]:
    """Return an event's terms and words in their order, ``_`` between texts, so that no phrase spans two."""
    _, event, row, context = logged
    workspace_id, actor = row.workspace_id, event["actor"]
    parts = column_terms(row)
    parts += dict.fromkeys(
        value_term(workspace_id, "related", record["type"], record["id"])
        for record in event.get("related") or ()
    )
    parts += context_terms(workspace_id, event, context)
    parts += dict.fromkeys(change_terms(workspace_id, event.get("changes") or {}))
    parts += name_terms(workspace_id, "a", actor.get("name"), actor.get("email"), actor["id"])
    parts += name_terms(workspace_id, "n", event["entity"].get("name"))
    last = len(parts) + MAX_WORDS
    for text in texts_of(event, str(row.uid), context):
        parts.append(BREAK)
        parts += words(text)
    return parts[:last]


def as_text(parts: Sequence[str]) -> str:
    """Return a document for FTS5: words with blanks between them."""
    return " ".join(parts)


def as_vector(parts: Sequence[str]) -> str:
    """Return a document as the text of a tsvector: each word with its position."""
    # Words hold letters and digits only, terms "_" beside them: nothing that would need quotes.
    return " ".join([f"{word}:{place}" for place, word in enumerate(parts, 1) if word != BREAK])
