"""What commands that record do about the index, which follows the log."""

from typing import Any

import click
from sqlalchemy import select

from auditapp.cli.progress import progress_bar
from auditapp.extensions import db
from auditapp.followers import catch_up, worker_runs
from auditapp.index.state import index_state_of
from auditapp.models import Workspace

wait_option = click.option(
    "--wait", is_flag=True, help="Return only when all that was recorded can be searched and is counted."
)


def let_the_index_follow(workspace_id: int, *, wait: bool) -> None:
    """Leave the index to the worker, and say so where none runs; or do the worker's part at once.

    :param wait: do it.
    """
    db.session.commit()
    if not wait:
        if not worker_runs(db.engine):
            click.echo(
                "The search index follows as soon as a server or flask --app app worker runs;"
                " --wait makes it follow at once."
            )
        return
    name = db.session.scalar(select(Workspace.slug).where(Workspace.id == workspace_id))
    behind = index_state_of(workspace_id).behind
    db.session.rollback()
    with progress_bar() as bar:
        # Each event gets a place, and is then indexed.
        task = bar.add_task(f"Indexing {name}", total=2 * behind)

        def tell(_workspace: Any, done: int) -> None:
            bar.advance(task, done)

        catch_up(db.engine, [workspace_id], tell=tell)
