"""``flask index rebuild`` makes anew what is derived from the log."""

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import event_count, follower


def found(cli, slug="acme"):
    return cli("events", "export", "--workspace", slug, "--query", "q=kiwi").out.count("\n")


@pytest.fixture
def log(note, other):
    note(name="Kiwi")
    note(name="Kiwi two")
    note(name="Kiwi elsewhere", workspace=other)


@pytest.mark.parametrize("only", [(), ("--workspace", "acme")], ids=["all", "one"])
def test_a_rebuild_mends_the_index(cli, log, only):
    db.session.execute(sa.update(follower).values(version=0))
    db.session.execute(sa.delete(event_count))
    db.session.commit()

    result = cli("index", "rebuild", *only)

    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Made anew: the index and the counts of ")
    assert found(cli) == 2
    if not only:
        assert found(cli, "other") == 1
        assert "the search index is whole" in cli("doctor").out


def test_a_rebuild_of_a_whole_index_leaves_it_whole(cli, log):
    for _ in range(2):
        assert cli("index", "rebuild", "--workspace", "acme").code == 0

    assert (found(cli), found(cli, "other")) == (2, 1)


def test_a_rebuild_without_a_workspace_does_nothing(cli):
    result = cli("index", "rebuild")

    assert (result.code, result.out) == (0, "Made anew: the index and the counts of 0 workspaces.\n")


def test_a_workspace_that_there_is_none_of_is_said_in_one_line(cli, log):
    result = cli("index", "rebuild", "--workspace", "nobody")

    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "no workspace 'nobody'" in result.err


def test_a_server_at_its_start_mends_only_what_is_stale(cli, log):
    assert cli("index", "rebuild", "--stale").out == "Made anew: the index and the counts of 0 workspaces.\n"

    db.session.execute(sa.update(follower).values(version=0))
    db.session.commit()

    assert cli("index", "rebuild", "--stale").code == 0
    assert (found(cli), found(cli, "other")) == (2, 1)
