"""Commands (``flask …``), a file a group."""

from importlib.util import find_spec

from flask import Flask

from auditapp.cli import api_key, backup, doctor, events, index, source, user, workspace


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
    ):
        app.cli.add_command(command)
    if find_spec("demo"):  # which is beside the program, and in no package of it
        from auditapp.cli.demo import command_demo

        app.cli.add_command(command_demo)
