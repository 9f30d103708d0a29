"""The application for an asynchronous server: both sides of requests and answers, and slow clients."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from auditapp import asgi
from auditapp.asgi import AsgiApp

SCOPE = {
    "type": "http",
    "method": "POST",
    "http_version": "1.1",
    "scheme": "http",
    "path": "/w/a/é",
    "raw_path": b"/w/a/%C3%A9%2Fb",
    "query_string": b"q=%C3%A9",
    "headers": [
        (b"host", b"localhost:5000"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"x-it", b"1"),
        (b"x-it", b"2"),
    ],
    "client": ("127.0.0.1", 50_000),
    "server": ("127.0.0.1", 5000),
}


class Client:
    """A client that sends a request in pieces, and keeps what comes back."""

    def __init__(self, *pieces: bytes, gone: bool = False) -> None:
        self.pieces = list(pieces)
        self.gone = gone
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.pieces:
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces) or self.gone}
        if self.gone:
            return {"type": "http.disconnect"}
        await asyncio.sleep(3600)
        raise AssertionError("asked for more than there is")

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_whole(self) -> bool:
        return not self.sent[-1].get("more_body", False)


def run(answering: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: a browser, once started, keeps a loop running in the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, answering).result()


def ask(app: Any, client: Client, **scope: Any) -> Client:
    run(AsgiApp(app, threads=1)({**SCOPE, **scope}, client.receive, client.send))
    return client


def answering(
    body: Iterable[bytes], *headers: tuple[str, str], seen: list[Any] | None = None
) -> Callable[..., Any]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if seen is not None:
            seen.extend([environ, environ["wsgi.input"].read()])
        start_response("200 OK", list(headers))
        return body

    return app


def test_a_request_reaches_the_application_as_wsgi_has_it():
    seen: list[Any] = []

    client = ask(
        answering([b"yes"], ("Content-Length", "3"), ("X-Two", "a"), ("X-Two", "b"), seen=seen),
        Client(b"ab", b"c"),
    )

    environ, body = seen
    assert body == b"abc" and environ["CONTENT_LENGTH"] == "3"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/w/a/é/b"
    assert (environ["QUERY_STRING"], environ["HTTP_COOKIE"], environ["HTTP_X_IT"]) == (
        "q=%C3%A9",
        "a=1; b=2",
        "1,2",
    )
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"], environ["wsgi.url_scheme"]) == (
        "127.0.0.1",
        "5000",
        "http",
    )
    assert (client.status, client.body, client.is_whole) == (200, b"yes", True)
    assert client.sent[0]["headers"] == [(b"content-length", b"3"), (b"x-two", b"a"), (b"x-two", b"b")]


def test_the_application_is_asked_only_once_the_request_is_whole():
    seen: list[Any] = []

    client = ask(answering([b"yes"], seen=seen), Client(b"half", gone=True))

    assert client.sent == [] and seen == []


def test_a_sender_who_stops_is_told_so_and_reaches_nobody(monkeypatch):
    monkeypatch.setattr(asgi, "PIECE_SECONDS", 0.05)
    seen: list[Any] = []
    client = Client(b"half", b"")
    client.gone = True
    client.receive = stalled(client.receive, after=1)

    ask(answering([b"yes"], seen=seen), client)

    assert client.status == 408 and client.is_whole and seen == []


def test_a_sender_of_a_byte_now_and_then_has_a_last_moment_too(monkeypatch):
    monkeypatch.setattr(asgi, "REQUEST_SECONDS", 0.1)
    client = Client(*[b"a"] * 1000)
    client.receive = slow(client.receive)

    ask(answering([b"yes"]), client)

    assert client.status == 408


def test_a_body_that_is_too_large_is_cut_where_the_application_sees_it(monkeypatch):
    monkeypatch.setattr(asgi, "MAX_BODY_BYTES", 5)
    seen: list[Any] = []

    ask(answering([b"no"], seen=seen), Client(b"abc", b"def", b"ghi"))

    assert seen[1] == b"abcde"


def test_an_answer_in_pieces_is_made_as_it_is_read_and_closed():
    made: list[str] = []

    client = ask(answering(Pieces(made, 3)), Client(b""))

    assert (client.body, client.is_whole) == (b"012", True)
    assert made == ["0", "1", "2", "closed"]


def test_an_answer_ends_with_the_client_that_goes_away():
    made: list[str] = []
    client = Client(b"")
    client.receive = going_away(client)

    ask(answering(Pieces(made, 1_000_000)), client)

    assert not client.is_whole and made[-1] == "closed" and len(made) < 1_000_000


def test_a_reader_who_takes_nothing_is_cut_off_and_the_answer_closed(monkeypatch):
    monkeypatch.setattr(asgi, "READER_SECONDS", 0.05)
    made: list[str] = []
    client = Client(b"")
    client.send = stalled(client.send, after=2)

    with pytest.raises(TimeoutError):
        ask(answering(Pieces(made, 1000)), client)

    assert made == ["0", "1", "closed"]
    assert not client.is_whole


@pytest.mark.parametrize("fails_at", [0, 1])
def test_an_answer_that_fails_does_not_end_like_a_whole_one(fails_at):
    made: list[str] = []

    with pytest.raises(ZeroDivisionError):
        ask(answering(Pieces(made, 3, fails_at=fails_at)), client := Client(b""))

    assert not client.sent or not client.is_whole
    assert "closed" in made or fails_at == 0


def test_exports_that_wait_for_readers_leave_health_and_pages_alone():
    async def main() -> list[int]:
        app = AsgiApp(answering(Pieces([], 10)), threads=1)
        readers = []
        for _ in range(20):
            client = Client(b"")
            client.send = stalled(client.send, after=2)
            scope = {**SCOPE, "raw_path": b"/w/a/timeline.csv"}
            readers.append(asyncio.create_task(app(scope, client.receive, client.send)))
        await asyncio.sleep(0.3)
        answered = []
        for path in (b"/healthz", b"/w/a/timeline"):
            client = Client(b"")
            app._wsgi = answering([b"ok"], ("Content-Length", "2"))
            async with asyncio.timeout(5):
                await app({**SCOPE, "raw_path": path}, client.receive, client.send)
            answered.append(client.status)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        return answered

    assert run(main()) == [200, 200]


def test_requests_that_would_wait_too_long_are_told_to_come_again(monkeypatch):
    monkeypatch.setattr(asgi, "MOST_WAITING", 0)

    client = ask(answering([b"yes"]), Client(b""))

    assert client.status == 503 and (b"retry-after", b"1") in client.sent[0]["headers"]


class Pieces:
    """An answer whose pieces are numbered, and which notes that it was closed."""

    def __init__(self, made: list[str], count: int, fails_at: int | None = None) -> None:
        self.made, self.count, self.fails_at, self.next = made, count, fails_at, 0

    def __iter__(self) -> "Pieces":
        return self

    def __next__(self) -> bytes:
        if self.next == self.fails_at:
            raise ZeroDivisionError
        if self.next == self.count:
            raise StopIteration
        self.made.append(str(self.next))
        self.next += 1
        return self.made[-1].encode()

    def close(self) -> None:
        self.made.append("closed")


def stalled(call: Any, after: int) -> Any:
    """Return a call that works a few times and then takes for ever."""
    left = [after]

    async def wait(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            await asyncio.sleep(3600)
        return await call(*arguments)

    return wait


def going_away(client: Client) -> Any:
    """Return a ``receive`` that gives the body, and soon after says that the client is gone."""

    async def receive() -> dict[str, Any]:
        if client.pieces:
            return {"type": "http.request", "body": client.pieces.pop(0), "more_body": False}
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    return receive


def slow(call: Any) -> Any:
    async def wait(*arguments: Any) -> Any:
        await asyncio.sleep(0.01)
        return await call(*arguments)

    return wait
