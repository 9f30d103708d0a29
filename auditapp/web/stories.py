"""A story: one action and all it set off, as a page, and as the inside of a row of the timeline."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, g, request, url_for
from flask.typing import ResponseReturnValue

from auditapp.access.permissions import AUDIT_LOG_READ, Permission
from auditapp.filters import STORY, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.reading.story_tree import WholeStory, each_step, story_of, without
from auditapp.values.strict_json import shorten, text_problem
from auditapp.web.errors import error_page
from auditapp.web.formats import grouped
from auditapp.web.fragments import render
from auditapp.web.gate import permission_required
from auditapp.web.sentences import AUTOMATED_ORIGINS
from auditapp.web.timeline import timeline_url
from auditapp.web.times import distance

bp = Blueprint("stories", __name__)

# What a browser resolves before it asks: no path can hold them.
NO_PATHS = (".", "..")
# What people did themselves: sources may record an automation under the name of a person.
BY_PEOPLE = {("actor_type", "user"), *(("origin", f"!{origin}") for origin in AUTOMATED_ORIGINS)}


@bp.get("/w/<workspace>/stories/<record_id:correlation_id>")
@permission_required(AUDIT_LOG_READ)
def show(workspace: str, correlation_id: str) -> ResponseReturnValue:
    """Show a story; ``after`` pages through a long one, ``under`` names the row that it opens under."""
    if text_problem(correlation_id):
        abort(404)
    unknown = sorted(set(request.args) - {"after", "under"})
    if unknown:
        return error_page(422, f"{shorten(unknown[0])} is not known here", "A story takes after and under.")
    try:
        after = places_of(g.viewer.workspace).read(request.args["after"]) if "after" in request.args else None
    except ValueError as error:
        return error_page(422, "That is no place in this story", f"after: {error}.")
    story = story_of(correlation_id, g.viewer, after=after)
    if story is None:
        abort(404)
    return render(
        "stories/show.html",
        "stories/_story.html",
        workspace=workspace,
        correlation_id=correlation_id,
        story=story,
        steps=without(story.steps, request.args.get("under")),
        shown=[step.event for step in each_step(story.steps)],
        left=_left(story),
        failed=[step for step in each_step(story.steps) if step.event.outcome != "success"],
    )


def _left(story: WholeStory) -> str:
    """Say how many steps follow a story's first page; on a later one that would have to be counted."""
    if story.older or not story.newer:
        return ""
    # All but the head are counted as others.
    left = story.story.others + 1 - sum(1 for _ in each_step(story.steps))
    return f"{grouped(left)}{'+' if story.story.more else ''} more"


def story_url(workspace: str, correlation_id: str, **query: str) -> str:
    """Return the URL of a story; of the timeline where no path can name it."""
    if correlation_id in NO_PATHS:
        return timeline_url(workspace, [("correlation", correlation_id)])
    path: dict[str, Any] = {"correlation_id": correlation_id, **query}
    return url_for("stories.show", workspace=workspace, **path)


def ways_to_read(filters: TimelineFilters) -> list[tuple[str, list[tuple[str, str]], bool]]:
    """Return the ways to read the timeline: the name, the filter's pairs, whether it is the current one."""
    is_story = filters.group == STORY
    pairs = filters.to_query(before=None, after=None, group=None)
    by_people = is_story and set(pairs) >= BY_PEOPLE
    others = [pair for pair in pairs if not (by_people and pair in BY_PEOPLE)]
    people = [pair for pair in others if pair[0] != "actor_type"]
    story = ("group", STORY)
    return [
        (_all_of_it(), others, not is_story),
        ("By story", sorted([*others, story]), is_story and not by_people),
        ("What people did", sorted([*people, story, *BY_PEOPLE]), by_people),
    ]


def _all_of_it() -> str:
    return "Everything" if g.viewer.can(Permission.AUDIT_LOG_READ_ALL) else "All that you may see"


def unfiltered(filters: TimelineFilters) -> list[tuple[str, str]]:
    """Return the pairs that say what a row is, and how many there are, without those that narrow."""
    narrowing = {name for name, _ in filters.chips()} | {"before", "after"}
    return filters.to_query(**dict.fromkeys(narrowing))


@bp.app_template_filter("distance")
def _distance(length: timedelta) -> str:
    return distance(length)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"story_url": story_url, "ways_to_read": ways_to_read, "unfiltered": unfiltered}
