"""``flask api-key``: keys for other programs."""

import click

from auditapp.access import api_keys, members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.cli.base import Group, workspace_option
from auditapp.extensions import db

group = Group("api-key", help="Make API keys.")


@group.command("create")
@workspace_option
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(api_keys.SCOPES),
    help="May be repeated.",
)
def create(slug: str, name: str, scopes: tuple[str, ...]) -> None:
    """Make an API key and print it, once, alone on stdout."""
    workspace = members.find_workspace(slug)
    key = api_keys.create_key(workspace, members.clean_name(name), set(scopes), COMMAND_LINE)
    db.session.commit()
    click.echo(key)
