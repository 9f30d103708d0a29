"""Settings → Index and followers: how far what follows the log is, and the events that it failed at."""

from flask import flash, g, redirect, url_for
from flask.typing import ResponseReturnValue

from auditapp.access.permissions import Permission
from auditapp.extensions import db
from auditapp.followers.failures import count_failures, try_at_once
from auditapp.models import Workspace
from auditapp.reading.following import failed_events, lag_of
from auditapp.web.formats import counted
from auditapp.web.settings.page import SettingsPage, show_settings


def _failing(workspace: Workspace) -> int:
    return count_failures(db.session.connection(), workspace.id)


page = SettingsPage(
    "followers", "Index and followers", Permission.AUDIT_LOG_READ_ALL, place=40, failing=_failing
)

SHOWN = 100  # events that failed
TITLES = {"index": "Search and counts"}  # of followers; others go by their names


@page.get()
def index(workspace: str) -> ResponseReturnValue:
    """Show each follower, the worker, and what failed."""
    failed, lag = failed_events(g.viewer, SHOWN + 1), lag_of(g.viewer)
    return show_settings(
        "followers.html",
        lag=lag,
        stands=any(lag.stands(each) for each in lag.followers),
        titles=TITLES,
        failed=failed[:SHOWN],
        has_more=len(failed) > SHOWN,
        may_retry=g.viewer.can(Permission.SETTINGS_MANAGE),
    )


@page.post("/retry", permission=Permission.SETTINGS_MANAGE)
def retry(workspace: str) -> ResponseReturnValue:
    """Have all that failed tried at once, by the worker."""
    events = try_at_once(db.session.connection(), g.viewer.workspace.id)
    runs = lag_of(g.viewer).worker_runs
    db.session.commit()
    when = "within some seconds" if runs else "as soon as a worker runs"
    done = f"{counted(events, 'event')} will be tried again {when}."
    flash(done if events else "Nothing is left to try again.")
    return redirect(url_for(".index", workspace=workspace), 303)
