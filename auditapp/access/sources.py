"""Sources: made, found by their path, and removed. What they send is for ``sources.receiving``."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from auditapp.access.members import clean_name
from auditapp.access.own_events import acting_as
from auditapp.extensions import db
from auditapp.log.strict_json import text_problem
from auditapp.models import SetAside, Source, Workspace

MAX_SECRET = 200


class SourceError(ValueError):
    """A source cannot be made like that; the message says what to do."""


def create_source(workspace: Workspace, kind: str, name: str, secret: str, by: dict[str, Any]) -> Source:
    """Make a source with a path of its own. The caller commits.

    :param kind: one of ``sources.kinds.KINDS``.
    :param secret: what the sender signs with or sends along; kept as it is, see ``models.source``.
    :raise SourceError: unless the secret has 1 to 200 characters that can be stored.
    :raise MemberError: unless the name has.
    """
    if not secret.strip() or len(secret) > MAX_SECRET or text_problem(secret):
        raise SourceError(f"A secret needs 1 to {MAX_SECRET} characters.")
    source = Source(
        workspace_id=workspace.id,
        id=uuid7(),
        path=secrets.token_hex(12),
        kind=kind,
        name=clean_name(name),
        secret=secret,
        created_at=datetime.now(UTC),
    )
    with acting_as(by):
        db.session.add(source)
    return source


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(32)


def remove_source(source: Source, by: dict[str, Any]) -> None:
    """Close a source's path for good; the row stays, since events name it. The caller commits."""
    with acting_as(by):
        source.removed_at = datetime.now(UTC)


def find_source(path: str) -> Source | None:
    """Return the source that ``/in/<path>`` stands for."""
    if not path.isascii() or not path.isalnum():
        return None
    query = select(Source).where(Source.path == path, Source.removed_at.is_(None))
    return db.session.scalars(query).first()


def source_in(workspace: Workspace, source_id: str) -> Source | None:
    """Return a source of a workspace by its id, unless it has been removed."""
    try:
        source = db.session.get(Source, (workspace.id, uuid.UUID(source_id)))
    except ValueError:
        return None
    return source if source and not source.removed_at else None


def sources_of(workspace: Workspace) -> list[tuple[Source, int]]:
    """Return the sources of a workspace by name, with how many bodies of each wait to be read."""
    waiting = (
        select(func.count())
        .where(SetAside.workspace_id == Source.workspace_id, SetAside.source_id == Source.id)
        .correlate(Source)
        .scalar_subquery()
    )
    query = (
        select(Source, waiting)
        .where(Source.workspace_id == workspace.id, Source.removed_at.is_(None))
        .order_by(Source.name, Source.id)
    )
    return [(source, count) for source, count in db.session.execute(query)]
