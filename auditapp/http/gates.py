"""What every view says of whom it lets in, and that none forgets to; the gates are the front doors' own."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Let everybody pass."""
    view.gate = "public"  # type: ignore[attr-defined]
    return view


def unattended(view: View) -> View:
    """Say that a page asks for this by itself: it keeps nobody's session alive. Stands under the gate."""
    view.is_unattended = True  # type: ignore[attr-defined]
    return view


def check_every_route_has_a_gate(views: Mapping[str, Callable[..., Any]]) -> None:
    """Refuse to start with a route that everybody could pass by oversight.

    :param views: of the application, by their endpoints.
    :raise RuntimeError: naming the endpoints.
    """
    missing = [name for name, view in views.items() if not hasattr(view, "gate")]
    if missing:
        raise RuntimeError(f"routes without a gate: {', '.join(sorted(missing))}")
