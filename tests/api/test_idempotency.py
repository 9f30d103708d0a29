"""One idempotency key, one event: whoever sends it, however often, and all at the same moment.

On a real server with two processes, as only those meet in the database and nowhere else.
"""

import hashlib
import hmac
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from auditapp.access.own_events import COMMAND_LINE
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.inbound.source import create_source
from auditapp.models import Event, SetAside
from tests.api.conftest import EVENTS, make_key
from tests.conftest import an_event

AT_ONCE = 40
START_SECONDS = 30


class Answer(NamedTuple):
    status: int
    body: Any

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.body["events"]]


class Served:
    """The application as it is served, on a free port, with two processes of four threads."""

    def __init__(self, database: str, log: Any) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = ["--interface", "asginl", "--no-ws", "--workers", "2"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "--port", str(self.port), "app:asgi"],
            cwd=ROOT,
            env={
                **os.environ,
                "AUDITAPP_DATABASE_URL": database,
                "AUDITAPP_SECRET_KEY": "t" * 32,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        for _ in range(START_SECONDS * 10):
            try:
                if self.ask("GET", "/readyz").status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise AssertionError("the server does not start")

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
            told = json.loads(text) if "json" in response.headers["Content-Type"] else text
            return Answer(response.status, told)
        finally:
            connection.close()

    def stop(self) -> None:
        # Its processes are ended together; stopping in good order is not what is tested here.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def served(app, database, tmp_path) -> Iterator[Served]:
    with (tmp_path / "server.log").open("wb") as log:
        server = Served(database, log)
        yield server
        server.stop()


@pytest.fixture
def send(served, acme) -> Callable[[Any], Answer]:
    """Return a function that sends events with a key of acme's."""
    authorization = f"Bearer {make_key(acme)}"

    def post(body: Any) -> Answer:
        text, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        return served.ask("POST", EVENTS, text, Authorization=authorization, **headers)

    return post


def all_at_once(call: Callable[[Any], Answer], arguments: list[Any]) -> list[Answer]:
    """Call from as many threads as there are arguments, all let go at the same moment."""
    gate = threading.Barrier(len(arguments))

    def one(argument: Any) -> Answer:
        gate.wait(20)
        return call(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(one, arguments))


def rows_with_keys() -> int:
    db.session.rollback()
    found = db.session.scalar(sa.select(sa.func.count()).where(Event.idempotency_key.is_not(None)))
    db.session.rollback()
    return found or 0


def test_forty_posts_of_one_key_at_once_are_one_event(send):
    sent = an_event(idempotency_key="k")

    answers = all_at_once(send, [sent] * AT_ONCE)

    assert Counter(answer.status for answer in answers) == {201: 1, 200: AT_ONCE - 1}
    assert len({answer.ids[0] for answer in answers}) == 1
    assert [answer.status for answer in answers if not answer.body["events"][0]["duplicate"]] == [201]
    assert rows_with_keys() == 1


def test_of_other_events_with_one_key_at_once_the_first_is_recorded(send):
    sent = [an_event(entity=str(number), idempotency_key="k") for number in range(AT_ONCE)]

    answers = all_at_once(send, sent)

    assert Counter(answer.status for answer in answers) == {201: 1, 409: AT_ONCE - 1}
    assert rows_with_keys() == 1


@pytest.mark.parametrize(("keys", "batches_of"), [(100, 80), (1000, 300), (400, 20)])
def test_batches_that_share_keys_in_other_orders_all_end_well(send, keys, batches_of):
    events = [an_event(entity=str(number), idempotency_key=f"k{number}") for number in range(keys)]
    batches = []
    for seed in range(24):
        batch = events.copy()
        random.Random(seed).shuffle(batch)  # noqa: S311
        batches.append({"events": batch[:batches_of]})

    answers = all_at_once(send, batches)

    assert {answer.status for answer in answers} <= {200, 201}, Counter(answer.status for answer in answers)
    ids: dict[str, set[str]] = {}
    for batch, answer in zip(batches, answers, strict=True):
        for event, event_id in zip(batch["events"], answer.ids, strict=True):
            ids.setdefault(event["idempotency_key"], set()).add(event_id)
    assert all(len(same) == 1 for same in ids.values())
    assert rows_with_keys() == len(ids)
    new = [each for answer in answers for each in answer.body["events"] if not each["duplicate"]]
    assert len(new) == len(ids)


@pytest.fixture
def deliver(served, acme) -> Callable[[bytes], Answer]:
    """Return a function that sends bodies to a source of Customermates', signed."""
    source = create_source(acme, "customermates", "CRM", "s3cret", COMMAND_LINE)
    db.session.commit()
    path = f"/in/{source.path}"
    db.session.rollback()

    def post(body: bytes) -> Answer:
        signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        return served.ask("POST", path, body, **{"X-Webhook-Signature": signature})

    return post


def test_a_webhook_delivered_many_times_at_once_is_one_event(deliver):
    record = {"userId": None, "companyId": "acme", "entityId": "d1", "payload": {"id": "d1"}}
    body = {"event": "deal.created", "data": record, "timestamp": "2026-03-24T09:00:00.123Z"}

    answers = all_at_once(deliver, [json.dumps(body).encode()] * AT_ONCE)

    assert Counter(answer.status for answer in answers) == {201: 1, 200: AT_ONCE - 1}
    assert rows_with_keys() == 1


def test_an_unreadable_body_delivered_many_times_at_once_is_set_aside_once(deliver):
    answers = all_at_once(deliver, [b"{unreadable"] * AT_ONCE)

    assert Counter(answer.status for answer in answers) == {202: AT_ONCE}
    waiting = db.session.scalars(sa.select(SetAside)).one()
    assert (waiting.body, waiting.times) == (b"{unreadable", AT_ONCE)
