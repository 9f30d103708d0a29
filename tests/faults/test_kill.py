"""Kill -9 of the server while it records: what was acknowledged is there, once."""

import pytest

from auditapp.extensions import db
from auditapp.followers import catch_up
from tests.faults.senders import Senders, check_what_was_recorded
from tests.faults.serving import until

pytestmark = pytest.mark.faults
KILLS = 8


def test_kill_9_in_the_middle_of_ingest_loses_nothing_acknowledged(
    database, key, serve, cli, set_in_database
):
    set_in_database("synchronous_commit", "on")  # the tests' server has it off, and doctor minds
    server = serve(database)

    with Senders(server, key) as senders:
        for _ in range(KILLS):
            since = len(senders.acknowledged)
            until(lambda since=since: len(senders.acknowledged) > since + 100, 30, "events are recorded")
            server.kill()
            server.start()

    check_what_was_recorded(senders)
    assert senders.cut_off >= KILLS, "requests were under way"
    assert len(senders.acknowledged) > KILLS * 100
    # The worker was killed with the server each time.
    catch_up(db.engine)
    result = cli("doctor", "--deep")
    assert result.code == 0, result.out
