"""Runs migrations inside the application's own engine, each in one transaction.

SQLite's driver opens no transaction for DDL by itself, and two servers may start at once: so one is
begun here, and the second waits for the first.

Nothing below ``migrations/`` imports the application: a migration of a year ago meets today's code, which
knows columns and tables that its database does not have yet.
"""

from alembic import context
from flask import current_app
from sqlalchemy import text

LOCK = 0x0A0D17A9  # any number that nothing else on this server uses


def run() -> None:
    """Bring the database to the wanted revision, or leave it as it was."""
    migrate = current_app.extensions["migrate"]
    # A backup is brought to this version by the program that runs on another database.
    engine = context.config.attributes.get("engine", migrate.db.engine)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.configure(
            connection=connection, target_metadata=migrate.db.metadata, **migrate.configure_args
        )
        context.run_migrations()
        connection.commit()


run()
