"""How one likes to read: a page, the same fields in the timeline's own menu, and what they come to."""

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response, g, has_request_context, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.access.preferences import Preferences, is_zone, keep, preferences_from, read_preferences
from auditapp.extensions import db
from auditapp.web.fragments import render
from auditapp.web.gate import permission_required
from auditapp.web.local_url import local_path

bp = Blueprint("preferences", __name__)

PAGE = "preferences/show.html"
OTHER = "other"


@bp.get("/w/<workspace>/preferences")
@permission_required(AUDIT_LOG_READ)
def show(workspace: str) -> ResponseReturnValue:
    """Show what may be chosen."""
    return _page(workspace, my_preferences(), local_path(request.args.get("next")))


@bp.post("/w/<workspace>/preferences")
@permission_required(AUDIT_LOG_READ)
def save(workspace: str) -> ResponseReturnValue:
    """Keep what was chosen, and go back to where one was."""
    values, back = _chosen(), local_path(request.form.get("next"))
    preferences = preferences_from(values)
    if not is_zone(values["zone"]):
        return _page(workspace, preferences, back, typed=values["zone"]), 422
    keep(current_user.account, preferences)
    db.session.commit()
    return redirect(back if back != "/" else url_for("timeline.index", workspace=workspace), 303)


def _chosen() -> dict[str, Any]:
    form = request.form
    zone = form.get("zone", "")
    return {
        "columns": form.getlist("column"),
        "density": form.get("density"),
        "times": form.get("times"),
        "zone": form.get("zone_name", "").strip() if zone == OTHER else zone,
        "shortcuts": "shortcuts" in form,
    }


def _page(workspace: str, chosen: Preferences, back: str, typed: str | None = None) -> Response:
    return render(
        PAGE,
        PAGE,
        workspace=workspace,
        chosen=chosen,
        back=back,
        typed=typed,
        zones=sorted(available_timezones()),
    )


def my_preferences() -> Preferences:
    """Return how the signed-in person likes to read; the usual for whoever is nobody."""
    if not has_request_context():
        return Preferences()
    if "preferences" not in g:
        kept = current_user.account.preferences if current_user.is_authenticated else None
        g.preferences = read_preferences(kept)
    preferences: Preferences = g.preferences
    return preferences


def row_classes() -> str:
    """Return the classes of a list of rows, from which the style sheet makes its columns."""
    mine = my_preferences()
    return " ".join(
        ["timeline", mine.density, f"times-{mine.times}", *(f"with-{name}" for name in mine.columns)]
    )
