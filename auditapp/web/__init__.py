"""HTML, one file per URL family. ``fragments`` decides page or fragment."""

from flask import Flask

from auditapp.web import (
    api_keys,
    assets,
    auth,
    errors,
    event,
    export,
    formats,
    found,
    headers,
    health,
    history,
    history_export,
    home,
    host,
    members,
    news,
    overview,
    preferences,
    record_id,
    results_head,
    sources,
    stories,
    timeline,
    undo,
    views,
)


def init_app(app: Flask) -> None:
    """Register the pages and all that surrounds them."""
    for part in (host, record_id, assets, formats, found, results_head, headers, errors):
        part.init_app(app)
    for family in (
        home,
        auth,
        timeline,
        news,
        overview,
        views,
        export,
        event,
        history,
        history_export,
        stories,
        undo,
        preferences,
        members,
        api_keys,
        sources,
        health,
    ):
        app.register_blueprint(family.bp)
