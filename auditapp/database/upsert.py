"""``INSERT … ON CONFLICT``: what SQLAlchemy has for PostgreSQL is written for SQLite just as well."""

from sqlalchemy.dialects.postgresql import insert as upsert

__all__ = ["upsert"]
