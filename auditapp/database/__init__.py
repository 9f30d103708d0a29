"""How SQLite and PostgreSQL are addressed where SQLAlchemy does not make them alike."""
