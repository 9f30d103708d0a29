"""One-time links as commands print them."""

import click

from auditapp.access.links import absolute_outside_a_request
from auditapp.access.members import invite
from auditapp.models import Member


def print_link(member: Member) -> None:
    """Print a new one-time link, alone on stdout; the caller commits."""
    click.echo(absolute_outside_a_request(f"/join/{invite(member)}"))
    click.echo(f"A one-time link for {member.account.email}, valid for seven days.", err=True)
