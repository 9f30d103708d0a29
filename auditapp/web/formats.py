"""How times, hostile text and JSON are written; template filters, and the viewer's time zone."""

import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g, has_request_context, request
from flask_login import current_user
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JsonLexer

from auditapp.access.permissions import AUDIT_LOG_READ, Permission
from auditapp.access.preferences import BROWSER, WORKSPACE
from auditapp.config import is_timezone
from auditapp.filters import BY_NAME, wording
from auditapp.filters.cursor import Cursor, places_of
from auditapp.filters.moments import in_zone
from auditapp.filters.parameter import Narrowing
from auditapp.hidden import HIDDEN, code_point, json_escape
from auditapp.models import Workspace
from auditapp.web import sentences
from auditapp.web.preferences import my_preferences, row_classes
from auditapp.web.times import Time

MAX_COLOURED = 100_000


def init_app(app: Flask) -> None:
    """Make the filters known to templates."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.finalize = _without_nul
    app.jinja_env.filters |= {
        "plain": plain,
        "plain_text": plain_text,
        "when": when,
        "grouped": grouped,
        "counted": counted,
        "cursor": cursor,
        "date_value": date_value,
        "changed_fields": sentences.changed_fields,
    }
    app.jinja_env.globals |= {
        "sentence": sentences.sentence,
        "effect": sentences.effect,
        "entity_words": wording.entity_words,
        "inside": wording.inside,
        "thing_words": wording.thing_words,
        "parameter_words": parameter_words,
        "claimant_words": sentences.CLAIMANT_WORDS,
        "origin_words": wording.ORIGIN_WORDS,
        "automated_origins": sentences.AUTOMATED_ORIGINS,
        "outcome_words": wording.OUTCOME_WORDS,
        "actor_type_words": wording.ACTOR_TYPE_WORDS,
        "Permission": Permission,
        "AUDIT_LOG_READ": AUDIT_LOG_READ,
        "viewer_zone": viewer_zone,
        "my_preferences": my_preferences,
        "row_classes": row_classes,
        "now": _now,
        "current_user": current_user,  # a proxy: loaded by the pages that ask for it, no others
    }


def cursor(place: Cursor) -> str:
    """Return a place on a page as its links have it."""
    return places_of(g.viewer.workspace).write(place)


def _without_nul(value: Any) -> Any:
    """HTML cannot carry NUL, which a form that is shown again may hold."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) and "\x00" in value else value


def workspace_zone(workspace: Workspace) -> ZoneInfo:
    """Return the zone that dates in a workspace's filters are in."""
    return ZoneInfo(workspace.timezone)


def viewer_zone() -> ZoneInfo:
    """Return the zone to show times in: the one that the viewer chose, or the browser's, or the workspace's.

    The browser's is the one that ``app.js`` told us; until it has, the workspace's.
    """
    if not has_request_context():
        return ZoneInfo("UTC")
    if "zone" not in g:
        chosen = my_preferences().zone
        name = request.cookies.get("tz", "") if chosen == BROWSER else chosen if chosen != WORKSPACE else ""
        if name and is_timezone(name):
            g.zone = ZoneInfo(name)
        else:
            g.zone = workspace_zone(g.viewer.workspace) if "viewer" in g else ZoneInfo("UTC")
    zone: ZoneInfo = g.zone
    return zone


def when(moment: datetime) -> Time:
    """Return an instant as the viewer reads it."""
    return Time(moment, viewer_zone(), _now())


def _now() -> datetime:
    """Return the moment of this page, the same in all of its parts."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    now: datetime = g.now
    return now


def date_value(text: str) -> Markup:
    """Return a recorded date: the day where it is midnight in UTC, else the viewer's time of it."""
    day, _, clock = text.partition("T")
    if clock in ("", "00:00:00Z", "00:00:00.000Z", "00:00Z"):
        return Markup('<time datetime="{}" title="{}">{}</time>').format(text, text, day)
    try:
        moment = datetime.fromisoformat(text)
        # To UTC first: 0001-01-01 at +14:00 is an offset away from any date there is.
        local = in_zone(moment.astimezone(UTC), viewer_zone()) if moment.tzinfo else None
    except (ValueError, OverflowError):
        local = None
    if local is None:
        return escape(text)
    shown = f"{local.replace(tzinfo=None).isoformat(' ', 'seconds')} {local.tzname()}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, text, shown)


def grouped(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}"


def counted(number: int, thing: str) -> str:
    """Return a number and what it counts: "1 version", "1,200 versions"."""
    return f"{grouped(number)} {thing}{'' if number == 1 else 's'}"


def plain(text: Any) -> Markup:
    """Escape text and make the characters visible that would hide or reorder it."""
    return Markup(HIDDEN.sub(_shown, str(escape(text))))  # noqa: S704 - escaped just before


def plain_text(text: Any) -> str:
    """Make hidden characters visible where no markup can be: titles and attributes."""
    return HIDDEN.sub(code_point, str(text))


def _shown(match: re.Match[str]) -> str:
    name = escape(unicodedata.name(match[0], "control character"))
    return f'<span class="hidden-character" title="{name}">{code_point(match)}</span>'


def json_html(value: Any, max_chars: int | None) -> tuple[Markup, int]:
    """Return a value as indented JSON in colours, and how many characters were left out.

    Hidden characters become JSON escapes. Past 100,000 characters it stays uncoloured.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    text = HIDDEN.sub(json_escape, text)
    left_out = 0
    if max_chars is not None and len(text) > max_chars:
        left_out = len(text) - max_chars
        text = text[:max_chars]
    if len(text) > MAX_COLOURED:
        return escape(text), left_out
    return Markup(highlight(text, JsonLexer(), HtmlFormatter(nowrap=True))), left_out  # noqa: S704


def parameter_words(name: str) -> str:
    """Return what a filter's parameter is called: "search", "actor type"."""
    parameter = BY_NAME.get(name)
    return parameter.words if isinstance(parameter, Narrowing) else name
