"""A field's values as steps on a line of time: where they are in percent, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isinf
from typing import Any

from auditapp.log.schema import without_leap_second
from auditapp.reading.diffs.distance import NUMBER
from auditapp.reading.diffs.field_changes import kind_of, ref_name, value_of
from auditapp.reading.records.field_points import Point
from auditapp.reading.timeline import EventRow

MAX_CHOICES = 8
MAX_LABEL = 40
WIDTH, HEIGHT = 1000, 100  # of the line's own units, stretched over the picture
END = 96.0  # percent; behind the last change the line goes on
TOP, BOTTOM = 10.0, 90.0


@dataclass(frozen=True)
class Dot:
    """A value and its place in percent, from the left and from the top."""

    x: float
    y: float
    event: EventRow
    label: str


@dataclass(frozen=True)
class Chart:
    """A field's values over time, the oldest first.

    :ivar last: the newest value, which may be none.
    :ivar is_size: height is size; else each height is one value.
    :ivar path: of an SVG, the steps from each value to the next; a gap where there was none.
    :ivar rows: what stands at which height, in percent from the top.
    :ivar is_cut: there are older values.
    """

    last: str
    is_size: bool
    path: str
    dots: list[Dot]
    rows: list[tuple[float, str]]
    lowest: str
    highest: str
    is_cut: bool


def chart_of(points: Sequence[Point], hint: str | None, *, is_cut: bool) -> Chart | None:
    """Return the chart of a field: by size for numbers and dates, else a line for each of its few values.

    :param hint: the kind that the source says the field is of.
    :return: None where there is nothing to see: fewer than two values, too many different ones, lists.
    """
    values = [_named(point.value) for point in points]
    kind = _kind(hint, [point.value for point in points])
    present = [value for value in values if value not in (None, "")]
    if len(points) < 2 or not present:
        return None
    heights = _by_size(values, kind)
    is_size = heights is not None
    if heights is None:
        heights = _by_choice(values)
    if heights is None:
        return None
    xs = _across(points)
    labels = [label_of(value, kind) for value in values]
    dots = [
        Dot(x, y, point.event, label)
        for x, y, point, label in zip(xs, heights, points, labels, strict=True)
        if y is not None
    ]
    by_height = sorted({dot.y: dot.label for dot in dots}.items())
    rows = [by_height[0], by_height[-1]] if is_size and len(by_height) > 1 else by_height
    lowest, highest = by_height[-1][1], by_height[0][1]
    return Chart(labels[-1], is_size, _path(xs, heights), dots, rows, lowest, highest, is_cut)


def _kind(hint: str | None, values: Sequence[Any]) -> str:
    """Return the kind that a chart is drawn by: numbers written as text, for exactness, are numbers too."""
    written = [value for value in values if isinstance(value, str) and value]
    if hint in ("number", "money") and all(NUMBER.fullmatch(value) for value in written):
        values = [value for value in values if not isinstance(value, str)] or [0]
    return kind_of(hint, values)


def label_of(value: Any, kind: str) -> str:
    """Return a value in a few words; what is none is a dash."""
    if value in (None, ""):
        return "–"
    text = value_of(value, kind, None).text
    return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"


def _named(value: Any) -> Any:
    return ref_name(value) if isinstance(value, dict) else value


def _across(points: Sequence[Point]) -> list[float]:
    oldest, newest = points[0].event.occurred_at, points[-1].event.occurred_at
    span = newest - oldest
    if not span:
        return [END / len(points) * at for at in range(len(points))]
    return [round(END * ((point.event.occurred_at - oldest) / span), 2) for point in points]


def _by_size(values: Sequence[Any], kind: str) -> list[float | None] | None:
    """Return the heights of numbers and dates, None where they are neither."""
    sizes = [_size(value, kind) for value in values]
    present = [size for size in sizes if size is not None]
    blank = sum(value in (None, "") for value in values)
    if kind not in ("number", "money", "date") or len(present) + blank < len(values):
        return None
    low, high = min(present), max(present)
    if low == high:
        return [None if size is None else (TOP + BOTTOM) / 2 for size in sizes]
    # Halves, where the whole is more than a double holds.
    part = 0.5 if isinf(high - low) else 1.0
    span, foot = high * part - low * part, low * part
    return [
        None if size is None else round(BOTTOM - (BOTTOM - TOP) * ((size * part - foot) / span), 2)
        for size in sizes
    ]


def _size(value: Any, kind: str) -> float | None:
    if isinstance(value, bool) or value in (None, ""):
        return None
    if kind == "date":
        return _seconds(value) if isinstance(value, str) else None
    is_number = isinstance(value, int | float) or (isinstance(value, str) and NUMBER.fullmatch(value))
    return float(value) if is_number else None


def _seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(without_leap_second(text))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    except (ValueError, OverflowError):  # a 31st of February
        return None


def _by_choice(values: Sequence[Any]) -> list[float | None] | None:
    """Return a height for each of a few single values, the first at the foot; None where they are many."""
    if any(isinstance(value, list) for value in values):
        return None
    choices = list(dict.fromkeys(repr(value) for value in values if value not in (None, "")))
    if len(choices) > MAX_CHOICES:
        return None
    step = (BOTTOM - TOP) / (len(choices) - 1) if len(choices) > 1 else 0
    height = {choice: round(BOTTOM - step * at, 2) for at, choice in enumerate(choices)}
    return [height.get(repr(value)) for value in values]


def _path(xs: Sequence[float], ys: Sequence[float | None]) -> str:
    """Return the steps: each value holds until the next one."""
    parts = []
    drawn: float | None = None
    for (x, y), (next_x, _) in pairwise([*zip(xs, ys, strict=True), (100.0, None)]):
        if y is not None:
            move = "M" if drawn is None else "L"
            parts.append(f"{move}{x * WIDTH / 100:g} {y * HEIGHT / 100:g}H{next_x * WIDTH / 100:g}")
        drawn = y
    return "".join(parts)
