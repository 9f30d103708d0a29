"""How fast the timeline answers, at several sizes of the log, on SQLite and PostgreSQL.

    python -m bench.timeline [--events 10000,1000000] [--databases sqlite,postgresql] [--keep DIR]

The application's own reading functions are asked, as somebody who may see everything; each figure is the
median of several rounds, of the time spent in the database and, beside it, of the whole call. A kept
folder is found again: its databases are not made anew, and PostgreSQL goes on running there.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from bench import timeline_customermates as customermates
from bench import timeline_server
from bench.timeline_ask import Figure, asker
from bench.timeline_bases import base, fill, server

PAIRS = "two filters"
GROUPS = (
    *("unfiltered", "one filter", "by change", "jointly rare", PAIRS, "search", "facets and activity"),
    *("by story", "new", customermates.GROUP, timeline_server.GROUP),
)
SHOWN = 5  # of the pairs, the slowest
Found = dict[int, list[Figure]]


def main() -> None:
    """Fill, ask, and print a table for each database."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--events", default="10000,1000000", help="sizes, with commas between")
    arguments.add_argument("--databases", default="sqlite,postgresql")
    arguments.add_argument("--keep", type=Path, help="a folder in which the databases stay")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--groups", default="", help="only these, as the table's headings say")
    arguments.add_argument("--quick", action="store_true", help="only what takes no minute")
    asked = arguments.parse_args()
    sizes = sorted({int(size) for size in asked.events.split(",")})
    groups = {group for group in asked.groups.split(",") if group} or {*GROUPS}
    groups -= {PAIRS, "by change", "by story", customermates.GROUP} if asked.quick else set()
    with ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # where PostgreSQL must run as somebody else
        for kind in asked.databases.split(","):
            running = stack.enter_context(server(folder, keep=bool(asked.keep))) if kind != "sqlite" else None
            found: Found = {}
            for count in sizes:
                url, done = base(kind, count, folder, running)
                if not done:
                    print(f"{kind}: filling {count:,} events …", flush=True)
                    fill(kind, count, folder, url)
                found[count] = list(measure(kind, url, asked.rounds, groups))
                lines = (json.dumps(asdict(figure)) for figure in found[count])
                (folder / f"{kind}-{count}.jsonl").write_text("\n".join(lines))
            show(kind, found)


def measure(kind: str, url: str, rounds: int, groups: set[str]) -> Iterator[Figure]:
    """Yield every figure of one database."""
    with asker(url, rounds) as who:
        yield from who.everything(groups)
        if customermates.GROUP in groups:
            customermates.make(kind)
            yield from customermates.ask(rounds, who.record)
    if timeline_server.GROUP in groups:
        yield from timeline_server.first_bytes(url, 7 * rounds)


def show(kind: str, found: Found) -> None:
    """Print tables: ms in the database (in the whole call), and the largest log by the smallest."""
    sizes = list(found)
    groups = list(dict.fromkeys(figure.group for figures in found.values() for figure in figures))
    for group in groups:
        print(f"\n### {kind}: {group}\n")
        print("| | page |" + "".join(f" {size:,} |" for size in sizes) + " ratio |")
        print("|---|--:|" + "--:|" * (len(sizes) + 1))
        for (label, page), figures in shown(group, by_question(found, group)):
            cells = "".join(f" {_cell(figures.get(size))} |" for size in sizes)
            print(f"| {label} | {page or ''} |{cells} {_ratio([figures.get(size) for size in sizes])} |")


def by_question(found: Found, group: str) -> dict[tuple[str, int], dict[int, Figure]]:
    """Return a group's figures by question and page, then by size."""
    rows: dict[tuple[str, int], dict[int, Figure]] = {}
    for size, figures in found.items():
        for figure in figures:
            if figure.group == group:
                rows.setdefault((_timeless(figure.label), figure.page), {})[size] = figure
    return rows


def _timeless(label: str) -> str:
    """Leave out of a question what is another value in each log."""
    words = label.split(" ")
    own = ("since=2", "until=2", "record=", "correlation=")
    return " ".join(word.partition("=")[0] if word.startswith(own) else word for word in words)


def shown(
    group: str, rows: dict[tuple[str, int], dict[int, Figure]]
) -> list[tuple[tuple[str, int], dict[int, Figure]]]:
    """Return the rows of a table; of the pairs their middle and the slowest."""
    if group != PAIRS:
        return list(rows.items())
    slowest = sorted(rows.items(), key=lambda row: -list(row[1].values())[-1].database_ms)
    middle: dict[int, Figure] = {}
    for size in {size for figures in rows.values() for size in figures}:
        figures = [row[size] for row in rows.values() if size in row]
        inside, whole = ([getattr(each, name) for each in figures] for name in ("database_ms", "whole_ms"))
        label = f"median of {len(rows)} pages of pairs"
        middle[size] = Figure(group, label, 0, statistics.median(inside), statistics.median(whole), 0)
    return [((next(iter(middle.values())).label, 0), middle), *slowest[:SHOWN]]


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    inside = f"{figure.database_ms:,.2f}"
    return inside if figure.database_ms == figure.whole_ms else f"{inside} ({figure.whole_ms:,.1f})"


def _ratio(figures: Sequence[Figure | None]) -> str:
    first, last = figures[0], figures[-1]
    if len(figures) < 2 or first is None or last is None:
        return ""
    return f"{last.database_ms / max(first.database_ms, 0.001):,.1f}"


if __name__ == "__main__":
    main()
