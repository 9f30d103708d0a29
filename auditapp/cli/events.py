"""``flask events``: events out of files."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import click
from rich.console import Console
from rich.progress import Progress

from auditapp.access import members
from auditapp.cli.base import Group, OneLineError, workspace_option
from auditapp.extensions import db
from auditapp.models import Workspace
from auditapp.sources.customermates import Customermates, read_people
from auditapp.sources.importing import Imported, Reader, import_file
from auditapp.sources.json_stream import FileError
from auditapp.sources.jsonl import Jsonl

group = Group("events", help="Bring events in.")

FORMATS = ("customermates", "jsonl")


@group.command("import")
@click.argument("file")
@workspace_option
@click.option("--format", "form", required=True, type=click.Choice(FORMATS), help="What the file holds.")
@click.option(
    "--people",
    metavar="FILE",
    help="With customermates: a JSON array of {id, email, firstName, lastName}, to name who acted.",
)
def import_(file: str, slug: str, form: str, people: str | None) -> None:
    """Record the events of FILE, all of them or, if one is wrong, none; FILE may be - for standard input.

    What was recorded before is not recorded again, so a file may be imported any number of times.

    customermates: its audit log, one JSON array (or an object a line) of {id, event, entityId, userId,
    companyId, createdAt, eventData}, oldest first.

    jsonl: one event a line, as the API takes them; occurred_at is required. A line without an
    idempotency_key is known by its content, and by its number among the equal lines of the file.
    """
    if people is not None and form != "customermates":
        raise click.UsageError("--people goes with --format customermates.")
    workspace = members.find_workspace(slug)
    reader: Reader = Jsonl() if form == "jsonl" else Customermates(_people(people))
    imported = _import(workspace, reader, file)
    db.session.commit()
    click.echo(_sentence(imported))


def _people(name: str | None) -> dict[str, dict[str, Any]]:
    if name is None:
        return {}
    try:
        return read_people(Path(name).read_bytes())
    except (FileError, OSError) as error:
        raise _one_line(name, error) from None


def _import(workspace: Workspace, reader: Reader, name: str) -> Imported:
    try:
        with _twice_readable(name) as file, _progress_of(file) as progress:
            return import_file(workspace, reader, file, progress)
    except (FileError, OSError) as error:
        db.session.rollback()
        raise _one_line(name, error) from None


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
def _progress_of(file: BinaryIO) -> Iterator[Callable[[str, BinaryIO], BinaryIO]]:
    """Show how far each pass has read the file, where somebody is looking."""
    size = file.seek(0, os.SEEK_END)
    console = Console(stderr=True)
    with Progress(console=console, disable=not sys.stderr.isatty(), transient=True) as bar:
        yield lambda what, file: bar.wrap_file(file, total=size, description=what)


def _one_line(name: str, error: FileError | OSError) -> OneLineError:
    what = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    place = "standard input" if name == "-" else name
    return OneLineError(f"{place}: {what}. Nothing was recorded.")


def _sentence(imported: Imported) -> str:
    recorded = f"{imported.recorded:,} event{'' if imported.recorded == 1 else 's'} recorded"
    return f"{recorded}, {imported.known:,} {'was' if imported.known == 1 else 'were'} there already."
