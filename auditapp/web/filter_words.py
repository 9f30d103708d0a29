"""A filter in plain words: "Deals updated through the API in the last 7 days, except imports".

Pure: from a filter and the names that are known to a sentence. ``phrases`` has what it is made of.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from zoneinfo import ZoneInfo

from auditapp.log.changes import words_of
from auditapp.log.field_terms import field_key
from auditapp.log.words import folded
from auditapp.reading.filters import ME, RECORD, STORY, TimelineFilters, Values
from auditapp.web.phrases import MAX_NAMED, all_of, any_of, foreign, time_words
from auditapp.web.plurals import entities_words, outset
from auditapp.web.words import entity_words, inside

WHO = {
    "user": "a person",
    "api_key": "an API key",
    "workflow": "a workflow",
    "system": "the system",
    "anonymous": "somebody anonymous",
}
HOW = {
    "ui": "in the app",
    "api": "through the API",
    "workflow": "from a workflow",
    "import": "from an import",
    "webhook": "through a webhook",
    "system": "from the system",
    "unknown": "from an unknown origin",
}
NOT_HOW = {
    "ui": "what was done in the app",
    "api": "what came through the API",
    "workflow": "what came from workflows",
    "import": "imports",
    "webhook": "webhooks",
    "system": "what came from the system",
    "unknown": "what has no known origin",
}
ENDED = {"success": "succeeded", "failure": "failed", "denied": "was denied"}
# Auditapp's own events, where "sessions created" would say less.
NOUNS = {
    "auditapp.*": "anything that Auditapp did itself",
    "auditapp.session.created": "sign-ins",
    "auditapp.session.ended": "sign-outs",
    "auditapp.session.failed": "failed sign-ins",
    "auditapp.access.denied": "refused access",
    "auditapp.export.started": "exports begun",
    "auditapp.export.finished": "exports finished",
    "auditapp.import.started": "imports begun",
    "auditapp.import.finished": "imports finished",
}

# The name of ("actor", id) or ("record", "deal:<id>"), None where it is not known.
NameOf = Callable[[str, str], str | None]
# What happened, by the type it happened to; None is any type, and no verbs are any verb.
Verbs = dict[str | None, list[str]]

# A name whose words say no other than itself: ``totalValue``, ``total_value``, "Total value"; not "iOS".
_PLAIN_NAME = re.compile(r"[A-Za-z][a-z0-9]*(?:(?:[_ ]|(?=[A-Z]))[A-Z]?[a-z0-9]+)*")
_QUOTED = re.compile(r'"([^"]*)"?')


def sentence_of(
    filters: TimelineFilters, name_of: NameOf, zone: ZoneInfo, most: int | None = MAX_NAMED
) -> str:
    """Say what a filter shows; names and values stand between isolates, see ``phrases.parts_of``.

    :param zone: for moments with a time of day: the workspace's, so that everybody reads the same.
    :param most: values to name of each parameter; None for all.
    """
    words = _Words(filters, name_of, zone, most)
    ends = (words.main(), words.exceptions(), "by story" if filters.group == STORY else "")
    return outset(", ".join(end for end in ends if end))


class _Words:
    """The phrases of one filter's sentence."""

    def __init__(self, filters: TimelineFilters, name_of: NameOf, zone: ZoneInfo, most: int | None) -> None:
        self.filters, self.name_of, self.zone, self.most = filters, name_of, zone, most
        self.nouns, self.verbs = _grouped(filters.event.included)
        if list(self.verbs) == [None] and filters.entity.included:
            # ``*.deleted`` of an entity is that entity deleted.
            self.verbs = dict.fromkeys(filters.entity.included, self.verbs[None])
        self.names_events = bool(self.nouns or any(self.verbs.values()))

    def main(self) -> str:
        """Return all but the exceptions."""
        if self.names_events:
            return self.events() + self._around() + self._mentioned() + self._where() + self._only()
        if self.filters.field.included:
            field = self._field_changed(self._targets())
            return field + self._around() + self._mentioned() + self._where() + self._only()
        return self.everything() + self._only()

    def everything(self) -> str:
        """Return the filter as "Everything …": no event and no field is named."""
        targets, ended, who = self._targets(), self._ended(), self._who()
        words = self.filters.q.included
        mentions = f"mentions {self._quoted(words)}" if words else ""
        to, around = f" to {targets}" if targets else "", self._circumstances()
        if who:
            that = " and ".join(clause for clause in (ended, mentions) if clause)
            return f"everything {who} did{to}{around}{' that ' + that if that else ''}"
        first = f"happened{to}{around}"
        if not to and (ended or (mentions and not around)):
            first, ended = ended + around, ""
        return "everything that " + " and ".join(clause for clause in (first, ended, mentions) if clause)

    def events(self) -> str:
        """Return the events: "deals or contacts created or deleted"."""
        said = [self.any_of(self.nouns)] if self.nouns else []
        kinds_by_verbs: dict[tuple[str, ...], list[str | None]] = {}
        for kind, verbs in self.verbs.items():
            kinds_by_verbs.setdefault(tuple(verbs), []).append(kind)
        for some, kinds in kinds_by_verbs.items():
            said.append(self._done(self._subject(kinds), some))
        # A comma keeps "deals updated, or contacts created or deleted" apart.
        return (", or " if any(" or " in each for each in said) else " or ").join(said)

    def _subject(self, kinds: Sequence[str | None]) -> str:
        if self.filters.record.included and self._records_are_the_subject():
            return self._records(self.filters.record.included)
        return self._kinds(kinds)

    def _records_are_the_subject(self) -> bool:
        return not self.nouns and len({tuple(verbs) for verbs in self.verbs.values()}) == 1

    def _targets(self) -> str:
        """Return what something was done to: records, else types of entities."""
        if self.filters.record.included:
            return self._records(self.filters.record.included)
        kinds = [kind for kind in self.verbs if kind] or self.filters.entity.included
        return self.any_of(entities_words(kind) for kind in kinds)

    def _only(self) -> str:
        """Return what narrows further and found no place before."""
        entities, records = self.filters.entity.included, self.filters.record.included
        of_records = {found["type"] for each in records if (found := RECORD.fullmatch(each))}
        kinds = {kind for kind in self.verbs if kind} or of_records
        said = ""
        if entities and (self.nouns or None in self.verbs or not kinds <= set(entities)):
            said += f", only of {self.any_of(map(entities_words, entities))}"
        if records and self.names_events and not self._records_are_the_subject():
            said += f", only of {self._records(records)}"
        return said

    def _records(self, values: Sequence[str]) -> str:
        return self.any_of(self._each_record(values))

    def _each_record(self, values: Sequence[str]) -> list[str]:
        return [
            f"{inside(entity_words(found['type']))} {self._named('record', value, found['id'])}"
            for value in values
            if (found := RECORD.fullmatch(value))
        ]

    def _named(self, name: str, value: str, id: str) -> str:
        """Return what an actor or a record is called, else its id in quotes: no word of the sentence."""
        called = self.name_of(name, value)
        return foreign(called) if called else f"“{foreign(id)}”"

    def _field_changed(self, of: str) -> str:
        """Return the changed field: "stage of deals changed from open to won"."""
        said = self._fields(self.filters.field.included) + (f" of {of}" if of else "") + " changed"
        for word, values in (("from", self.filters.previous), ("to", self.filters.current)):
            if values.included:
                said += f" {word} {self._values(values.included)}"
            if values.excluded:
                said += f" {word} anything but {self._values(values.excluded)}"
        return said

    def _values(self, values: Sequence[str]) -> str:
        return self.any_of(map(foreign, _alike_once(values, folded)))

    def _who(self) -> str:
        """Return who did it: names, else kinds of actors; the kinds in brackets where both are said."""
        names = self._actors(self.filters.actor.included)
        kinds = self.any_of(WHO[kind] for kind in self.filters.actor_type.included)
        return f"{names} ({kinds})" if names and kinds else names or kinds

    def _actors(self, values: Sequence[str]) -> str:
        return self.any_of("you" if value == ME else self._named("actor", value, value) for value in values)

    def _around(self) -> str:
        who = self._who()
        return (f" by {who}" if who else "") + self._circumstances()

    def _circumstances(self) -> str:
        """Return action, origin and time, each with a space in front."""
        actions, origins = self.filters.correlation.included, self.filters.origin.included
        said = f" in action {self.any_of(map(foreign, actions))}" if actions else ""
        said += f" {self.any_of(HOW[origin] for origin in origins)}" if origins else ""
        return said + time_words(self.filters, self.zone)

    def _mentioned(self) -> str:
        """Return the words searched for, after events or a field."""
        if not self.filters.q.included:
            return ""
        quoted = self._quoted(self.filters.q.included)
        if not self.names_events:
            return f" in events that mention {quoted}"
        is_one = None in self.verbs or len(self.filters.record.included) == 1
        return f" that mention{'s' if is_one else ''} {quoted}"

    def _where(self) -> str:
        """Return a changed field and the outcome after events."""
        said = []
        if self.names_events and self.filters.field.included:
            said.append(self._field_changed(""))
        if self.filters.outcome.included:
            said.append(f"it {self._ended()}")
        return f" where {' and '.join(said)}" if said else ""

    def _ended(self) -> str:
        return self.any_of(ENDED[outcome] for outcome in self.filters.outcome.included)

    def any_of(self, items: Iterable[str]) -> str:
        """Return alternatives, as many of them as this sentence names."""
        return any_of(items, self.most)

    def _kinds(self, kinds: Sequence[str | None]) -> str:
        return "anything" if None in kinds else self.any_of(entities_words(kind) for kind in kinds if kind)

    def _done(self, subject: str, verbs: Sequence[str]) -> str:
        done = self.any_of(words_of(verb).lower() for verb in verbs)
        return f"{subject} {done}" if done else f"anything done to {subject}"

    def _fields(self, names: Sequence[str]) -> str:
        return self.any_of(_field_words(name) for name in _alike_once(names, field_key))

    def _quoted(self, texts: Sequence[str]) -> str:
        """Return what is searched for in quotes; a phrase has brought its own."""
        phrases = ((_QUOTED.fullmatch(text), text) for text in texts)
        return self.any_of(f"“{foreign(quoted[1] if quoted else text)}”" for quoted, text in phrases)

    def exceptions(self) -> str:
        """Return what is left out: "except imports and what Hans Meier did"."""
        said = [phrase for name, say in self._EXCEPTIONS for phrase in self._left_out(name, say)]
        # "what has no known origin and webhooks" would be one clause.
        said.sort(key=lambda phrase: phrase.startswith("what "))
        return f"except {all_of(said, self.most)}" if said else ""

    def _left_out(self, name: str, say: "Callable[[_Words, Sequence[str]], list[str]]") -> list[str]:
        values: Values = getattr(self.filters, name)
        return say(self, values.excluded) if values.excluded else []

    def _events_left_out(self, events: Sequence[str]) -> list[str]:
        nouns, verbs = _grouped(events)
        kinds = [(self._kinds([kind]), some) for kind, some in verbs.items()]
        return [*nouns, *(self._done(kind, some) if some else kind for kind, some in kinds)]

    # ``from`` and ``to`` say what they leave out where they stand.
    _EXCEPTIONS: tuple[tuple[str, "Callable[[_Words, Sequence[str]], list[str]]"], ...] = (
        ("entity", lambda self, values: [entities_words(kind) for kind in values]),
        ("event", _events_left_out),
        ("record", lambda self, values: self._each_record(values)),
        ("field", lambda self, values: [f"changes of {self._fields(values)}"]),
        ("actor", lambda self, values: [f"what {self._actors(values)} did"]),
        ("actor_type", lambda self, values: [f"what {self.any_of(WHO[kind] for kind in values)} did"]),
        ("origin", lambda self, values: [NOT_HOW[origin] for origin in values]),
        ("outcome", lambda self, values: [f"what {self.any_of(ENDED[outcome] for outcome in values)}"]),
        ("correlation", lambda self, values: [f"action {foreign(action)}" for action in values]),
        ("q", lambda self, values: [f"what mentions {self._quoted(values)}"]),
    )


def _field_words(name: str) -> str:
    """Return a field inside a sentence: "total value" for ``totalValue``, what says no words as typed."""
    if _PLAIN_NAME.fullmatch(name):
        return foreign(inside(words_of(name)))
    # At the beginning of a sentence, iOS would be IOS.
    return f"“{foreign(name)}”" if name[:1].islower() and name[1:2].isupper() else foreign(name)


def _alike_once(typed: Iterable[str], key_of: Callable[[str], str]) -> list[str]:
    """Return what was typed, of what asks the same only the first."""
    found: dict[str, str] = {}
    for text in typed:
        found.setdefault(key_of(text), text)
    return list(found.values())


def _grouped(events: Sequence[str]) -> tuple[list[str], Verbs]:
    """Return events as nouns of their own, and as verbs by entity type."""
    verbs: Verbs = {}
    for event in events:
        kind, _, verb = event.rpartition(".")
        if event in NOUNS:
            continue
        if event.startswith("*."):
            verbs.setdefault(None, []).append(event[2:])
        elif verb == "*":
            verbs[kind] = []
        elif f"{kind}.*" not in events:
            verbs.setdefault(kind, []).append(verb)
    return [NOUNS[event] for event in events if event in NOUNS], verbs
