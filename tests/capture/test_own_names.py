"""A host of capture uses no name of Auditapp's own events."""

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from auditapp.capture.options import type_of
from tests.capture.host import Post


class Base(DeclarativeBase):
    """Of this file only."""


class Auditapp(Base):
    """A host's own class of that name."""

    __tablename__ = "own_names_auditapp"

    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.parametrize("kind", ["auditapp", "auditapp.member"])
def test_a_type_that_is_auditapps_own_is_refused_when_capture_begins(follow, kind):
    with pytest.raises(ValueError, match="is Auditapp's own"):
        follow(describe={Post: {"type": kind}})


def test_a_class_that_happens_to_be_called_so_gets_another_type():
    assert type_of(Auditapp, {}) == "auditapp_record"
