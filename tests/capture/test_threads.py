"""Threads that meet in what capture keeps for all of them."""

import threading

import pytest

from auditapp.capture import registry, workspace
from auditapp.extensions import db
from auditapp.log import grouped
from tests.capture.host import Tag


def in_threads(work, count=8):
    errors = []

    def run():
        try:
            for _ in range(300):
                work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_threads_that_meet_in_the_cache_of_lines_find_theirs(monkeypatch):
    class Emptied(dict):
        """Empties itself as soon as something is in it, as another thread may."""

        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            self.clear()

    monkeypatch.setattr(grouped, "_fields_lines", Emptied())

    assert grouped._fields_line({"stage": {"current": 1}}) == "Stage"
    assert grouped._fields_line({}) is None


def test_threads_may_look_up_lines_while_others_empty_them(monkeypatch):
    monkeypatch.setattr(grouped, "MAX_KEPT", 1)
    numbers = iter(range(10**9))

    errors = in_threads(lambda: grouped._fields_line({f"field_{next(numbers) % 7}": {"current": 1}}))

    assert errors == []


def test_captures_may_come_and_go_while_others_look_for_theirs(maker, follow):
    follow()
    with maker() as session:

        def work():
            registry._Captures.known.clear()
            assert registry.captures_of(session) is not None

        assert in_threads(work) == []


def test_a_workspace_may_be_forgotten_while_others_look_for_it(acme):
    choice = workspace.WorkspaceChoice("acme")
    connection = db.session.connection()
    engine_key = (connection.engine, "acme")

    def work():
        choice._ids[engine_key] = acme_id
        choice.forget()

    class Forgetting(dict):
        def get(self, key, default=None):
            found = super().get(key, default)
            self.clear()
            return found

    acme_id = acme.id
    choice._ids = Forgetting({engine_key: acme_id})
    assert choice.of(None, connection) == acme_id
    assert choice.of(None, connection) == acme_id
    assert in_threads(work) == []


@pytest.mark.usefixtures("acme")
def test_sessions_of_many_threads_are_told_each_once(maker, follow, events):
    follow()
    errors = []

    def work(number):
        try:
            with maker() as session:
                session.add(Tag(name=str(number)))
                session.commit()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert sorted(int(event["entity_name"]) for event in events()) == list(range(12))
