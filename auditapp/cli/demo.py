"""``flask demo``: a made-up company to look around in, and as many synthetic events as wanted."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import select

from auditapp.access.members import MemberError
from auditapp.access.passwords import hash_password
from auditapp.cli.base import command
from auditapp.cli.following import let_the_index_follow, wait_option
from auditapp.cli.garbage_collection import garbage_collected_seldom
from auditapp.extensions import db
from auditapp.index.statistics import know_what_is_there
from auditapp.log import record_batch
from auditapp.log.schema import MAX_BATCH
from auditapp.models import Account, Member, Workspace
from demo.recording import SLUG, add_company, record_story
from demo.story import STORY_DAYS, tell
from demo.synthetic import synthetic_events

PASSWORD = "auditapp-demo"  # noqa: S105 - no secret: printed on purpose, and only demo accounts have it
SIGN_INS = (
    ("owner@demo.example", "Owner"),
    ("auditor@demo.example", "Auditor"),
    ("member@demo.example", "Member"),
)
COMMIT_EVERY = 10_000


class Added(NamedTuple):
    """How many events were added: of the story, None where it had been told before, and synthetic."""

    story: int | None
    synthetic: int


@command("demo")
@click.option(
    "--events",
    "extra",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Add N synthetic events of the last two years as well; committed as it goes.",
)
@wait_option
def command_demo(extra: int, wait: bool) -> None:
    """Make the demo workspace: a company's last four months, about 2,000 events, and three sign-ins.

    Where it exists already, only the synthetic events are added.
    """
    added = make_demo(extra)
    if added.story is None:
        click.echo(f"The workspace {SLUG} exists already." + ("" if extra else " Nothing was added."))
    else:
        click.echo(f"Made the workspace {SLUG}: {added.story:,} events of the last four months.")
        click.echo(f"Sign-ins, all with the password {PASSWORD}:")
        for email, role in SIGN_INS:
            click.echo(f"  {email:24} {role}")
    if added.synthetic:
        click.echo(f"Added {added.synthetic:,} synthetic events.")
    if added.story is not None or added.synthetic:
        workspace_id = db.session.scalars(select(Workspace.id).where(Workspace.slug == SLUG)).one()
        let_the_index_follow(workspace_id, wait=wait)


def make_demo(extra: int) -> Added:
    """Make the demo workspace where there is none, then add ``extra`` synthetic events. Commits.

    The story is one transaction. The synthetic events are committed by the ten thousand: so many
    in one transaction would keep every other writer waiting.

    :raise MemberError: if ``demo`` is somebody's own workspace, or has somebody's own accounts.
    """
    now = datetime.now(UTC)
    workspace = db.session.scalars(select(Workspace).where(Workspace.slug == SLUG)).first()
    story = None
    if workspace is None:
        workspace, story = _tell_story(now)
    elif extra and not _is_demo(workspace):
        raise MemberError(f"the workspace {SLUG} was not made by this command; no events are added to it")
    if extra:
        _add_synthetic(workspace, extra, now)
    return Added(story, extra)


def _tell_story(now: datetime) -> tuple[Workspace, int]:
    workspace = add_company(hash_password(PASSWORD), now - timedelta(days=STORY_DAYS))
    story = tell(now, str(workspace.uid))
    record_story(workspace, story)
    know_what_is_there(len(story))
    db.session.commit()
    return workspace, len(story)


def _is_demo(workspace: Workspace) -> bool:
    query = select(Account.id).join(Member, Member.account_id == Account.id)
    ours = query.where(Member.workspace_id == workspace.id, Account.is_demo)
    return db.session.scalars(ours.limit(1)).first() is not None


def _add_synthetic(workspace: Workspace, count: int, now: datetime) -> None:
    added = 0
    with _progress() as progress, garbage_collected_seldom():
        bar = progress.add_task("Synthetic events", total=count)
        for batch in _batches(synthetic_events(count, now)):
            record_batch(workspace, batch)
            added += len(batch)
            if added % COMMIT_EVERY == 0:
                db.session.commit()
            progress.update(bar, completed=added)
        know_what_is_there(count)
        db.session.commit()


def _batches(events: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(events, MAX_BATCH)):
        yield batch


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
