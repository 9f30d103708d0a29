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
    headers,
    health,
    history,
    home,
    host,
    members,
    news,
    preferences,
    record_id,
    results_head,
    sources,
    stories,
    timeline,
    views,
)


def init_app(app: Flask) -> None:
    """Register the pages and all that surrounds them."""
    for part in (host, record_id, assets, formats, results_head, headers, errors):
        part.init_app(app)
    for family in (
        home,
        auth,
        timeline,
        news,
        views,
        export,
        event,
        history,
        stories,
        preferences,
        members,
        api_keys,
        sources,
        health,
    ):
        app.register_blueprint(family.bp)
