"""``flask source``: where other products send their webhooks."""

import click

from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.cli.base import Group, OneLineError, workspace_option
from auditapp.extensions import db
from auditapp.inbound import source as sources
from auditapp.inbound.forms import FORMS

group = Group("source", help="Make sources for other products' webhooks.")


@group.command("create")
@workspace_option
@click.option("--kind", required=True, type=click.Choice(sorted(FORMS)), help="In whose form it sends.")
@click.option("--name", required=True, help="What people read.")
@click.option(
    "--secret",
    required=True,
    help="What the sender signs with or sends along.",
)
def create(slug: str, kind: str, name: str, secret: str) -> None:
    """Make a source and print its path, /in/<id>, alone on stdout."""
    workspace = members.find_workspace(slug)
    try:
        source = sources.create_source(workspace, kind, name, secret, COMMAND_LINE)
    except sources.SourceError as error:
        raise OneLineError(str(error)) from None
    db.session.commit()
    click.echo(f"/in/{source.path}")
    click.echo(FORMS[kind].how, err=True)
