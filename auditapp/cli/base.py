"""What all commands share: errors in one line on stderr, and an exit code that can be trusted."""

from typing import Any

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import DBAPIError

from auditapp.access.members import MemberError
from auditapp.access.own_events import NotNoted
from auditapp.access.roles import RoleError
from auditapp.index.state import IndexStaleError
from auditapp.log import EventError
from auditapp.server_log.errors import describe, where


class OneLineError(click.ClickException):
    """An error in one line, with click's exit code for it."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance as well


class Command(click.Command):
    """A command whose errors are one line."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments; a wrong one is said in one line."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            if isinstance(error, click.exceptions.NoArgsIsHelpError):
                raise
            raise OneLineError(f"{error.format_message()} See {_path(error)} --help.", 2) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a user can mend is said in one line, the rest too, with its place."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise OneLineError(error.format_message(), 2) from None
        except NotNoted as error:
            raise OneLineError(f"nothing was done: {error} (see: flask --app app doctor)") from error
        except (MemberError, RoleError, EventError, IndexStaleError) as error:
            raise OneLineError(str(error)) from None
        except DBAPIError as error:
            raise OneLineError(
                f"the database refused: {describe(error)} (see: flask --app app doctor)"
            ) from None
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            raise OneLineError(f"a fault of this program: {describe(error)} at {where(error)}") from error


class Group(AppGroup):
    """A group of such commands."""

    def command(self, *args: Any, **kwargs: Any) -> Any:
        """Register a command of the class above, inside an application context."""
        kwargs.setdefault("cls", Command)
        return super().command(*args, **kwargs)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command; a wrong name is said in one line."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise OneLineError(f"{error.format_message()} See {ctx.command_path} --help.", 2) from None


def command(name: str, **kwargs: Any) -> Any:
    """Decorate a function as a command of its own, outside a group."""

    def decorate(function: Any) -> click.Command:
        return click.command(name, cls=Command, **kwargs)(with_appcontext(function))

    return decorate


workspace_option: Any = click.option("--workspace", "slug", required=True, help="Slug of the workspace.")


def _path(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx else "flask"
