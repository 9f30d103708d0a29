"""Auditapp: ``create_app`` knows every part; only ``app.py`` and the tests know ``create_app``."""

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from auditapp import api, cli, failures, models, web
from auditapp.config import INSTANCE, ROOT, engine_options, flask_config, load_settings, replica_options
from auditapp.extensions import compress, csrf, db, login_manager, migrate
from auditapp.http import caller, replica_reads
from auditapp.http.gates import check_every_route_has_a_gate
from auditapp.http.metrics import Metrics
from auditapp.operating.places import keep_private
from auditapp.operating.readiness import Readiness
from auditapp.own_records import capture_own
from auditapp.routing import REPLICA
from auditapp.server_log import requests
from auditapp.web.settings import check_every_settings_route_has_a_page


def create_app(overrides: dict[str, Any] | None = None) -> Flask:
    """Build the application.

    :param overrides: Flask configuration that wins over the environment's, for tests.
    :raise auditapp.config.ConfigError: if a setting is wrong.
    """
    app = Flask(
        __name__,
        instance_path=str(INSTANCE),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config |= flask_config(load_settings()) | (overrides or {})
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(app.config["SQLALCHEMY_DATABASE_URI"])
    if url := app.config["DATABASE_REPLICA_URL"]:
        app.config["SQLALCHEMY_BINDS"] = {REPLICA: replica_options(url)}
    db.init_app(app)
    with app.app_context():
        keep_private(db.engine)
        app.extensions["auditapp_readiness"] = Readiness(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    # Its context processor would load the user for every page, the error pages of a lost database too.
    login_manager.init_app(app, add_context_processor=False)
    csrf.init_app(app)
    compress.init_app(app)
    web.init_app(app)  # first: it makes the converter known that the paths of records are written with
    api.init_app(app)
    cli.init_app(app)
    failures.init_app(app)
    caller.init_app()
    replica_reads.init_app(app)
    capture_own()
    if proxies := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    metrics = Metrics(lambda: app.extensions["auditapp_readiness"].lag())
    app.extensions["auditapp_metrics"] = metrics
    requests.init_app(app, metrics.observe)  # last: nothing answers before it
    check_every_route_has_a_gate(app.view_functions)
    check_every_settings_route_has_a_page(app)
    return app


__all__ = ["create_app", "models"]
