"""The guards that are written down for PostgreSQL are those that the migrations make."""

import os

import pytest

from auditapp.extensions import db
from auditapp.operating.deep.guards import RECORDED, as_recorded, guards_of


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_recorded_guards_are_those_of_a_freshly_migrated_database(app):
    with db.engine.connect() as connection:
        made = as_recorded(guards_of(connection))

    if os.environ.get("RECORD_GUARDS"):
        RECORDED.write_text(made)
    assert RECORDED.read_text() == made, (
        "RECORD_GUARDS=1 pytest tests/operating/test_guards.py writes them anew"
    )
