"""``flask index``: what is derived from the log."""

import click
from rich.progress import TaskID
from sqlalchemy import select

from auditapp.access import members
from auditapp.cli.base import Group
from auditapp.cli.garbage_collection import garbage_collected_seldom
from auditapp.cli.progress import progress_bar
from auditapp.extensions import db
from auditapp.followers.rebuild import rebuild
from auditapp.index.state import IndexState, stale_workspaces
from auditapp.models import Workspace

group = Group("index", help="The index of words, and the counts, that are derived from the log.")


@group.command("rebuild")
@click.option("--workspace", "slug", help="Slug of the workspace; without it, all.")
@click.option("--stale", "only_stale", is_flag=True, help="Only what is stale, or was not finished.")
def rebuild_(slug: str | None, only_stale: bool) -> None:
    """Make anew what is derived from the log: the index of words and the counts.

    Events may be recorded meanwhile. Where it was stopped before, it goes on there. On SQLite one index
    serves all workspaces, so that all are made anew together.
    """
    chosen = [members.find_workspace(slug)] if slug else db.session.scalars(select(Workspace)).all()
    names = {workspace.id: workspace.slug for workspace in chosen}
    if only_stale:
        names = {number: names[number] for number in stale_workspaces() if number in names}
    with progress_bar() as bar, garbage_collected_seldom():
        tasks: dict[int, TaskID] = {}

        def tell(workspace_id: int, state: IndexState) -> None:
            if workspace_id not in tasks:
                tasks[workspace_id] = bar.add_task(names.get(workspace_id, "another workspace"), total=100)
            bar.update(tasks[workspace_id], completed=state.percent)

        rebuilt = rebuild(list(names), tell)
    click.echo(
        f"Made anew: the index and the counts of {len(rebuilt)} workspace{'' if len(rebuilt) == 1 else 's'}."
    )
