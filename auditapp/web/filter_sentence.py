"""A filter in plain words: "Deals updated through the API in the last 7 days, except imports".

Pure: from a filter and the names that are known to a sentence. ``phrases`` has what it is made of.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from auditapp.filters import NARROWING, STORY, TimelineFilters
from auditapp.filters.actor import actor_words
from auditapp.filters.changes import field_words, value_words
from auditapp.filters.choices import ENDED, WHO
from auditapp.filters.event import done_words, grouped, kinds_words
from auditapp.filters.parameter import NameOf, Saying
from auditapp.filters.phrases import MAX_NAMED, all_of
from auditapp.filters.plurals import entities_words, outset
from auditapp.filters.record import record_words, type_and_id
from auditapp.filters.search import quoted
from auditapp.filters.time_words import time_words


def sentence_of(
    filters: TimelineFilters, name_of: NameOf, zone: ZoneInfo, most: int | None = MAX_NAMED
) -> str:
    """Say what a filter shows; names and values stand between isolates, see ``phrases.parts_of``.

    :param zone: for moments with a time of day: the workspace's, so that everybody reads the same.
    :param most: values to name of each parameter; None for all.
    """
    words = _Words(filters, Saying(name_of, most), zone)
    ends = (words.main(), words.exceptions(), "by story" if filters.group == STORY else "")
    return outset(", ".join(end for end in ends if end))


class _Words:
    """The phrases of one filter's sentence."""

    def __init__(self, filters: TimelineFilters, say: Saying, zone: ZoneInfo) -> None:
        self.filters, self.say, self.zone = filters, say, zone
        self.nouns, self.verbs = grouped(filters.event.included)
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
        return self.all_events() + self._only()

    def all_events(self) -> str:
        """Return the filter as "Everything …": no event and no field is named."""
        targets, ended, who = self._targets(), self._ended(), self._who()
        words = self.filters.q.included
        mentions = f"mentions {quoted(words, self.say)}" if words else ""
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
        phrases = [self.say.any_of(self.nouns)] if self.nouns else []
        kinds_by_verbs: dict[tuple[str, ...], list[str | None]] = {}
        for kind, verbs in self.verbs.items():
            kinds_by_verbs.setdefault(tuple(verbs), []).append(kind)
        for same_verbs, kinds in kinds_by_verbs.items():
            phrases.append(done_words(self._subject(kinds), same_verbs, self.say))
        # A comma keeps "deals updated, or contacts created or deleted" apart.
        return (", or " if any(" or " in phrase for phrase in phrases) else " or ").join(phrases)

    def _subject(self, kinds: Sequence[str | None]) -> str:
        if self.filters.record.included and self._records_are_the_subject():
            return self._records(self.filters.record.included)
        return kinds_words(kinds, self.say)

    def _records_are_the_subject(self) -> bool:
        return not self.nouns and len({tuple(verbs) for verbs in self.verbs.values()}) == 1

    def _targets(self) -> str:
        """Return what something was done to: records, else types of entities."""
        if self.filters.record.included:
            return self._records(self.filters.record.included)
        kinds = [kind for kind in self.verbs if kind] or self.filters.entity.included
        return self.say.any_of(entities_words(kind) for kind in kinds)

    def _only(self) -> str:
        """Return what narrows further and found no place before."""
        entities, records = self.filters.entity.included, self.filters.record.included
        of_records = {type_and_id(value)[0] for value in records}
        kinds = {kind for kind in self.verbs if kind} or of_records
        clause = ""
        if entities and (self.nouns or None in self.verbs or not kinds <= set(entities)):
            clause += f", only of {self.say.any_of(map(entities_words, entities))}"
        if records and self.names_events and not self._records_are_the_subject():
            clause += f", only of {self._records(records)}"
        return clause

    def _records(self, values: Sequence[str]) -> str:
        return self.say.any_of(record_words(values, self.say))

    def _field_changed(self, of: str) -> str:
        """Return the changed field: "stage of deals changed from open to won"."""
        clause = field_words(self.filters.field.included, self.say) + (f" of {of}" if of else "") + " changed"
        for word, values in (("from", self.filters.previous), ("to", self.filters.current)):
            if values.included:
                clause += f" {word} {value_words(values.included, self.say)}"
            if values.excluded:
                clause += f" {word} anything but {value_words(values.excluded, self.say)}"
        return clause

    def _who(self) -> str:
        """Return who did it: names, else kinds of actors; the kinds in brackets where both are said."""
        names = actor_words(self.filters.actor.included, self.say)
        kinds = self.say.any_of(WHO[kind] for kind in self.filters.actor_type.included)
        return f"{names} ({kinds})" if names and kinds else names or kinds

    def _around(self) -> str:
        who = self._who()
        return (f" by {who}" if who else "") + self._circumstances()

    def _circumstances(self) -> str:
        """Return action, way, address, … and time, each with a space in front."""
        included = [(parameter, self.filters[parameter.name].included) for parameter in NARROWING]
        phrases = [parameter.circumstance(values, self.say) for parameter, values in included if values]
        return "".join(f" {words}" for words in phrases if words) + time_words(self.filters, self.zone)

    def _mentioned(self) -> str:
        """Return the words searched for, after events or a field."""
        if not self.filters.q.included:
            return ""
        searched = quoted(self.filters.q.included, self.say)
        if not self.names_events:
            return f" in events that mention {searched}"
        is_one = None in self.verbs or len(self.filters.record.included) == 1
        return f" that mention{'s' if is_one else ''} {searched}"

    def _where(self) -> str:
        """Return a changed field and the outcome after events."""
        clauses = []
        if self.names_events and self.filters.field.included:
            clauses.append(self._field_changed(""))
        if self.filters.outcome.included:
            clauses.append(f"it {self._ended()}")
        return f" where {' and '.join(clauses)}" if clauses else ""

    def _ended(self) -> str:
        return self.say.any_of(ENDED[outcome] for outcome in self.filters.outcome.included)

    def exceptions(self) -> str:
        """Return what is left out: "except imports and what Hans Meier did"."""
        phrases = [
            phrase
            for parameter in NARROWING
            if (values := self.filters[parameter.name].excluded)
            for phrase in parameter.left_out(values, self.say)
        ]
        # "what has no known origin and webhooks" would be one clause.
        phrases.sort(key=lambda phrase: phrase.startswith("what "))
        return f"except {all_of(phrases, self.say.most)}" if phrases else ""
