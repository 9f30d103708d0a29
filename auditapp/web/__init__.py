"""HTML, one file per URL family. ``fragments`` decides page or fragment."""

from flask import Flask

from auditapp.web import (
    assets,
    auth,
    errors,
    event,
    export,
    formats,
    headers,
    health,
    highlight,
    home,
    host_header,
    metrics,
    news,
    overview,
    preferences,
    record_id,
    results_head,
    saved_views,
    settings,
    stories,
    timeline,
    top_bar,
    undo,
)
from auditapp.web.history import export as history_export
from auditapp.web.history import page as history_page


def init_app(app: Flask) -> None:
    """Register the pages and all that surrounds them."""
    for part in (host_header, record_id, assets, formats, top_bar, highlight, results_head, headers, errors):
        part.init_app(app)
    settings.init_app(app)
    for family in (
        home,
        auth,
        timeline,
        news,
        overview,
        saved_views,
        export,
        event,
        history_page,
        history_export,
        stories,
        undo,
        preferences,
        health,
        metrics,
    ):
        app.register_blueprint(family.bp)
