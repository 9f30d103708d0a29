"""Page or fragment: one route serves both, from the same underscore partial."""

from typing import Any

from flask import Response, make_response, render_template, request


def wants_fragment() -> bool:
    """Tell whether htmx asks for the inside of one region instead of a whole page."""
    return request.headers.get("HX-Request-Type") == "partial"


def render(page: str, fragment: str, /, *, push_url: str | None = None, **context: Any) -> Response:
    """Render the page, or for htmx the fragment that the page includes.

    :param push_url: the canonical URL for the address bar; sent with fragments only, since htmx
        obeys it on Back too.
    """
    if not wants_fragment():
        return make_response(render_template(page, **context))
    response = make_response(render_template(fragment, **context))
    if push_url:
        response.headers["HX-Push-Url"] = push_url
    return response
