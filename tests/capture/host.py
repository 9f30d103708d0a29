"""A small application whose changes are captured: its models, and how its events read."""

import datetime
import decimal
import enum
import uuid
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from auditapp.models import Event, EventPayload


class Base(DeclarativeBase):
    """The host's own base; its tables lie beside Auditapp's."""


class Stage(enum.Enum):
    OPEN = "open"
    WON = "won"


class Priority(enum.IntEnum):
    LOW = 1
    HIGH = 2


host_post_tag = sa.Table(
    "host_post_tag",
    Base.metadata,
    sa.Column("post_id", sa.ForeignKey("host_post.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("host_tag.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "host_author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    api_secret: Mapped[str | None] = mapped_column("s")
    passport: Mapped[str | None] = mapped_column(info={"audit": "mask"})
    cache: Mapped[str | None] = mapped_column(info={"audit": "exclude"})
    posts: Mapped[list["Post"]] = relationship(back_populates="author")


class Tag(Base):
    __tablename__ = "host_tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(secondary=host_post_tag, back_populates="tags")


class Post(Base):
    __tablename__ = "host_post"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    stage: Mapped[Stage] = mapped_column(default=Stage.OPEN)
    priority: Mapped[int | None] = mapped_column(info={"audit": {"choices": {1: "Low", 2: "High"}}})
    views: Mapped[int] = mapped_column(server_default="5")
    data: Mapped[dict[str, Any] | None] = mapped_column(MutableDict.as_mutable(sa.JSON(none_as_null=True)))
    steps: Mapped[list[Any] | None] = mapped_column(MutableList.as_mutable(sa.JSON(none_as_null=True)))
    plain: Mapped[Any] = mapped_column(sa.JSON(none_as_null=True), nullable=True)
    price: Mapped[decimal.Decimal | None] = mapped_column(
        sa.Numeric(10, 2), info={"audit": {"label": "Price", "kind": "money"}}
    )
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("host_author.id"))
    author: Mapped[Author | None] = relationship(back_populates="posts")
    tags: Mapped[list[Tag]] = relationship(secondary=host_post_tag, back_populates="posts")


class Paper(Base):
    __tablename__ = "host_paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    changed: Mapped[int | None] = mapped_column(onupdate=7)
    version = mapped_column(sa.Integer, nullable=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Thing(Base):
    __tablename__ = "host_thing"

    code: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    number: Mapped[float | None]
    big: Mapped[decimal.Decimal | None] = mapped_column(sa.Numeric(30, 0))
    at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    day: Mapped[datetime.date | None]
    clock: Mapped[datetime.time | None]
    span: Mapped[datetime.timedelta | None]
    uid: Mapped[uuid.UUID | None]
    blob: Mapped[bytes | None]
    odd: Mapped[Any] = mapped_column(sa.PickleType, nullable=True)
    active: Mapped[bool | None]


class Line(Base):
    __tablename__ = "host_line"

    bill: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None]


class Animal(Base):
    __tablename__ = "host_animal"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012


class Dog(Animal):
    tricks: Mapped[int | None]
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012


class Bird(Animal):
    __tablename__ = "host_bird"

    id: Mapped[int] = mapped_column(sa.ForeignKey("host_animal.id"), primary_key=True)
    wings: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "bird"}  # noqa: RUF012


def told(connection: Any) -> list[dict[str, Any]]:
    """Return all events of the log in their order, as a reader would get them."""
    query = (
        sa.select(Event, EventPayload)
        .join(EventPayload, Event.id == EventPayload.event_id)
        .where(~Event.event.like("auditapp.%"))
        .order_by(Event.id)
    )
    return [_told(*row) for row in connection.execute(query)]


def _told(event: Event, payload: EventPayload) -> dict[str, Any]:
    texts = {
        name: orjson.loads(getattr(payload, name)) for name in ("actor", "changes", "payload", "context")
    }
    plain = ("event", "entity_type", "entity_id", "entity_name", "origin", "correlation_id", "causation_id")
    related = orjson.loads(payload.related)
    return {name: getattr(event, name) for name in plain} | texts | {"uid": event.uid, "related": related}


def sides(event: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return an event's changes as ``{field: (previous, current)}``."""
    return {name: (each.get("previous"), each["current"]) for name, each in event["changes"].items()}
