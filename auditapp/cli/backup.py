"""``flask backup`` and ``flask restore``: the whole database into a file, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from auditapp.cli.base import OneLineError, command
from auditapp.cli.garbage_collection import garbage_collected_seldom
from auditapp.cli.progress import progress_bar
from auditapp.cli.whole_file import whole_copy
from auditapp.extensions import db
from auditapp.followers.rebuild import rebuild
from auditapp.index.state import stale_workspaces
from auditapp.operating import backup

NO_KEYS = "No keys are in it: keep instance/secret_key, AUDITAPP_LOG_KEY_FILE and the settings elsewhere."


@command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def command_backup(file: Path) -> None:
    """Write the whole database into FILE, which is not there yet, while others go on recording."""
    if file.exists():
        raise OneLineError(f"{file} is there already: choose another name")
    try:
        with whole_copy(file) as draft, _progress("Backing up") as tell, garbage_collected_seldom():
            events = backup.back_up(draft, tell)
    except backup.BackupError as error:
        raise OneLineError(str(error)) from None
    except OSError as error:
        raise OneLineError(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"Backed up {_events(events)} to {file}.")
    click.echo(NO_KEYS, err=True)


@command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def command_restore(file: Path) -> None:
    """Bring a backup into the database, which is empty: of the same kind as it was made of, or the other."""
    try:
        with _progress("Restoring") as tell, garbage_collected_seldom():
            events = backup.restore(file, tell)
    except backup.BackupError as error:
        raise OneLineError(str(error)) from None
    click.echo(f"Restored {_events(events)}.")
    db.session.rollback()
    if stale := stale_workspaces():
        click.echo("Making the search index anew; the server may be started meanwhile.", err=True)
        with _progress("Indexing") as tell, garbage_collected_seldom():
            rebuild(stale, lambda _workspace, state: tell(state.percent, 100))
    click.echo("No keys are in a backup: put instance/secret_key back, or everybody signs in anew.", err=True)


def _events(number: int) -> str:
    return f"{number:,} event{'' if number == 1 else 's'}"


@contextmanager
def _progress(what: str) -> Iterator[backup.Progress]:
    with progress_bar() as bar:
        task = bar.add_task(what, total=None)
        yield lambda completed, total: bar.update(task, completed=completed, total=total)
