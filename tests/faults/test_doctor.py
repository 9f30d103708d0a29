"""A database that may forget what it acknowledged: the doctor says so, and what to do."""

import re

import pytest
import sqlalchemy as sa

from auditapp.extensions import db

pytestmark = pytest.mark.faults
ROLE = 'a "careless" role'


@pytest.fixture
def database(own_postgresql):
    """Return a database on a server as safe as it comes, and sign in as a role of the test's own."""
    url = own_postgresql.make_database()
    role = '"' + ROLE.replace('"', '""') + '"'
    name = sa.make_url(url).database
    own_postgresql.run(f"CREATE ROLE {role} LOGIN SUPERUSER")
    yield sa.make_url(url).set(username=ROLE).render_as_string(hide_password=False)
    own_postgresql.run(
        "ALTER SYSTEM RESET synchronous_commit",
        "SELECT pg_reload_conf()",
        f"DROP DATABASE {name} WITH (FORCE)",
        f"DROP ROLE {role}",
    )


@pytest.mark.parametrize(
    "off",
    [
        "ALTER DATABASE {database} SET synchronous_commit = off",
        "ALTER ROLE {role} SET synchronous_commit = off",
        "ALTER ROLE {role} IN DATABASE {database} SET synchronous_commit = off",
        "ALTER SYSTEM SET synchronous_commit = off",
    ],
)
def test_the_doctor_reports_synchronous_commit_off_and_its_advice_mends_it(app, cli, own_postgresql, off):
    quote = db.engine.dialect.identifier_preparer.quote
    before = cli("doctor")
    own_postgresql.run(
        off.format(database=quote(db.engine.url.database), role=quote(ROLE)), "SELECT pg_reload_conf()"
    )
    _connect_anew()

    found = cli("doctor")
    wrong = [line for line in found.out.splitlines() if line.startswith("WRONG")]
    advice = re.search(r"run (ALTER .+)", wrong[0])[1]
    own_postgresql.run(advice)
    _connect_anew()
    mended = cli("doctor")

    assert before.code == 0, before.out
    assert found.code == 1 and len(wrong) == 1
    assert "synchronous_commit is off: a crash may lose acknowledged events" in wrong[0]
    assert mended.code == 0 and "ok     synchronous_commit is on" in mended.out


def _connect_anew() -> None:
    """Settings of a database or a role count for new connections."""
    db.session.remove()
    db.engine.dispose()
