"""What had been set aside before headers were kept comes to this version with its content type."""

import json
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask_migrate import upgrade

from auditapp import create_app
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.inbound.receiving import replay
from auditapp.inbound.set_aside import set_aside_of
from auditapp.models import SetAside, Source, Workspace
from tests.conftest import BOTH

MIGRATIONS = str(ROOT / "migrations")
CREATED = datetime(2026, 3, 24, 9, tzinfo=UTC)
# As the table was until then.
OLD = sa.Table(
    "set_aside",
    sa.MetaData(),
    *(sa.Column(column.name, column.type) for column in SetAside.__table__.c if column.name != "headers"),
    sa.Column("content_type", sa.String(200)),
)


@pytest.fixture(params=BOTH)
def earlier(request, tmp_path):
    """Return an application on a database of the version before."""
    name = f"earlier_{uuid.uuid4().hex}"
    url = f"sqlite:///{tmp_path / name}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        url = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "TESTING": True})
    with app.app_context():
        before = ScriptDirectory(MIGRATIONS).get_revision("0010").down_revision
        upgrade(directory=MIGRATIONS, revision=before)
        yield app
        db.session.remove()
        db.engine.dispose()


def test_what_was_set_aside_keeps_its_content_type_and_is_read_again(earlier):
    body = b'{"action": "user.login", "actor": {"id": "u1"}, "created": "2024-03-31T10:15Z"}'
    source = {"path": "p", "kind": "retraced", "name": "Old", "secret": "s", "created_at": CREATED}
    kept = {"reason": "created: …", "times": 1, "received_at": CREATED, "last_received_at": CREATED}
    source_id = uuid.uuid4()
    with db.engine.begin() as connection:
        workspace = {"id": 1, "uid": uuid.uuid4(), "slug": "acme", "name": "Acme", "timezone": "UTC"}
        connection.execute(sa.insert(Workspace.__table__).values(**workspace, created_at=CREATED))
        connection.execute(sa.insert(Source.__table__).values(workspace_id=1, id=source_id, **source))
        for number, content_type in enumerate(['application/json; charset="utf-8"', None]):
            row = {
                "workspace_id": 1,
                "id": uuid.uuid4(),
                "source_id": source_id,
                "content_type": content_type,
            }
            digest = bytes([number]) * 32
            connection.execute(sa.insert(OLD).values(**row, **kept, body=body, body_hash=digest))

    upgrade(directory=MIGRATIONS)

    found = db.session.scalars(sa.select(SetAside).order_by(SetAside.body_hash)).all()
    assert [json.loads(each.headers) for each in found] == [
        {"content-type": 'application/json; charset="utf-8"'},
        {},
    ]
    assert len(set_aside_of(found[0].source, 10, 10)) == 2
    assert {index["name"] for index in sa.inspect(db.engine).get_indexes("set_aside")} >= {
        "ix_set_aside_waiting"
    }
    [recorded] = replay(found[0]).recorded
    assert recorded.duplicate is False
