"""``flask events``: events out of files, and into them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import click
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.viewer import whole_log_viewer
from auditapp.cli.base import Group, OneLineError, workspace_option
from auditapp.cli.following import let_the_index_follow, wait_option
from auditapp.cli.garbage_collection import garbage_collected_seldom
from auditapp.cli.progress import progress_bar
from auditapp.cli.whole_file import whole_file
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.inbound.customermates.audit_log import Customermates, read_people
from auditapp.inbound.files.json_stream import FileError
from auditapp.inbound.files.jsonl import Jsonl
from auditapp.inbound.importing import Imported, Reader, import_file
from auditapp.inbound.retraced.file import Retraced
from auditapp.models import Workspace
from auditapp.outbound.export import export_events
from auditapp.outbound.files import FORMATS as FORMS_OUT

group = Group("events", help="Bring events in, and out.")

READERS: dict[str, type[Jsonl] | type[Retraced]] = {"jsonl": Jsonl, "retraced": Retraced}
FORMATS = ("customermates", *READERS)


@group.command("import")
@click.argument("file")
@workspace_option
@click.option("--format", "form", required=True, type=click.Choice(FORMATS), help="What the file holds.")
@click.option(
    "--people",
    metavar="FILE",
    help="With customermates: a JSON array of {id, email, firstName, lastName}, to name who acted.",
)
@click.option(
    "--skip-bad", is_flag=True, help="Leave out what is wrong, list it on stderr, and record the rest."
)
@click.option(
    "--restore",
    is_flag=True,
    help="With jsonl: the file is an export of Auditapp; its own events come back too.",
)
@wait_option
def import_(
    file: str, slug: str, form: str, people: str | None, skip_bad: bool, restore: bool, wait: bool
) -> None:
    """Record the events of FILE, all of them or, if one is wrong, none; FILE may be gzip, or - for
    standard input.

    What was recorded before is not recorded again, so a file may be imported any number of times: also
    to go on after an import that was stopped.

    customermates: its audit log, one JSON array (or an object a line) of {id, event, entityId, userId,
    companyId, createdAt, eventData}, oldest first.

    jsonl: one event a line, as the API takes them; occurred_at is required. A line without an
    idempotency_key is known by its content, and by its number among the equal lines of the file.
    With --restore a line of an export (id, recorded_at) comes back under its id, with its times, Auditapp's
    own events too; without, such lines are wrong, and so is whatever uses a name of Auditapp's own.

    retraced: Retraced's events, an array, an object or a bulk request a line; created is required.
    """
    if people is not None and form != "customermates":
        raise click.UsageError("--people goes with --format customermates.")
    if restore and form != "jsonl":
        raise click.UsageError("--restore goes with --format jsonl.")
    workspace = members.find_workspace(slug)
    reader: Reader = Customermates(_people(people)) if form == "customermates" else READERS[form]()
    imported = _import(workspace, reader, file, _list_bad if skip_bad else None, form=form, restore=restore)
    click.echo(_sentence(imported))
    if imported.recorded:
        let_the_index_follow(workspace.id, wait=wait)


def _list_bad(error: FileError) -> None:
    click.echo(" ".join(str(error).split()), err=True)


def _people(name: str | None) -> dict[str, dict[str, Any]]:
    if name is None:
        return {}
    try:
        return read_people(Path(name).read_bytes())
    except (FileError, OSError) as error:
        raise _one_line(name, error) from None


def _import(
    workspace: Workspace,
    reader: Reader,
    name: str,
    on_bad: Callable[[FileError], None] | None,
    *,
    form: str,
    restore: bool,
) -> Imported:
    about = {"file": "standard input" if name == "-" else Path(name).name, "format": form}
    try:
        with _twice_readable(name) as file, _progress() as progress, garbage_collected_seldom():
            return import_file(workspace, reader, file, progress, on_bad, restore=restore, about=about)
    except (FileError, OSError) as error:
        db.session.rollback()
        raise _one_line(name, error) from None


@group.command("export")
@workspace_option
@click.option("--query", default="", help="Filters as the timeline's URL has them: entity=deal&since=7d")
@click.option(
    "--format",
    "form",
    default="jsonl",
    type=click.Choice(FORMS_OUT),
    help="jsonl, as `events import` takes it back, or csv.",
)
@click.option("--output", metavar="FILE", help="A file, whole or not written at all; else standard output.")
def export(slug: str, query: str, form: str, output: str | None) -> None:
    """Write events, oldest first and whole. That they were exported is recorded too."""
    workspace = members.find_workspace(slug)
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, strict_parsing=bool(query))
        zone, now = ZoneInfo(workspace.timezone), datetime.now(UTC)
        filters = TimelineFilters.from_args(
            pairs, zone=zone, now=now, knows_me=False, places=places_of(workspace)
        )
    except ValueError as error:
        raise OneLineError(f"--query: {error}", 2) from None
    pieces = export_events(filters, whole_log_viewer(workspace), form, actor=COMMAND_LINE)
    try:
        with whole_file(output) as file, closing(pieces), _counted(pieces) as counted:
            for piece in counted:
                file.write(piece)
                file.flush()  # so that the export is not recorded as whole before it was written
    except OSError as error:
        raise OneLineError(f"{output or 'standard output'}: {error.strerror}") from None


@contextmanager
def _counted(pieces: Iterable[tuple[int, bytes]]) -> Iterator[Iterator[bytes]]:
    """Show how many events have been written so far, where somebody is looking; there is no total."""
    columns = SpinnerColumn(), TextColumn("{task.completed:,.0f} events"), TimeElapsedColumn()
    with progress_bar(*columns) as bar:
        task = bar.add_task("export", total=None)

        def counting() -> Iterator[bytes]:
            for events, piece in pieces:
                yield piece
                bar.advance(task, events)

        yield counting()


@contextmanager
def _twice_readable(name: str) -> Iterator[BinaryIO]:
    """Open a file; standard input and pipes, which can be read once only, as a temporary copy."""
    if name != "-" and Path(name).is_file():
        with Path(name).open("rb") as file:
            yield file
        return
    with click.open_file(name, "rb") as source, tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(source, copy)
        yield cast(BinaryIO, copy)


@contextmanager
def _progress() -> Iterator[Callable[[str, BinaryIO], BinaryIO]]:
    """Show how far each pass has read its file, where somebody is looking."""
    with progress_bar() as bar:

        def wrap(what: str, file: BinaryIO) -> BinaryIO:
            if bar.disable:
                return file
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            return bar.wrap_file(file, total=size, description=what)

        yield wrap


def _one_line(name: str, error: FileError | OSError) -> OneLineError:
    what = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    place = "standard input" if name == "-" else name
    return OneLineError(f"{place}: {what}. Nothing was recorded.")


def _sentence(imported: Imported) -> str:
    recorded = f"{imported.recorded:,} event{'' if imported.recorded == 1 else 's'} recorded"
    known = f"{imported.known:,} {'was' if imported.known == 1 else 'were'} there already"
    return f"{recorded}, {known}" + (f", {imported.bad:,} left out." if imported.bad else ".")
