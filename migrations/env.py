"""Runs migrations inside the application's own engine, each in one transaction.

SQLite's driver opens no transaction for DDL by itself, and two servers may start at once: so one is
begun here, and the second waits for the first.
"""

from alembic import context
from flask import current_app
from sqlalchemy import text

from auditapp.extensions import db

LOCK = 0x0A0D17A9  # any number that nothing else on this server uses


def run() -> None:
    """Bring the database to the wanted revision, or leave it as it was."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        configure = current_app.extensions["migrate"].configure_args
        context.configure(connection=connection, target_metadata=db.metadata, **configure)
        context.run_migrations()
        connection.commit()


run()
