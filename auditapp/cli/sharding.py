"""``flask db distribute``: spread the database over the nodes of Citus; and what doctor says of it."""

from collections.abc import Iterator

import click
from sqlalchemy import Connection

from auditapp.cli.base import OneLineError, command
from auditapp.extensions import db
from auditapp.operating.sharding import (
    KEY,
    ShardingError,
    citus_version,
    distribute,
    missing_settings,
    placed,
    setting_statement,
    unplaced,
)


@command("distribute")
def command_distribute() -> None:
    """Spread the tables over the nodes of Citus by workspace.

    The database may be new or filled, and is of this version (flask db upgrade). What has no workspace, and
    what is looked up before the workspace is known, is whole on each node. Stop the server meanwhile, and
    whoever else records. Running it again places what is new, or was not finished.
    """
    done = 0

    def tell(line: str) -> None:
        nonlocal done
        done += 1
        click.echo(line)

    try:
        distribute(db.engine, tell)
    except ShardingError as error:
        raise OneLineError(str(error)) from None
    click.echo("Start the server anew." if done else "Nothing to do: all tables are where they belong.")


def sharding_findings(connection: Connection) -> Iterator[tuple[bool, str]]:
    """Yield whether it is fine, and a line, where tables are spread; needs a database of this version."""
    version = citus_version(connection)
    if version is None:
        return
    there = placed(connection)
    if not there.spread and not there.whole:
        yield True, f"Citus {version}, and no table is spread (flask --app app db distribute does that)"
        return
    try:
        missing = unplaced(connection)
    except ShardingError as error:
        yield False, str(error)
        return
    if names := [*missing.whole, *missing.spread]:
        yield (
            False,
            f"others are, but {', '.join(names)} {'is' if len(names) == 1 else 'are'} not distributed:"
            " run flask --app app db distribute",
        )
    else:
        yield (
            True,
            f"Citus {version}: {len(there.spread)} tables are spread by {KEY}, {len(there.whole)} whole on"
            " each node",
        )
    for name, value in missing_settings(connection).items():
        yield False, f"{name} is not {value}: run {setting_statement(connection, name, value)}"
