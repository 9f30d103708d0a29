"""The server's log of a test, as its operator would read it."""

import functools
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from auditapp.server_log.lines import FORMS


class Lines:
    """What was logged, in both forms."""

    def __init__(self) -> None:
        self.streams = {form: io.StringIO() for form in FORMS}
        self.handlers = [logging.StreamHandler(stream) for stream in self.streams.values()]
        for handler, formatter in zip(self.handlers, FORMS.values(), strict=True):
            handler.setFormatter(formatter())

    @property
    def text(self) -> str:
        """Return all that stands in it, in either form."""
        return "".join(stream.getvalue() for stream in self.streams.values())

    def of(self, message: str) -> list[dict[str, Any]]:
        """Return the lines that say so, as their fields."""
        lines = [json.loads(line) for line in self.streams["json"].getvalue().splitlines()]
        return [line for line in lines if line["message"] == message]

    def forget(self) -> None:
        """Begin anew."""
        for stream in self.streams.values():
            stream.seek(0)
            stream.truncate()


@pytest.fixture
def server_log(app: Any) -> Iterator[Lines]:
    """Return the log from here on."""
    lines, root, ours = Lines(), logging.getLogger(), logging.getLogger("auditapp")
    for handler in lines.handlers:
        root.addHandler(handler)
    ours.setLevel(logging.INFO)
    yield lines
    ours.setLevel(logging.NOTSET)
    for handler in lines.handlers:
        root.removeHandler(handler)


@pytest.fixture
def client(client: Any) -> Any:
    """Return a client that reads an answer to its end at once, as a server does: then comes its line."""
    client.open = functools.partial(client.open, buffered=True)
    return client
