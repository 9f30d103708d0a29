"""One-time links as commands print them."""

import os

import click

from auditapp.access.members import invite
from auditapp.models import Member


def print_link(member: Member) -> None:
    """Print a new one-time link, alone on stdout; the caller commits.

    ``HOST`` and ``PORT`` are those of ``make run``; behind a proxy only the path matters.
    """
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "5000")
    click.echo(f"http://{host}:{port}/join/{invite(member)}")
    click.echo(f"A one-time link for {member.account.email}, valid for seven days.", err=True)
