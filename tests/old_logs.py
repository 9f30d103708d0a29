"""A log as an earlier version of the program left it: rows written past today's code."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from auditapp.models.types import BinaryUuid, Instant
from tests.conftest import PASSWORD_HASH

BEGAN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
EVENTS = 40
MEMBERS = {name: uuid.uuid4() for name in ("Owner", "Member")}


def rows_of(table, **columns):
    """Return a table as far as a revision long ago had it; its types have not changed since."""
    return sa.table(table, *(sa.column(name, kind) for name, kind in columns.items()))


TEXT, NUMBER = sa.Text(), sa.BigInteger()
WORKSPACE = rows_of(
    "workspace", id=NUMBER, uid=BinaryUuid(), slug=TEXT, name=TEXT, timezone=TEXT, created_at=Instant()
)
ACCOUNT = rows_of(
    "account",
    id=BinaryUuid(),
    email=TEXT,
    name=TEXT,
    password_hash=TEXT,
    is_demo=sa.Boolean(),
    created_at=Instant(),
)
ROLE = rows_of("role", workspace_id=NUMBER, id=BinaryUuid(), name=TEXT, is_system=sa.Boolean())
PERMISSION = rows_of("role_permission", workspace_id=NUMBER, role_id=BinaryUuid(), resource=TEXT, action=TEXT)
MEMBER = rows_of(
    "member",
    **dict.fromkeys(("id", "account_id", "role_id"), BinaryUuid()),
    workspace_id=NUMBER,
    created_at=Instant(),
    joined_at=Instant(),
)
EVENT = rows_of(
    "event",
    workspace_id=NUMBER,
    id=NUMBER,
    uid=BinaryUuid(),
    occurred_at=Instant(),
    recorded_at=Instant(),
    member_id=BinaryUuid(),
    **dict.fromkeys(
        (
            *("event", "entity_type", "entity_id", "entity_name", "actor_type", "actor_id", "actor_name"),
            *("origin", "outcome", "correlation_id", "fields", "idempotency_key"),
        ),
        TEXT,
    ),
)
SECTIONS = ("actor", "names", "related", "changes", "payload", "context")
PAYLOAD = rows_of("event_payload", workspace_id=NUMBER, event_id=NUMBER, **dict.fromkeys(SECTIONS, TEXT))
NAME = rows_of("event_name", workspace_id=NUMBER, event=TEXT, entity_type=TEXT)


def fill(connection):
    """Write a workspace with two members and some events, by statements that every revision takes."""

    def put(table, *rows):
        connection.execute(table.insert(), list(rows))

    put(
        WORKSPACE,
        {
            "id": 1,
            "uid": uuid.uuid4(),
            "slug": "acme",
            "name": "Acme",
            "timezone": "UTC",
            "created_at": BEGAN,
        },
    )
    for name, member_id in MEMBERS.items():
        account, role = uuid.uuid4(), uuid.uuid4()
        email = f"{name.lower()}@acme.example"
        put(
            ACCOUNT,
            {
                "id": account,
                "email": email,
                "name": name,
                "password_hash": PASSWORD_HASH,
                "is_demo": False,
                "created_at": BEGAN,
            },
        )
        put(ROLE, {"workspace_id": 1, "id": role, "name": name, "is_system": True})
        levels = (
            [("audit_log", "read_own")]
            if name == "Member"
            else [("audit_log", "read_all"), ("audit_log", "export")]
        )
        put(
            PERMISSION,
            *(
                {"workspace_id": 1, "role_id": role, "resource": each, "action": action}
                for each, action in levels
            ),
        )
        put(
            MEMBER,
            {
                "workspace_id": 1,
                "id": member_id,
                "account_id": account,
                "role_id": role,
                "created_at": BEGAN,
                "joined_at": BEGAN,
            },
        )
    put(EVENT, *map(event_row, range(1, EVENTS + 1)))
    put(PAYLOAD, *map(payload_row, range(1, EVENTS + 1)))
    put(
        NAME,
        {"workspace_id": 1, "event": "deal.updated", "entity_type": "deal"},
        {"workspace_id": 1, "event": "contact.created", "entity_type": "contact"},
    )
    if connection.dialect.name == "postgresql":
        for table in ("workspace", "event"):
            connection.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {EVENTS})"))


def event_row(number):
    kind, verb = ("deal", "updated") if number % 2 else ("contact", "created")
    moment = BEGAN + timedelta(minutes=number)
    return {
        "workspace_id": 1,
        "id": number,
        "uid": uuid.UUID(int=number),
        "occurred_at": moment,
        "recorded_at": moment,
        "event": f"{kind}.{verb}",
        "entity_type": kind,
        "entity_id": str(number),
        "entity_name": f"Pump {number}",
        "actor_type": "user",
        "actor_id": "member@acme.example",
        "actor_name": "Mia",
        "member_id": MEMBERS["Member"],
        "origin": "ui" if number % 3 else "api",
        "outcome": "success",
        "correlation_id": str(number),
        "fields": "stage",
        "idempotency_key": f"key-{number}",
    }


def payload_row(number):
    sections = {
        "actor": {"type": "user", "id": "member@acme.example", "name": "Mia", "email": "member@acme.example"},
        "names": {"entity": f"Pump {number}", "related": []},
        "related": [],
        "changes": {"stage": {"previous": "open", "current": "won"}},
        "payload": {"note": f"kiwi{number}"},
        "context": {},
    }
    return {
        "workspace_id": 1,
        "event_id": number,
        **{name: json.dumps(each) for name, each in sections.items()},
    }


def index_as_then(connection, revision):
    """Index and count the events as the program of the time might have: by words that nobody asks today."""
    kinds = "event, actor_type, origin, outcome"
    words = {
        "sqlite": "(rowid, words) SELECT id, '_1 papaya'",
        "postgresql": "SELECT workspace_id, id, occurred_at, CAST('papaya' AS tsvector)",
    }[connection.dialect.name]
    if revision >= "0004":
        connection.execute(
            sa.text(f"INSERT INTO event_count SELECT workspace_id, 1, occurred_at, {kinds}, 7 FROM event")
        )
        connection.execute(sa.text(f"INSERT INTO event_search {words} FROM event"))
    if revision > "0004":  # where 0005 does not follow
        kinds = "event, origin, actor_type, outcome"
        connection.execute(
            sa.text(f"INSERT INTO event_kind SELECT DISTINCT workspace_id, {kinds} FROM event")
        )
    if "0008" <= revision < "0015":
        connection.execute(sa.text("INSERT INTO index_state VALUES (1, 0, 0, 0, 0, NULL)"))
    if revision >= "0015":
        connection.execute(sa.text("INSERT INTO follower VALUES (1, 'index', 0, 0, 0, NULL)"))
