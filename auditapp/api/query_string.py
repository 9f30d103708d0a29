"""What a call's query string asks for, checked; what is wrong is said by parameter."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g, request

from auditapp.filters import FilterError
from auditapp.filters.moments import parse_last_moment
from auditapp.values.strict_json import shorten


def query_values(*names: str) -> dict[str, str]:
    """Return the query's parameters, the empty ones left out.

    :raise FilterError: for one that is none of ``names``, or is given twice.
    """
    others = [name for name in request.args if name not in names]
    problems = {name: f"{shorten(name)}: there is no such parameter." for name in others}
    for name in names:
        if len(set(request.args.getlist(name))) > 1:
            problems[name] = f"{name}: may be given once."
    if problems:
        raise FilterError(problems)
    return {name: request.args[name] for name in names if request.args.get(name)}


def moment(name: str, text: str | None) -> datetime:
    """Return the instant that a parameter means, by default now; a bare date is its day's last one.

    :raise FilterError: if it means none.
    """
    now, zone = datetime.now(UTC), ZoneInfo(g.viewer.workspace.timezone)
    if text is None:
        return now
    try:
        return parse_last_moment(text, zone=zone, now=now)
    except ValueError as error:
        raise FilterError({name: f"{name}: {shorten(text)} is no time; {error}."}) from None


def event_id(name: str, text: str | None) -> UUID | None:
    """Return the event's id that a parameter names, None where it is not given.

    :raise FilterError: if it is none.
    """
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise FilterError({name: f"{name}: {shorten(text or '')} is no event's id."}) from None
