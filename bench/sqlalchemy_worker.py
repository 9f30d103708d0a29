"""A contender of ``capture.py`` on SQLAlchemy: ``plain``, ``capture``, ``capture-session``, ``continuum``."""

import contextlib
import datetime
import gc
import os
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from rows import CHANGED, PRAGMAS, a_row, repeats
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, configure_mappers, mapped_column, sessionmaker


def base_of(mode: str) -> type:
    """Return a base for the model, prepared as the contender wants it."""
    if mode == "continuum":
        import sqlalchemy_continuum

        sqlalchemy_continuum.make_versioned(user_cls=None)
    return type("Base", (DeclarativeBase,), {})


def model_of(base: type) -> type:
    """Return the 15-column model."""

    class Deal(base):
        __tablename__ = "bench_deal"
        __versioned__ = {}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        company: Mapped[str]
        email: Mapped[str]
        phone: Mapped[str]
        city: Mapped[str]
        country: Mapped[str]
        stage: Mapped[str]
        source: Mapped[str]
        note: Mapped[str]
        seats: Mapped[int]
        value: Mapped[float]
        active: Mapped[bool]
        opened_at: Mapped[datetime.datetime]
        due: Mapped[datetime.date]

    return Deal


def prepare(mode: str, url: str) -> tuple[sessionmaker[Session], type]:
    """Make the tables in a database of the contender's own, and start what it does."""
    base = base_of(mode)
    deal = model_of(base)
    configure_mappers()
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def connect(connection, _record):
            for pragma in PRAGMAS:
                connection.execute(pragma)

    if mode.startswith("capture"):
        start_log(url)
    base.metadata.create_all(engine)
    maker = sessionmaker(engine)
    if mode.startswith("capture"):
        from auditapp.capture import capture

        actor = {"type": "user", "id": "u_1", "name": "Ada", "email": "ada@acme.example"}
        options = {"previous": "session"} if mode == "capture-session" else {}
        capture(maker, workspace="acme", actor=actor, **options)
    return maker, deal


def start_log(url: str) -> None:
    """Bring the database to Auditapp's newest version, triggers and indexes included."""
    sys.path.insert(0, str(Path.cwd()))
    os.environ["AUDITAPP_DATABASE_URL"] = url
    from flask_migrate import upgrade

    from auditapp import create_app
    from auditapp.access.members import create_workspace
    from auditapp.access.own_events import COMMAND_LINE
    from auditapp.extensions import db

    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "SECRET_KEY": "bench"})
    with app.app_context():
        with contextlib.redirect_stdout(sys.stderr):  # the answers go to stdout
            upgrade(directory=str(Path.cwd() / "migrations"))
        create_workspace("acme", "Acme", "UTC", COMMAND_LINE)
        db.session.commit()
        db.engine.dispose()


def work(maker: sessionmaker[Session], deal: type, size: int, number: int) -> None:
    """Insert ``size`` rows and commit; in a new session read them, change three columns, commit."""
    with maker() as session:
        rows = [deal(**a_row(number + place)) for place in range(size)]
        session.add_all(rows)
        session.flush()
        ids = [row.id for row in rows]
        session.commit()
    with maker() as session:
        for row in session.scalars(sa.select(deal).where(deal.id.in_(ids))):
            for name, value in CHANGED.items():
                setattr(row, name, value)
        session.commit()


def main() -> None:
    """Answer each size on stdin with the seconds of one such piece of work."""
    maker, deal = prepare(sys.argv[1], sys.argv[2])
    gc.freeze()  # what was imported is not to be looked through again and again, as in a server
    for line in sys.stdin:
        size = int(line)
        started = time.perf_counter()
        for number in range(repeats(size)):
            work(maker, deal, size, number)
        print((time.perf_counter() - started) / repeats(size), flush=True)


if __name__ == "__main__":
    main()
