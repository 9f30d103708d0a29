"""What every view says of whom it lets in, and that none forgets to; the gates are the front doors' own."""

import ipaddress
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from flask import abort, request

from auditapp.http.links import is_loopback

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Let everybody pass."""
    view.gate = "public"  # type: ignore[attr-defined]
    return view


# What a proxy adds to a request of somebody else.
PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


def this_machine_only(view: View) -> View:
    """Let whoever asks from this machine pass; to all others it is as if there were nothing.

    What a proxy passes on is refused, whatever it says of its sender: a proxy on this machine has a loopback
    address too, whoever stands behind it. So is a Host that is not this machine's: a browser here may have
    been led to us by a name that somebody made up.
    """

    @wraps(view)
    def gated(*args: Any, **kwargs: Any) -> Any:
        if not _is_from_this_machine():
            abort(404)
        return view(*args, **kwargs)

    gated.gate = "this machine"  # type: ignore[attr-defined]
    return gated  # type: ignore[return-value]


def _is_from_this_machine() -> bool:
    if any(name in request.headers for name in PASSED_ON) or not is_loopback(request.host):
        return False
    try:
        address = ipaddress.ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


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
