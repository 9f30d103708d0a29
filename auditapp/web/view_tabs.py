"""The saved views on top of the timeline."""

from dataclasses import dataclass
from typing import Any

from flask import g

from auditapp.access import saved_views
from auditapp.finding import News
from auditapp.models import SavedView
from auditapp.web.fragments import wants_fragment


@dataclass(frozen=True)
class Tab:
    """A view, and how many events are new in it since its reader last looked."""

    view: SavedView
    news: News | None = None


def tabs_of_page() -> dict[str, Any]:
    """Return what a page shows of the views, whose news come later; a fragment of it shows nothing."""
    if wants_fragment():
        return {}
    tabs = [Tab(view) for view in saved_views.views_of(g.viewer)]
    return {"tabs": tabs, "pinned": saved_views.pinned_of(g.viewer)}
