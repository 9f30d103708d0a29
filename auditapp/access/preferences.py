"""How a person likes to read the timeline: kept with the account, the same in every workspace."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from auditapp.config import is_timezone
from auditapp.models import Account

COLUMNS = ("actor", "fields", "origin", "event", "id")
DENSITIES = ("comfortable", "compact")
TIMES = ("both", "relative", "exact")
BROWSER, WORKSPACE = "browser", "workspace"
MAX_ZONE = 64


@dataclass(frozen=True)
class Preferences:
    """What is shown of an event besides what happened and when, how tightly, and in whose time.

    ``zone`` is ``browser``, ``workspace`` or the name of an IANA zone.
    """

    columns: tuple[str, ...] = ("actor", "fields", "origin")
    density: str = DENSITIES[0]
    times: str = TIMES[0]
    zone: str = BROWSER
    shortcuts: bool = True


def read_preferences(text: str | None) -> Preferences:
    """Return what an account keeps; what is unknown or malformed falls back to the usual."""
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        kept = {}
    return preferences_from(kept if isinstance(kept, dict) else {})


def preferences_from(values: dict[str, Any]) -> Preferences:
    """Return preferences of the values that are any, and the usual ones in place of the others."""
    known = {field.name: values[field.name] for field in fields(Preferences) if field.name in values}
    good = {name: value for name, value in known.items() if _CHECKS[name](value)}
    if "columns" in good:
        good["columns"] = tuple(column for column in COLUMNS if column in good["columns"])
    return Preferences(**good)


def is_zone(name: Any) -> bool:
    """Tell whether times can be shown in a zone."""
    if name in (BROWSER, WORKSPACE):
        return True
    return isinstance(name, str) and 0 < len(name) <= MAX_ZONE and is_timezone(name)


def keep(account: Account, preferences: Preferences) -> None:
    """Note how a person likes to read. The caller commits."""
    account.preferences = json.dumps(asdict(preferences), sort_keys=True)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "columns": lambda value: isinstance(value, list | tuple),
    "density": lambda value: value in DENSITIES,
    "times": lambda value: value in TIMES,
    "zone": is_zone,
    "shortcuts": lambda value: isinstance(value, bool),
}
