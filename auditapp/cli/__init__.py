"""Commands (``flask …``), a file a group."""

from flask import Flask
from flask_migrate.cli import db as migrations

from auditapp.cli import (
    api_key,
    backup,
    doctor,
    events,
    index,
    sharding,
    source,
    user,
    worker,
    workspace,
)
from auditapp.config import ROOT


def init_app(app: Flask) -> None:
    """Register the commands."""
    for command in (
        workspace.group,
        user.group,
        api_key.group,
        source.group,
        events.group,
        index.group,
        backup.command_backup,
        backup.command_restore,
        doctor.command_doctor,
        worker.command_worker,
    ):
        app.cli.add_command(command)
    migrations.add_command(sharding.command_distribute)
    if (ROOT / "demo").is_dir():  # beside the program, and in no package of it
        from auditapp.cli.demo import command_demo

        app.cli.add_command(command_demo)
