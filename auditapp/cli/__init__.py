"""Commands (``flask …``), a file a group."""

from flask import Flask

from auditapp.cli import api_key, backup, demo, doctor, events, index, source, user, workspace


def init_app(app: Flask) -> None:
    """Register the commands."""
    for command in (
        workspace.group,
        user.group,
        api_key.group,
        source.group,
        events.group,
        index.group,
        demo.command_demo,
        backup.command_backup,
        backup.command_restore,
        doctor.command_doctor,
    ):
        app.cli.add_command(command)
