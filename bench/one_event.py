"""One event at a time beside a bare transaction of one INSERT, on the database of ``AUDITAPP_DATABASE_URL``.

Prints the ratio of the medians. ``bench.ingest`` runs it in a process of its own.
"""

import statistics
import time
from collections.abc import Callable

import sqlalchemy as sa

ROUNDS = 300
WARM = 30
EVENT = {
    "event": "deal.updated",
    "actor": {"type": "user", "id": "u_1", "name": "Ada", "email": "ada@acme.example"},
    "entity": {"type": "deal", "id": "d_1", "name": "Pump"},
    "changes": {"stage": {"previous": "open", "current": "won"}},
    "payload": {"note": "as agreed on the phone"},
}


def main() -> None:
    """Take turns, so that what else the machine does falls on both."""
    from auditapp import create_app
    from auditapp.access.members import create_workspace
    from auditapp.access.own_events import COMMAND_LINE
    from auditapp.extensions import db
    from auditapp.log import record_batch
    from auditapp.log.grouped import WorkspaceId

    with create_app().app_context():
        workspace = WorkspaceId(create_workspace("bench", "Bench", "UTC", COMMAND_LINE).id)
        db.session.commit()
        db.session.remove()
        with db.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE bare (number integer, text text)"))

        def bare() -> None:
            with db.engine.begin() as connection:
                connection.exec_driver_sql("INSERT INTO bare VALUES (1, 'as agreed on the phone')")

        def one() -> None:
            with db.engine.begin() as connection:
                record_batch(workspace, [EVENT], connection=connection)

        print(f"{_median(one, bare):.3f}")


def _median(way: Callable[[], None], beside: Callable[[], None]) -> float:
    seconds: dict[Callable[[], None], list[float]] = {way: [], beside: []}
    for _ in range(ROUNDS + WARM):
        for each, taken in seconds.items():
            began = time.perf_counter()
            each()
            taken.append(time.perf_counter() - began)
    return statistics.median(seconds[way][WARM:]) / statistics.median(seconds[beside][WARM:])


if __name__ == "__main__":
    main()
