"""Which of the two databases it is. Asked where they are told apart, which ``docs/layout.md`` lists."""

from sqlalchemy import Connection, Engine


def is_sqlite(bind: Connection | Engine) -> bool:
    """Tell whether it is SQLite; else it is PostgreSQL."""
    return bind.dialect.name == "sqlite"
