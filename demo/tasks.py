"""Tasks: entered by people and workflows, taken up, put off and done."""

import random
from typing import Any

from demo.office import Office, day
from demo.world import Doing, Record, Story


def add_task(
    office: Office,
    by: Doing,
    who: str,
    title: str,
    deal: Record | None,
    *,
    due: str | None,
    priority: str = "Normal",
    text: str = "",
) -> Record:
    """Enter a task for somebody."""
    state: dict[str, Any] = {
        "title": title,
        "status": "Open",
        "priority": priority,
        "due": due,
        "assignee": office.person(who).ref(),
        "deal": [deal.ref()] if deal else [],
        "description": text,
        "estimate_hours": None,
    }
    return office.world.create(by, "task", state, keeper=who)


def task_story(office: Office, task: Record, rng: random.Random, days: float) -> Story:
    """Let a task take its course: begun, perhaps put off, done."""
    world = office.world
    yield office.person(task.keeper).later(world.clock, days * rng.uniform(0.2, 0.6), rng)
    if rng.random() < 0.3:
        by = office.person(task.keeper).does(rng)
        world.update(by, task, status="In progress", estimate_hours=rng.choice([0.5, 1, 2, 4, 6]))
        yield office.person(task.keeper).later(world.clock, rng.uniform(0.5, 2), rng)
    if rng.random() < 0.2:
        by = office.person(task.keeper).does(rng)
        world.update(by, task, due=day(world.clock, rng.randint(3, 10)))
        yield office.person(task.keeper).later(world.clock, rng.uniform(2, 6), rng)
    else:
        yield office.person(task.keeper).later(world.clock, days * rng.uniform(0.3, 0.6), rng)
    world.update(office.person(task.keeper).does(rng), task, status="Done")
