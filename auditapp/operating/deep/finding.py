"""What a comparison found: what differs, how often, the first few, and what mends it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

FIRST = 5

REBUILD = "run flask --app app index rebuild"
# What the log itself says wrongly, nothing here can tell rightly.
RESTORE = "restore a backup of before, see docs/operations.md"


class Problem(NamedTuple):
    """One way to differ, and its mend."""

    what: str
    mend: str


class Findings:
    """How often each workspace has each problem."""

    def __init__(self, slugs: Mapping[int, str]) -> None:
        """Begin with none.

        :param slugs: of the workspaces, by their numbers.
        """
        self._slugs = slugs
        self._counts: dict[tuple[int | None, Problem], tuple[int, list[str]]] = {}

    def add(self, workspace_id: int | None, problem: Problem, example: str) -> None:
        """Count one more.

        :param workspace_id: None where it is of none, or of all.
        :param example: an id or a name, by which it is found.
        """
        times, first = self._counts.get((workspace_id, problem), (0, []))
        self._counts[workspace_id, problem] = times + 1, first
        if len(first) < FIRST:
            first.append(example)

    def lines(self) -> Iterator[str]:
        """Yield a line for each problem of each workspace."""
        order = {key: (key[0] or 0, place) for place, key in enumerate(self._counts)}
        for number, problem in sorted(self._counts, key=lambda key: order[key]):
            times, first = self._counts[number, problem]
            more = ", …" if times > len(first) else ""
            yield f"{self._where(number)}{problem.what}: {times:,} ({', '.join(first)}{more}); {problem.mend}"

    def _where(self, number: int | None) -> str:
        if number is None:
            return ""
        return f"{self._slugs[number]}: " if number in self._slugs else f"no workspace {number}: "
