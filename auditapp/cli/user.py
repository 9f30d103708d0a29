"""``flask user``: let people in."""

import sys

import click

from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.passwords import PasswordError, hash_password
from auditapp.access.roles import find_role
from auditapp.cli.base import Group, OneLineError, workspace_option
from auditapp.cli.links import commit_and_print_link
from auditapp.extensions import db

group = Group("user", help="Let people into workspaces.")


@group.command("create")
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@workspace_option
@click.option("--role", required=True, help="Owner, Auditor, Member, or another role of the workspace.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, name: str, slug: str, role: str, password_stdin: bool) -> None:
    """Make somebody a member of a workspace; without --password-stdin, print a one-time link."""
    workspace = members.find_workspace(slug)
    member = members.add_member(workspace, email, name, find_role(workspace, role), COMMAND_LINE)
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if member.account.password_hash is not None:
            raise OneLineError(f"{member.account.email} has a password already; leave out --password-stdin")
        try:
            member.account.password_hash = hash_password(password)
        except PasswordError as error:
            raise OneLineError(str(error)) from None
        members.join(member)
        db.session.commit()
    else:
        commit_and_print_link(member)
