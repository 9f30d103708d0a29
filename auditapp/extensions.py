"""The extensions, made once and bound to the application in ``create_app``."""

import sqlite3
from typing import Any

from flask import current_app
from flask_compress import Compress
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import MetaData, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase

from auditapp.config import sqlite_journal_mode
from auditapp.routing import RoutedSession


class Base(DeclarativeBase):
    """Base of all tables; constraints get names so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class SessionsOnly(LoginManager):
    """Flask-Login without its "remember me" cookie: we never issue one, and a forged one must not be
    read (a non-ASCII signature in it raises)."""

    def _load_user_from_remember_cookie(self, cookie: str) -> None:
        return None


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"class_": RoutedSession})


def setting(name: str) -> Any:
    """Return a setting of the application at hand, for rooms that know nothing of Flask."""
    return current_app.config[name]


def is_described(_thing: object, name: str | None, _type: str, _reflected: bool, _compared: object) -> bool:
    """Leave to migrations what each database has in a form of its own: words.

    ``flask db check`` compares all else with the models.
    """
    return name is None or not name.startswith(("event_search", "ix_event_search"))


migrate = Migrate(directory="migrations", include_object=is_described)
login_manager = SessionsOnly()
csrf = CSRFProtect()
compress = Compress()


@event.listens_for(Engine, "connect")
def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Give every SQLite connection the same guarantees as PostgreSQL."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA journal_mode = {sqlite_journal_mode()}")
    connection.execute("PRAGMA synchronous = FULL")
