"""What slow clients cost the others: /healthz and the timeline, beside senders and readers that never end.

    python -m bench.slow_clients [--senders 200] [--readers 50] [--rounds 40] [--events 20000]

Each figure is a median in ms on loopback from the server of make run, and its ratio to that of the quiet
server in the same run. A sender sends a byte of its request a second, a reader asks for an export and reads
nothing of it.
"""

import argparse
import http.client
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bench.servers import database, http_server, run_flask
from bench.timeline_server import Browser

SETTLE_SECONDS = 2
SENDERS = {
    "senders of a header": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "senders of a body": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n",
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--senders", type=int, default=200)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--events", type=int, default=20_000)
    options = parser.parse_args()
    with database("sqlite") as url:
        run_flask(url, "demo", "--events", str(options.events))
        with http_server(url) as port:
            browser = Browser(port, "owner@demo.example", "auditapp-demo")
            browser.sign_in()
            cookie = browser.cookie
            measure(port, cookie, 5)  # warm
            quiet = measure(port, cookie, options.rounds)
            print(f"{'':24}{'/healthz':>18}{'timeline':>18}")
            show("quiet", quiet, quiet)
            for name, begin in SENDERS.items():
                with slow_senders(port, begin, options.senders):
                    show(f"{options.senders} {name}", measure(port, cookie, options.rounds), quiet)
            with idle_readers(port, cookie, options.readers):
                show(f"{options.readers} readers, at once", measure(port, cookie, options.rounds), quiet)
                time.sleep(10)
                show(f"{options.readers} readers, later", measure(port, cookie, options.rounds), quiet)


def show(name: str, figures: list[float], quiet: list[float]) -> None:
    """Print a row: milliseconds, and how many times those of the quiet server."""
    cells = [f"{ms:8.1f} ({ms / before:5.2f} x)" for ms, before in zip(figures, quiet, strict=True)]
    print(f"{name:24}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def measure(port: int, cookie: str, rounds: int) -> list[float]:
    """Return the median of each page in milliseconds, each on a connection of its own."""
    return [
        median(lambda path=path: ask(port, path, cookie), rounds) for path in ("/healthz", "/w/demo/timeline")
    ]


def median(call: Callable[[], None], rounds: int) -> float:
    """Return the median time of a call in milliseconds."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


def ask(port: int, path: str, cookie: str) -> None:
    """Read a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")


@contextmanager
def slow_senders(port: int, begin: bytes, count: int) -> Iterator[None]:
    """Keep so many requests on their way, a byte of each a second."""
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)
        ]
        done = threading.Event()

        def send() -> None:
            for connection in connections:
                connection.sendall(begin)
            while not done.wait(1):
                for connection in connections:
                    connection.sendall(b"a")

        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(SETTLE_SECONDS)
        yield
        done.set()
        thread.join()


@contextmanager
def idle_readers(port: int, cookie: str, count: int) -> Iterator[None]:
    """Keep so many exports on their way that nobody reads."""
    request = f"GET /w/demo/timeline.jsonl HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(request)
        yield


if __name__ == "__main__":
    main()
