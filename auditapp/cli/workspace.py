"""``flask workspace``: make a workspace."""

import click
from flask import current_app

from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.roles import owning_roles
from auditapp.cli.base import Group
from auditapp.cli.links import commit_and_print_link
from auditapp.config import is_timezone

group = Group("workspace", help="Make workspaces.")


@group.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="What people read.")
@click.option("--owner", required=True, metavar="EMAIL", help="Who owns it.")
@click.option("--timezone", default=None, help="Zone of dates in filters; default AUDITAPP_DEFAULT_TIMEZONE.")
def create(slug: str, name: str, owner: str, timezone: str | None) -> None:
    """Make a workspace and print a one-time link with which its owner sets a password."""
    zone = timezone or current_app.config["DEFAULT_TIMEZONE"]
    if not is_timezone(zone):
        raise click.BadParameter(f"no such time zone: {zone!r}")
    workspace = members.create_workspace(slug, name, zone, COMMAND_LINE)
    role = owning_roles(workspace)[0]
    member = members.add_member(workspace, owner, owner.partition("@")[0], role, COMMAND_LINE)
    commit_and_print_link(member)
