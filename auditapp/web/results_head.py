"""What stands over the results: the filter as a sentence, and links to it for others."""

from datetime import UTC, datetime, timedelta

from flask import Flask, g

from auditapp.access.permissions import AuditLevel
from auditapp.filters import ME, TimelineFilters, Values
from auditapp.filters.phrases import MAX_NAMED, parts_of, text_of
from auditapp.reading.timeline import Page
from auditapp.web.filter_form import FilterForm
from auditapp.web.filter_sentence import sentence_of
from auditapp.web.formats import workspace_zone


def init_app(app: Flask) -> None:
    """Make the head's parts known to templates."""
    app.jinja_env.globals |= {
        "filter_sentence": filter_sentence,
        "sentence_parts": parts_of,
        "sentence_text": text_of,
        "exact_query": exact_query,
    }


def filter_sentence(filters: TimelineFilters, form: FilterForm, *, whole: bool = False) -> str:
    """Return the filter in words, with the names that the form knows; ``whole`` names all its values.

    Who sees only a part of the log is not told that it is everything.
    """
    most = None if whole else MAX_NAMED
    seen_filters, ending = _as_seen(filters, g.viewer.audit_level)
    return sentence_of(seen_filters, form.name_of, workspace_zone(g.viewer.workspace), most) + ending


def _as_seen(filters: TimelineFilters, level: AuditLevel) -> tuple[TimelineFilters, str]:
    """Return what a filter comes to for a level of reading, and what is to be said behind it."""
    if level is AuditLevel.ALL:
        return filters, ""
    if level is not AuditLevel.OWN:
        return filters, ", as far as you may see it"
    if filters.actor.included == (ME,):
        return filters, ""
    if filters.actor.included or filters.actor_type.included:
        return filters, ", as far as you did it yourself"
    return filters.narrowed(actor=Values((ME,), filters.actor.excluded)), ""


def exact_query(filters: TimelineFilters, page: Page) -> list[tuple[str, str]]:
    """Return the pairs of a link that shows the same tomorrow: every moment pinned, the end too.

    The end is now, or just past the newest row: a source's clock may be ahead by minutes.
    """
    shown = [row.occurred_at + timedelta(microseconds=1) for row in page.events[:1]]
    now = max([datetime.now(UTC), *shown])
    moments = {"until": min(filters.until or now, now)}
    if filters.since:
        moments["since"] = filters.since
    pinned = [(name, moment.isoformat().replace("+00:00", "Z")) for name, moment in moments.items()]
    return sorted([*filters.to_query(since=None, until=None), *pinned])
