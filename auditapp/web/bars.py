"""The bars of the activity as they are drawn. A bar's height is its count and says nothing else.

What would be too low to be seen is marked below the bars instead: see ``templates/timeline/_overview.html``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from auditapp.finding import EFFECTS

# The picture, in its own units; it is stretched over the page's width.
WIDTH = 1000
HEIGHT = 56
FOOT = 40  # the bars stand here and reach up to 0
WIDEST = 160  # a bar; one alone would be a wall
# Below the foot: where anything was deleted, and where anything failed. From where, in each case 5 high.
FLAGS = {"deleted": 43, "failed": 50}
FLAG_HEIGHT = 5


@dataclass(frozen=True)
class Part:
    """What one effect contributes to a bar: where it begins, from the top, and how high it is."""

    effect: str
    top: float
    height: float


def parts_of(effects: Mapping[str, int], highest: int) -> list[Part]:
    """Stack the parts of a bar from the foot up; together they are as high as its events are many.

    :param effects: how many events did what.
    :param highest: the events of the highest bar, which fills the picture.
    """
    parts, events = [], 0
    for effect in EFFECTS:
        if not effects.get(effect):
            continue
        below, events = events, events + effects[effect]
        top, end = (round(FOOT - FOOT * count / highest, 5) for count in (events, below))
        parts.append(Part(effect, top, round(end - top, 5)))
    return parts
