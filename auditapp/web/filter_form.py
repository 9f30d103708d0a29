"""The filter form's state, from the query string as typed: valid or not, nothing is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict

from auditapp.filters import NARROWING
from auditapp.filters.parameter import Narrowing
from auditapp.reading.choices import Choices


@dataclass(frozen=True)
class Option:
    """One value to tick, and whether it is included or excluded now."""

    value: str
    label: str
    included: bool
    excluded: bool


@dataclass(frozen=True)
class Group:
    """One parameter of the form: values to tick, and a line for what is not among them."""

    name: str
    label: str
    options: list[Option]
    typed: list[str]
    hint: str
    active: int
    has_menu: bool


class FilterForm:
    """Everything that ``timeline/_filters.html`` shows."""

    def __init__(self, args: MultiDict[str, str], choices: Choices, rows: Sequence[Any] = ()) -> None:
        self.groups = [_group(args, parameter, choices) for parameter in NARROWING if parameter.name != "q"]
        # The box shows the first search; further ones are kept.
        self.q, *self.more_q = [value for value in args.getlist("q") if value] or [""]
        # A day that may well have something to find.
        self.example_day = (datetime.now(UTC) - timedelta(days=30)).date().isoformat()
        self.since = args.get("since", "")
        self.until = args.get("until", "")
        self._labels: dict[tuple[str, str], str] = {
            (group.name, option.value): option.label for group in self.groups for option in group.options
        }
        self._names = {("actor", value): name for value, name, _ in choices.actors if name != value}
        self._names |= {("claimed_by", value): name for value, name in choices.claimants}
        # What the form does not offer may still have a name in the rows that it found.
        for row in rows:
            self._name("actor", row.actor_id, row.actor_name)
            self._name("record", f"{row.entity_type}:{row.entity_id}", row.entity_name)
            self._labels.setdefault(("actor", row.actor_id), row.actor_name or row.actor_id)
            record = f"{row.entity_type}:{row.entity_id}"
            self._labels.setdefault(
                ("record", record), f"{row.entity_type} {row.entity_name or row.entity_id}"
            )
        # Kept, so that a filter changes neither the page's length nor what a row is.
        self.limit = args.get("limit", "")
        self.group = args.get("group", "")

    def _name(self, name: str, value: str, called: str | None) -> None:
        if called:
            self._names.setdefault((name, value), called)

    def name_of(self, name: str, value: str) -> str | None:
        """Return what an actor or a record is called, None where that is not known."""
        return self._names.get((name, value))

    def chip(self, name: str, value: str) -> str:
        """Say a filter's value as the form does: a name for an actor's id, "not" for an exclusion."""
        plain = value.removeprefix("!")
        label = self._labels.get((name, plain), plain)
        return label if plain == value else f"not {label}"


def _group(args: MultiDict[str, str], parameter: Narrowing, choices: Choices) -> Group:
    values = parameter.options(choices)
    chosen = [value for value in args.getlist(parameter.name) if value]
    options = [Option(value, text, value in chosen, f"!{value}" in chosen) for value, text in values.items()]
    offered = {*values, *(f"!{value}" for value in values)}
    typed = [value for value in dict.fromkeys(chosen) if value not in offered]
    active = len(set(chosen))
    return Group(parameter.name, parameter.label, options, typed, parameter.hint, active, parameter.has_menu)
