"""Sources: made, found, listed with what is wrong, and removed. What they send is for ``receiving``."""

import re
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from auditapp.access.members import clean_name
from auditapp.access.own_events import acting_as
from auditapp.extensions import db
from auditapp.inbound.forms import FORMS
from auditapp.inbound.set_aside import MAX_SET_ASIDE, waiting_count
from auditapp.models import SetAside, Source, Workspace
from auditapp.models.types import EPOCH
from auditapp.values.strict_json import text_problem

MAX_SECRET = 200
# What every client, proxy and server passes on as it is (RFC 9110, section 5.5), blanks at the ends excepted.
HEADER_SECRET = re.compile(r"[!-~]([ -~]*[!-~])?")
# A sender that was refused and stays away is no news for ever.
REFUSAL_COUNTS_FOR = timedelta(days=7)


class SourceError(ValueError):
    """A source cannot be made like that; the message says what to do."""


def create_source(workspace: Workspace, kind: str, name: str, secret: str, by: dict[str, Any]) -> Source:
    """Make a source with a path of its own. The caller commits.

    :param kind: one of ``forms.FORMS``.
    :param secret: what the sender signs with or sends along; kept as it is, see ``models.source``.
    :raise SourceError: unless the secret can be stored, and sent where the kind sends it.
    :raise MemberError: unless the name has 1 to 200 characters that can be stored.
    """
    if problem := secret_problem(kind, secret):
        raise SourceError(problem)
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


def secret_problem(kind: str, secret: str) -> str | None:
    """Return why a source of this kind cannot have this secret, None if it can."""
    if not secret.strip() or len(secret) > MAX_SECRET or text_problem(secret):
        return f"A secret needs 1 to {MAX_SECRET} characters."
    if FORMS[kind].secret_in_header and not HEADER_SECRET.fullmatch(secret):
        return (
            f"{FORMS[kind].name} sends its secret in a header, which can carry only ASCII letters, digits and"
            " signs, and no blank at its beginning or end."
        )
    return None


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(32)


def remove_source(source: Source, by: dict[str, Any]) -> None:
    """Close a source's path for good; the row stays, since events name it. The caller commits."""
    with acting_as(by):
        source.removed_at = source.removed_at or datetime.now(UTC)


def find_source(path: str) -> Source | None:
    """Return the source that ``/in/<path>`` stands for."""
    if not path.isascii() or not path.isalnum():
        return None
    query = select(Source).where(Source.path == path, Source.removed_at.is_(None))
    return db.session.scalars(query).first()


def source_in(workspace: Workspace, source_id: str) -> Source | None:
    """Return a source of a workspace by its id, a removed one too, whose set aside bodies stay."""
    try:
        return db.session.get(Source, (workspace.id, uuid.UUID(source_id)))
    except ValueError:
        return None


class Listed(NamedTuple):
    """A source, and how many bodies of it wait to be read."""

    source: Source
    waiting: int

    def problems(self, now: datetime) -> list[str]:
        """Return in what way it fails, in sentences; none where all that came was recorded."""
        source, sentences = self.source, []
        if self.waiting:
            bodies = "1 body" if self.waiting == 1 else f"{self.waiting:,} bodies"
            full = self.waiting >= MAX_SET_ASIDE
            hint = "; its sender is told to keep the rest" if full else ""
            sentences.append(f"{bodies} could not be read{hint}.")
        refused, received = source.last_refused_at, source.last_received_at
        if refused and now - refused < REFUSAL_COUNTS_FOR and refused > (received or EPOCH):
            sentences.append(f"What came last was refused: {source.refused_because}")
        if not source.removed_at and secret_problem(source.kind, source.secret):
            sentences.append("No header can carry its secret; make another source.")
        return sentences


def sources_of(workspace: Workspace | None = None) -> list[Listed]:
    """Return the sources of a workspace, or of all, by name, with how many bodies of each wait to be read.

    A removed one is among them as long as something of it waits.
    """
    if workspace is None:
        owners = select(Workspace).where(Workspace.id.in_(select(Source.workspace_id))).order_by(Workspace.id)
        return [listed for owner in db.session.scalars(owners).all() for listed in sources_of(owner)]
    this = SetAside.workspace_id == workspace.id, SetAside.source_id == Source.id
    waits = select(SetAside.id).where(*this, SetAside.dismissed_at.is_(None)).correlate(Source)
    waiting = waits.with_only_columns(func.count()).scalar_subquery()
    query = (
        select(Source, waiting)
        .where(Source.workspace_id == workspace.id, Source.removed_at.is_(None) | waits.exists())
        .order_by(Source.name, Source.id)
    )
    return [Listed(source, count) for source, count in db.session.execute(query)]


def problems_of(source: Source) -> list[str]:
    """Return in what way a source fails, in sentences."""
    return Listed(source, waiting_count(source)).problems(datetime.now(UTC))


def failing(workspace: Workspace | None = None) -> list[tuple[Source, list[str]]]:
    """Return the sources that fail, each with in what way."""
    now = datetime.now(UTC)
    sources = [(listed.source, listed.problems(now)) for listed in sources_of(workspace)]
    return [(source, problems) for source, problems in sources if problems]
