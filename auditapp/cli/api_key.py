"""``flask api-key``: keys for other programs."""

from datetime import UTC, datetime, timedelta

import click

from auditapp.access import api_keys, members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.cli.base import Group, OneLineError, workspace_option
from auditapp.extensions import db

group = Group("api-key", help="Make, list and revoke API keys.")


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
@click.option(
    "--days", type=click.IntRange(1, 3650), help="How long it lasts; without it, until it is revoked."
)
def create(slug: str, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Make an API key and print it, once, alone on stdout."""
    workspace = members.find_workspace(slug)
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    key = api_keys.create_key(workspace, members.clean_name(name), set(scopes), COMMAND_LINE, expires_at)
    db.session.commit()
    click.echo(key)


@group.command("list")
@workspace_option
def list_(slug: str) -> None:
    """List the keys: beginning, name, scopes, and whether it can be used."""
    for key in api_keys.keys_of(members.find_workspace(slug)):
        state = "revoked" if key.revoked_at else "valid" if api_keys.is_valid(key) else "ended"
        click.echo(f"{key.hint}  {state:8} {key.scopes:25} {plain(key.name)}")


@group.command("revoke")
@click.argument("beginning")
@workspace_option
def revoke(beginning: str, slug: str) -> None:
    """Revoke a key, named by the key itself or by as much of its BEGINNING as `list` shows."""
    workspace = members.find_workspace(slug)
    keys = [
        key
        for key in api_keys.keys_of(workspace)
        if not key.revoked_at and key.hint == beginning[: len(key.hint)]
    ]
    if len(keys) != 1:
        raise OneLineError(f"{len(keys) or 'no'} keys that are not revoked begin like that")
    api_keys.revoke_key(keys[0], COMMAND_LINE)
    db.session.commit()
    click.echo(f"Revoked: {plain(keys[0].name)}")


def plain(text: str) -> str:
    """Return a name fit for a terminal: what could move the cursor is left out."""
    return "".join(char if char.isprintable() else "?" for char in text)
