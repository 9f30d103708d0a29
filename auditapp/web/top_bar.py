"""What stands on top of every page: whose it is, and the switch between their workspaces."""

from typing import Any

from flask import Flask, before_render_template, g
from flask_login import current_user
from jinja2 import Template
from sqlalchemy import inspect

from auditapp.access.viewer import workspaces_of
from auditapp.extensions import db
from auditapp.models import Workspace


def init_app(app: Flask) -> None:
    """Have it read for each page."""
    before_render_template.connect(_read_for_the_bar, app)
    app.jinja_env.globals["my_workspaces"] = my_workspaces


def _read_for_the_bar(_app: Flask, template: Template, **_context: Any) -> None:
    """Read what the bar on top of every page shows: a template asks the database nothing."""
    folder, _, file = (template.name or "").rpartition("/")
    # No fragment has a bar, and an error's bar says nothing: the database may be the error.
    if file.startswith("_") or folder == "errors" or not current_user.is_authenticated:
        return
    rows = [current_user.account, *([g.viewer.workspace] if "viewer" in g else [])]
    g.my_workspaces = workspaces_of(current_user.account.id)
    for row in (*rows, *g.my_workspaces):
        if inspect(row).expired:  # by a commit: the template would read it again
            db.session.refresh(row)


def my_workspaces() -> list[Workspace]:
    """Return the signed-in person's workspaces, for the switch between them."""
    workspaces: list[Workspace] = g.my_workspaces
    return workspaces
