"""Sends all that is logged, by us or by what we stand on, to stderr in lines of ours."""

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, TextIO

from auditapp.server_log.errors import describe, where
from auditapp.server_log.lines import FORMS

# For granian, whose loggers would otherwise write lines of their own form.
GRANIAN: dict[str, Any] = {
    "loggers": {
        "_granian": {"handlers": [], "propagate": True},
        "granian.access": {"handlers": [], "propagate": True},
    }
}

_log = logging.getLogger("auditapp")


def configure(form: str) -> None:
    """Set up this process's log; a second time replaces the first.

    :param form: ``text`` or ``json``.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(FORMS[form]())
    root = logging.getLogger()
    for before in [existing for existing in root.handlers if getattr(existing, "is_auditapps", False)]:
        root.removeHandler(before)
    handler.is_auditapps = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    logging.raiseExceptions = False  # it would write a broken record, with its arguments, to stderr
    root.setLevel(logging.WARNING)
    _log.setLevel(logging.INFO)
    # Werkzeug's server, of ``flask run``, has a line a request, with paths and queries in it.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    warnings.showwarning = _log_warning
    sys.excepthook = _log_crash
    threading.excepthook = _log_crashed_thread


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Say where a warning comes from; its text may quote a value."""
    _log.warning("warning", extra={"fields": {"warning": category.__name__, "at": f"{filename}:{lineno}"}})


def _log_crash(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, _trace)
    else:
        sys.stderr.write(f"auditapp: {describe(error)} at {where(error)}\n")


def _log_crashed_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _log.error("a thread ended", exc_info=args.exc_value)
