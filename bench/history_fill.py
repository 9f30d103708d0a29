"""The databases of ``bench.history``: migrated, and filled without an index of words."""

from bench.history_world import VERSIONS, HistoryWorld
from bench.servers import run_flask
from bench.timeline_bases import EMAIL, application, make_people
from bench.timeline_load import load


def fill(url: str, count: int) -> None:
    """Migrate an empty database and fill it.

    :param count: events beside the versions of the deals.
    """
    run_flask(url, "db", "upgrade")
    with application(url).app_context():
        member = make_people()
    load(url, HistoryWorld(count + sum(VERSIONS), str(member), EMAIL), member, searched=False)
