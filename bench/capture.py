"""What capture costs: insert and update a 15-column row, committed, each beside its own plain baseline.

    python bench/capture.py [--rounds 15] [--sizes 1 25 100]

Each contender runs in a process of its own, because some change SQLAlchemy for the whole process; the
rounds take turns. All use the same file SQLite settings. A ratio is the median time over that of the plain
baseline in the same run; times on this machine say nothing about another, ratios do.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
VENV = HERE / ".venv"
# name: (the module that runs it, its arguments, its baseline)
CONTENDERS = {
    "plain SQLAlchemy": ("sqlalchemy_worker.py", "plain", None),
    "Auditapp capture": ("sqlalchemy_worker.py", "capture", "plain SQLAlchemy"),
    "SQLAlchemy-Continuum": ("sqlalchemy_worker.py", "continuum", "plain SQLAlchemy"),
    "plain Django": ("django_worker.py", "plain", None),
    "django-auditlog": ("django_worker.py", "auditlog", "plain Django"),
}


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 25, 100])
    options = parser.parse_args()
    python = prepare()
    with tempfile.TemporaryDirectory() as folder:
        workers = {name: start(python, name, Path(folder)) for name in CONTENDERS}
        medians = {size: measure(workers, size, options.rounds) for size in options.sizes}
        for worker in workers.values():
            worker.stdin.close()
            worker.wait()
    show(medians)


def prepare() -> str:
    """Make the benchmark's own environment where it is missing or out of date; return its Python."""
    python, mark = VENV / "bin" / "python", VENV / "ready"
    wanted = (HERE / "requirements.txt").read_text() + (HERE.parent / "requirements.txt").read_text()
    if not mark.exists() or mark.read_text() != wanted:
        print("Installing what the benchmark compares with …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
        subprocess.run([python, *install, HERE / "requirements.txt"], check=True)
        mark.write_text(wanted)
    return str(python)


def start(python: str, name: str, folder: Path) -> subprocess.Popen:
    """Start a contender on a database file of its own and wait until it is ready."""
    script, mode, _ = CONTENDERS[name]
    command = [python, str(HERE / script), mode, str(folder / f"{script}-{mode}.db")]
    worker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent
    )
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


def measure(workers: dict, size: int, rounds: int) -> dict[str, float]:
    """Return each contender's median seconds for one round of this many objects a flush."""
    times: dict[str, list[float]] = {name: [] for name in workers}
    for number in range(rounds + 2):
        for name, worker in workers.items():
            seconds = ask(worker, size)
            if number >= 2:  # the first ones fill caches
                times[name].append(seconds)
    return {name: statistics.median(found) for name, found in times.items()}


def show(medians: dict[int, dict[str, float]]) -> None:
    """Print the ratios, a row each contender and a column each size."""
    print(f"{'times its plain baseline':28}" + "".join(f"{f'{size} a flush':>14}" for size in medians))
    for name, (_, _, baseline) in CONTENDERS.items():
        cells = (
            f"{found[name] / found[baseline]:.2f}" if baseline else f"1 ({found[name] * 1000:.1f} ms)"
            for found in medians.values()
        )
        print(f"{name:28}" + "".join(f"{cell:>14}" for cell in cells))


if __name__ == "__main__":
    main()
