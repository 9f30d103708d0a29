"""One-time links as commands print them."""

import click

from auditapp.access.members import invite
from auditapp.extensions import db
from auditapp.models import Member
from auditapp.operating.served_at import absolute_outside_a_request


def commit_and_print_link(member: Member) -> None:
    """Commit with a new one-time link, and print it, alone on stdout: none that the database has not got."""
    link, email = absolute_outside_a_request(f"/join/{invite(member)}"), member.account.email
    db.session.commit()
    click.echo(link)
    click.echo(f"A one-time link for {email}, valid for seven days.", err=True)
