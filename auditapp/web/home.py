"""The front door: to the person's workspace, or to the sign-in page."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from auditapp.access.viewer import workspaces_of
from auditapp.web.gate import signed_in_required

bp = Blueprint("home", __name__)


@bp.get("/")
@signed_in_required
def index() -> ResponseReturnValue:
    """Go to the first of the person's workspaces."""
    workspaces = workspaces_of(current_user.account.id)
    if not workspaces:
        return render_template("home/no_workspace.html")
    return redirect(url_for("timeline.index", workspace=workspaces[0].slug))
