"""The filter form's state, from the query string as typed: valid or not, nothing is lost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict

from auditapp.log.schema import ACTOR_TYPES, ORIGINS, OUTCOMES
from auditapp.reading.choices import Choices
from auditapp.reading.filters import ME
from auditapp.web.words import ACTOR_TYPE_WORDS, ORIGIN_WORDS, OUTCOME_WORDS, entity_words


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


class FilterForm:
    """Everything that ``timeline/_filters.html`` shows."""

    def __init__(self, args: MultiDict[str, str], choices: Choices, rows: Sequence[Any] = ()) -> None:
        actors = {ME: "Me"} | {
            actor_id: name if actor_type == "user" else f"{name} ({ACTOR_TYPE_WORDS[actor_type]})"
            for actor_id, name, actor_type in choices.actors
        }
        groups: Iterable[tuple[str, str, Mapping[str, str], str]] = (
            ("entity", "Entity", {kind: entity_words(kind) for kind in choices.entities}, "another type"),
            ("event", "Event", {event: event for event in choices.events}, "deal.* or *.deleted"),
            ("actor", "Actor", actors, "an actor’s id"),
            ("actor_type", "Actor type", {kind: ACTOR_TYPE_WORDS[kind] for kind in ACTOR_TYPES}, ""),
            ("origin", "Origin", {origin: ORIGIN_WORDS[origin] for origin in ORIGINS}, ""),
            ("outcome", "Outcome", {outcome: OUTCOME_WORDS[outcome] for outcome in OUTCOMES}, ""),
            ("record", "Record", {}, "deal:<id>"),
            ("correlation", "Correlation", {}, "a correlation id"),
            ("field", "Field that changed", {}, "its name or label, as stage"),
            ("from", "Changed from", {}, "a value, as negotiation"),
            ("to", "Changed to", {}, "a value, as won"),
        )
        self.groups = [_group(args, *group) for group in groups]
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


def _group(args: MultiDict[str, str], name: str, label: str, values: Mapping[str, str], hint: str) -> Group:
    given = [value for value in args.getlist(name) if value]
    options = [Option(value, text, value in given, f"!{value}" in given) for value, text in values.items()]
    offered = {*values, *(f"!{value}" for value in values)}
    typed = [value for value in dict.fromkeys(given) if value not in offered]
    return Group(name, label, options, typed, hint, len(set(given)))
