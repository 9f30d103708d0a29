"""The JSON API, one file per resource. Knows API keys, not cookies."""

from flask import Flask

from auditapp.api import events, openapi, receive, records, undo
from auditapp.extensions import csrf


def init_app(app: Flask) -> None:
    """Register the API; no cookie opens it, so no CSRF token guards it."""
    app.register_blueprint(events.bp)
    app.register_blueprint(openapi.bp)
    app.register_blueprint(receive.bp)
    app.register_blueprint(records.bp)
    app.register_blueprint(undo.bp)
    csrf.exempt(events.bp)
