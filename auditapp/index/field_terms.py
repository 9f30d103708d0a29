"""What a changed field is asked for by: its name or label, and its values, in the form they are compared in.

Neither case nor accents count, nor how a name is put together: ``totalValue``, ``total_value`` and "Total
value" are one key. A value is compared as a whole. What is no text has a form that no text has, so that
"yes" asks for true and for the text, and a recorded text "yes" is not true.
"""

import re
from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from auditapp.index.words import MAX_KEPT, folded
from auditapp.values.changes import label_of
from auditapp.values.equality import key_of

# The forms under which a value is asked for, by what was recorded.
Forms = dict[Hashable, str]

# No text holds NUL, so that these are no text's forms.
_NULL, _TRUE, _FALSE, _NO_TEXT, _NO_ITEMS, _NO_KEYS = "\0null", "\0true", "\0false", '\0""', "\0[]", "\0{}"
# What the pages call them; see reading/diffs/values.py.
_SPOKEN = {
    "no value": _NULL,
    "null": _NULL,
    "yes": _TRUE,
    "true": _TRUE,
    "no": _FALSE,
    "false": _FALSE,
    "empty text": _NO_TEXT,
    "empty list": _NO_ITEMS,
    "empty object": _NO_KEYS,
}
# Under which a record or a choice inside of a value is asked for.
_IDS = ("id", "columnId", "key")
_NAMES = frozenset([*_IDS, "name", "label", "title", "email", "value"])
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def field_key(text: str) -> str:
    """Return a field's name or label in the form in which they are compared."""
    folded_text = folded(text)
    bare = "".join(folded_text.replace("_", " ").replace("-", " ").split())
    # A name of nothing else is that name.
    return bare or folded_text or text


@lru_cache(maxsize=4096)
def field_keys(name: str, label: str | None) -> tuple[str, ...]:
    """Return the keys under which a changed field is found: its name's, and those of its labels."""
    called = [name, label_of(name), *([label] if label else [])]
    return tuple(dict.fromkeys(map(field_key, called)))


def forms_of(value: Any, kind: str | None) -> Forms:
    """Return the forms under which a value is asked for, by what was recorded.

    A list counts as a whole and by its items; a record or a choice by its id and its names, and as a whole.

    :param kind: of the change; it says whether texts are instants, see ``values/equality.py``.
    """
    if isinstance(value, list):
        return dict([_whole(value)]) | _item_forms(value, kind)
    if isinstance(value, dict):
        single_forms = [
            _single(single, kind)
            for name, single in value.items()
            if name in _NAMES and isinstance(single, _SINGLE)
        ]
        return dict([*single_forms, _whole(value)])
    return dict([_single(value, kind)])


def moved_forms(previous: list[Any], current: list[Any], kind: str | None) -> list[Forms]:
    """Return the forms of a list before by what went out of it, and of the list now by what came in.

    "won" in the place of "Won" came in, though both are asked for alike.
    """
    sides = [previous, current]
    texts = [[item if isinstance(item, str) else orjson.dumps(item) for item in side] for side in sides]
    # Most of a long list stays as it is.
    kept = {*texts[0]} & {*texts[1]}
    before, after = (
        dict([_whole(side)])
        | _item_forms([item for item, text in zip(side, side_texts, strict=True) if text not in kept], kind)
        for side, side_texts in zip(sides, texts, strict=True)
    )
    return [
        {recorded: form for recorded, form in forms.items() if recorded not in other_forms}
        for forms, other_forms in ((before, after), (after, before))
    ]


def _item_forms(items: list[Any], kind: str | None) -> Forms:
    forms: Forms = {}
    for item in items:
        if isinstance(item, dict):
            # One Ada in the place of another came in, though both have the name.
            id_of_item = next((item[name] for name in _IDS if isinstance(item.get(name), _SINGLE)), None)
            forms |= {(id_of_item, recorded): form for recorded, form in forms_of(item, kind).items()}
        else:
            forms |= [_single(item, kind)]
    return forms


_SINGLE = (str, int, float)


def typed_forms(text: str) -> list[str]:
    """Return the forms of the values that a typed text may mean: ``48,000`` is a text and a number."""
    plain = _text_form(text)
    return list(dict.fromkeys([plain, *_meant(text.strip(), plain)]))


def value_text(value: Any) -> str:
    """Return a recorded value as a text by which it is asked for: ``won``, ``48000``."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _meant(text: str, plain: str) -> Iterator[str]:
    """Yield the forms of what else a text may mean: a number, nothing, an instant, JSON."""
    if plain in _SPOKEN:
        yield _SPOKEN[plain]
    for json in (text, plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain):
        try:
            yield form_of(orjson.loads(json))
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # none, or nested too deep to be recorded
            continue
    # A day is what a page shows where an instant is its midnight.
    moment = f"{plain}t00:00:00z" if _DAY.fullmatch(plain) else plain.replace(" utc", "z")
    if isinstance(key_of(moment, "date"), tuple):
        yield _form_of_text(moment, "date")


def form_of(value: Any, kind: str | None = "text") -> str:
    """Return the form of a value as a whole."""
    if isinstance(value, str):
        # Choices and names come again and again.
        return _kept_form(value, kind) if len(value) <= MAX_KEPT else _form_of_text(value, kind)
    if value is None or isinstance(value, bool):
        return _NULL if value is None else _TRUE if value else _FALSE
    if isinstance(value, list | dict):
        return _whole(value)[1]
    return f"\0{int(value) if value == int(value) else value}"


def _single(value: Any, kind: str | None) -> tuple[str, str]:
    """Return a value as recorded, and its form."""
    if isinstance(value, list | dict):
        return _whole(value)
    form = form_of(value, kind)
    return value if isinstance(value, str) and not form.startswith("\0") else form, form


def _form_of_text(text: str, kind: str | None) -> str:
    key: Any = key_of(text, kind)
    return "\0@" + ":".join(map(str, key)) if isinstance(key, tuple) else _text_form(text)


_kept_form = lru_cache(maxsize=8192)(_form_of_text)


def _text_form(text: str) -> str:
    """Return a text without case and accents, its blanks as a page shows them."""
    return " ".join(folded(text).split()) or text or _NO_TEXT


def _whole(value: list[Any] | dict[str, Any]) -> tuple[str, str]:
    """Return a list or an object as recorded, and its form as a whole."""
    if not value:
        form = _NO_KEYS if isinstance(value, dict) else _NO_ITEMS
        return form, form
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return f"\0{text}", _text_form(text)
