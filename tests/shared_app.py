"""An application that tests use one after the other, each on a new copy of a database at one address."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Engine

from auditapp import create_app
from auditapp.extensions import db
from auditapp.operating.readiness import Readiness
from tests.pages import CheckingClient

STATEMENTS = 2000  # that an engine keeps compiled; SQLAlchemy's own 500 are for one application's


class SharedApp:
    """Keeps the application, and the statements that SQLAlchemy compiled for it."""

    def __init__(self, url: str) -> None:
        self._app = create_app(
            {
                "SQLALCHEMY_DATABASE_URI": url,
                "TESTING": True,
                "SECRET_KEY": "test",
                "WTF_CSRF_ENABLED": False,
            }
        )
        self._app.test_client_class = CheckingClient
        self._config = dict(self._app.config)
        self._compiled: Any = None

    @contextmanager
    def lend(self) -> Iterator[Flask]:
        """Give the application to a test, inside a context, as if it had been made for it."""
        with self._app.app_context():
            self._renew_engine()
            self._app.extensions["auditapp_readiness"] = Readiness(db.engine)
            yield self._app
            CheckingClient.close_streamed()
            db.session.remove()
            db.engine.dispose()
        self._app.config.clear()
        self._app.config.update(self._config)

    def _renew_engine(self) -> None:
        """Make another engine of the same kind: what listened to the last one, or remembers it, does no more.

        Compiled statements are valid for one dialect only, so that it stays.
        """
        old = db.engine
        old.dispose()  # making the application may have opened a connection
        new = Engine(
            old.pool.recreate(),
            old.dialect,
            old.url,
            query_cache_size=STATEMENTS,
            hide_parameters=old.hide_parameters,
        )
        if self._compiled is None:
            self._compiled = new._compiled_cache
        new._compiled_cache = self._compiled
        db._app_engines[current_app._get_current_object()][None] = new
