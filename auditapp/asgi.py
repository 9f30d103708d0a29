"""The application for an asynchronous server, so that no client holds a thread.

WSGI gives a request its thread before its body is there, and keeps it until the last byte of the answer is
taken: four that send slowly, or two that do not read, stop a server of four threads. Here a request waits
for its body, and an answer for its reader, as coroutines, of which there may be thousands; a thread is taken
only while Python works.

The two forms: https://asgi.readthedocs.io/en/stable/specs/www.html and PEP 3333.
"""

import asyncio
import contextlib
import contextvars
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import unquote_to_bytes

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

# More would wait for each other: Python works in one of them at a time.
THREADS = max(4, min(16, 2 * (os.cpu_count() or 1)))
# One byte more than the application takes at most: it refuses a larger body itself, in its own words.
MAX_BODY_BYTES = 10 * 1024 * 1024 + 1
IN_MEMORY_BYTES = 1024 * 1024
# How long the next piece of a request may take, a whole request, and the reader of a piece of an answer.
PIECE_SECONDS, REQUEST_SECONDS, READER_SECONDS = 30, 300, 60
# Requests that wait for a thread; past them it is better to say so than to let all wait longer.
MOST_WAITING = 256
# All that it says is that the process lives, so it waits for no thread.
HEALTH = "/healthz"
# Exports are made in one thread, a piece of each in turn: pages never wait behind files, and a second thread
# would only take Python's lock from the pages. For so long they let pages that are at work go first.
EXPORTS = (".csv", ".jsonl")
POLITE_SECONDS = 0.2
# Where more than a few wait for a turn, they pause twice as long as they work: exports that nobody reads fill
# the buffers of their connections all the same, and fifty would hold Python's lock for half a minute.
A_FEW = 2


class AsgiApp:
    """Serves a WSGI application.

    :param threads: how many pages are worked on at a time.
    """

    def __init__(self, wsgi: WsgiApp, threads: int = THREADS) -> None:
        self._wsgi = wsgi
        self._pages = ThreadPoolExecutor(threads, thread_name_prefix="page")
        self._exports = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._export_turn = asyncio.Lock()
        self._turns_asked = 0
        self._pages_asked = 0
        self._no_page = asyncio.Event()
        self._no_page.set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; a client that is too slow is cut off.

        :raise TimeoutError: if nobody reads the answer.
        """
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not served")
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
            try:
                length = await _read_body(receive, body)
            except TimeoutError:
                log.warning("a request did not come within its time")
                await _say(send, HTTPStatus.REQUEST_TIMEOUT)
            except _ClientGone:
                pass  # nobody waits for an answer
            else:
                try:
                    await self._answer(_environ(scope, body, length), receive, send)
                except Exception:
                    log.warning("the answer broke off", exc_info=True)
                    raise

    async def _answer(self, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        context = contextvars.copy_context()
        answer = await self._begin(environ, context, send)
        if answer is None:
            return
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            if not answer.ended:
                await self._stream(answer, context, receive, send)
            else:
                await _send_piece(send, answer.begin, more=False)
        finally:
            if not answer.closed:
                await self._in_turn(context.run, answer.close)

    async def _stream(
        self, answer: "_Answer", context: contextvars.Context, receive: Receive, send: Send
    ) -> None:
        """Send an answer piece by piece, until its end or until the client goes away."""
        # The body was read: whatever comes now says that the client is gone. Sending does not say it.
        disconnect = asyncio.ensure_future(receive())
        try:
            piece = answer.begin
            while not answer.ended and not disconnect.done():
                await _send_piece(send, piece, more=True)
                piece = await self._in_turn(context.run, answer.next_piece)
            if answer.ended:
                await _send_piece(send, piece, more=False)
        finally:
            disconnect.cancel()

    async def _begin(
        self, environ: dict[str, Any], context: contextvars.Context, send: Send
    ) -> "_Answer | None":
        path = environ["PATH_INFO"]
        if path == HEALTH:
            return _Answer(self._wsgi, environ)
        if path.endswith(EXPORTS):
            answer: _Answer = await self._in_turn(context.run, _Answer, self._wsgi, environ)
            return answer
        if self._pages_asked >= MOST_WAITING:
            log.warning("more requests than can wait")
            await _say(send, HTTPStatus.SERVICE_UNAVAILABLE, [(b"retry-after", b"1")])
            return None
        self._pages_asked += 1
        self._no_page.clear()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pages, context.run, _Answer, self._wsgi, environ)
        finally:
            self._pages_asked -= 1
            if not self._pages_asked:
                self._no_page.set()

    async def _in_turn(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call in the thread of exports, once the others had their turn and no page is at work."""
        self._turns_asked += 1
        try:
            async with self._export_turn:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLITE_SECONDS):
                        await self._no_page.wait()
                loop = asyncio.get_running_loop()
                began = loop.time()
                result = await loop.run_in_executor(self._exports, call, *arguments)
                if self._turns_asked > A_FEW:
                    await asyncio.sleep(2 * (loop.time() - began))
                return result
        finally:
            self._turns_asked -= 1


class _ClientGone(Exception):
    """The client went away before its request was whole."""


async def _read_body(receive: Receive, body: IO[bytes]) -> int:
    """Write the request's body to a file and return its length in bytes, ``MAX_BODY_BYTES`` at most."""
    length, more = 0, True
    async with asyncio.timeout(REQUEST_SECONDS):
        while more and length < MAX_BODY_BYTES:
            async with asyncio.timeout(PIECE_SECONDS):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            length += body.write(message.get("body", b"")[: MAX_BODY_BYTES - length])
            more = message.get("more_body", False)
    body.seek(0)
    return length


async def _send_piece(send: Send, piece: bytes, *, more: bool) -> None:
    async with asyncio.timeout(READER_SECONDS):
        await send({"type": "http.response.body", "body": piece, "more_body": more})


async def _say(send: Send, status: HTTPStatus, headers: Headers | None = None) -> None:
    plain = [(b"content-type", b"text/plain; charset=utf-8"), *(headers or [])]
    await send({"type": "http.response.start", "status": status.value, "headers": plain})
    await _send_piece(send, f"{status.phrase}\n".encode(), more=False)


class _Answer:
    """What a WSGI application answers, its pieces made one after the other in any thread.

    :ivar begin: the first piece; the whole body where that is ``ended``.
    """

    def __init__(self, wsgi: WsgiApp, environ: dict[str, Any]) -> None:
        self.status = 0
        self.headers: Headers = []
        self.ended = self.closed = False
        self._pieces = wsgi(environ, self._start)
        self._iterator: Iterator[bytes] = iter(self._pieces)
        if self._is_short():
            self.begin, self.ended = b"".join(self._iterator), True
            self.close()
        else:
            self.begin = self.next_piece()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def _is_short(self) -> bool:
        length = dict(self.headers).get(b"content-length", b"")
        return length.isdigit() and int(length) <= IN_MEMORY_BYTES

    def next_piece(self) -> bytes:
        """Return the next piece, nothing and ``ended`` behind the last."""
        piece = next(self._iterator, None)
        if piece is not None:
            return piece
        self.ended = True
        self.close()
        return b""

    def close(self) -> None:
        """Tell the application that nobody asks for more."""
        self.closed = True
        if close := getattr(self._pieces, "close", None):
            close()


def _environ(scope: Message, body: IO[bytes], length: int) -> dict[str, Any]:
    """Return a request as PEP 3333 has it: bytes as the characters of latin-1."""
    path = unquote_to_bytes(scope["raw_path"]) if scope.get("raw_path") else scope["path"].encode()
    server, client = scope.get("server") or ("localhost", None), scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        key = name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
        separator = "; " if name == "COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    environ.setdefault("CONTENT_LENGTH", str(length))
    return environ
