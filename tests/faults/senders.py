"""Clients that send events as a careful one would, and what they were told; read back from the database."""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from typing import Any

import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import Event, EventPayload
from tests.conftest import an_event
from tests.faults.serving import Answer, Served

EVENTS = "/api/v1/events"
RETRY_SECONDS = 0.05  # shorter than Retry-After asks for: tests have no time, and more of it does more harm
GONE = (OSError, http.client.HTTPException)


def a_body(name: str, count: int) -> dict[str, Any]:
    """Return a batch whose events have the keys ``<name>/<number>``, and the key in the payload too."""
    keys = [f"{name}/{number}" for number in range(count)]
    return {
        "events": [
            an_event(entity=key, idempotency_key=key, origin="api", payload={"key": key, "text": "x" * 200})
            for key in keys
        ]
    }


class Senders:
    """Threads that send singles and batches, again and again until each is acknowledged.

    Every fourth is careless: it never sends a body twice, so a batch half recorded would stay so.
    """

    def __init__(self, server: Served, key: str, count: int = 4) -> None:
        self._server, self._key = server, key
        self._stop, self._lock = threading.Event(), threading.Lock()
        self.acknowledged: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.careful: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.strange: list[Answer] = []
        self.cut_off = 0
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"
        assert not self._failures, self._failures

    def send(self, name: str, count: int) -> Answer:
        """Send one body once, and keep what was acknowledged."""
        body = a_body(name, count)
        self.sizes[name] = count
        answer = self._server.ask(
            "POST",
            EVENTS,
            json.dumps(body).encode(),
            **{"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"},
        )
        with self._lock:
            self.statuses[answer.status] += 1
            if answer.status in (200, 201):
                told = answer.json["events"]
                assert len(told) == count
                for event, each in zip(body["events"], told, strict=True):
                    self.acknowledged[event["idempotency_key"]] = each["id"]
            elif not is_a_good_refusal(answer):
                self.strange.append(answer)
        return answer

    def _run(self, sender: int) -> None:
        try:
            chance = random.Random(sender)  # noqa: S311
            for number in itertools.count():
                if self._stop.is_set():
                    return
                name = f"{sender}/{number}"
                count = 1 if number % 2 else chance.randint(2, 60)
                if sender % 4 == 3:
                    if not self._once(name, count):
                        time.sleep(RETRY_SECONDS)
                else:
                    self.careful.add(name)
                    self._until_acknowledged(name, count)
        except BaseException as error:
            self._failures.append(error)

    def _once(self, name: str, count: int) -> bool:
        try:
            return self.send(name, count).status in (200, 201)
        except ConnectionRefusedError:
            return False
        except GONE:
            with self._lock:
                self.cut_off += 1
            return False

    def _until_acknowledged(self, name: str, count: int) -> None:
        deadline = time.monotonic() + 40
        while not self._once(name, count):
            assert time.monotonic() < deadline, f"{name} was never acknowledged"
            time.sleep(RETRY_SECONDS)


def is_a_good_refusal(answer: Answer) -> bool:
    """Tell whether an answer says "not now, try again" in the way that the API does."""
    return (
        answer.status == 503
        and answer.headers["Content-Type"] == "application/problem+json"
        and int(answer.headers["Retry-After"]) > 0
        and answer.json["status"] == 503
    )


def check_what_was_recorded(senders: Senders) -> None:
    """Compare the database with what the clients were told, event by event."""
    strange = [(answer.status, answer.text[:500]) for answer in senders.strange[:3]]
    assert strange == [], f"neither recorded nor a 503 as it should be: {strange}"
    db.session.remove()
    db.engine.dispose()
    query = sa.select(Event.idempotency_key, Event.uid, EventPayload.payload).outerjoin(
        EventPayload,
        sa.and_(EventPayload.workspace_id == Event.workspace_id, EventPayload.event_id == Event.id),
    )
    rows = db.session.execute(query.where(Event.idempotency_key.is_not(None))).all()

    times = Counter(key for key, _, _ in rows)
    assert max(times.values()) == 1, "an event is there twice"
    there = {key: str(uid) for key, uid, _ in rows}
    lost = {key: uid for key, uid in senders.acknowledged.items() if there.get(key) != uid}
    assert not lost, f"{len(lost)} acknowledged events are not there, or under another id"
    assert all(payload and json.loads(payload)["key"] == key for key, _, payload in rows)
    batches = Counter(key.rpartition("/")[0] for key in there)
    assert not {name for name, count in batches.items() if count != senders.sizes[name]}, "half a batch"
    for name in senders.careful:
        assert batches[name] == senders.sizes[name], f"{name} was sent until acknowledged"
    counts = [
        db.session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Event, EventPayload)
    ]
    assert counts[0] == counts[1]
    if db.engine.dialect.name == "sqlite":
        assert db.session.scalar(sa.text("PRAGMA integrity_check")) == "ok"
    db.session.remove()
