"""The forms that webhooks come in, by the name that a source keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auditapp.inbound.cloudevents import events as cloudevents
from auditapp.inbound.cloudevents import modes as cloudevents_http
from auditapp.inbound.customermates import webhook as customermates_webhook
from auditapp.inbound.retraced import events as retraced


def _body_tells_all(
    _headers: Mapping[str, str], _body: bytes, _default_actor: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    return None


@dataclass(frozen=True)
class Form:
    """A product's form: how it signs, and how its bodies become events.

    :ivar events_of: maps a body's JSON.
    :ivar events_of_headers: maps a request that its headers tell how to read; None where they do not.
    :ivar secret_in_header: the sender sends the secret itself, and a header must be able to carry it.
    """

    name: str
    authentic: Callable[[Mapping[str, str], bytes, str], bool]
    events_of: Callable[..., list[dict[str, Any]]]
    how: str
    secret_in_header: bool = True
    events_of_headers: Callable[
        [Mapping[str, str], bytes, Mapping[str, Any]], list[dict[str, Any]] | None
    ] = _body_tells_all


FORMS: dict[str, Form] = {
    "customermates": Form(
        "Customermates",
        customermates_webhook.authentic,
        customermates_webhook.events_of,
        "In Customermates, add a webhook with this URL and secret; it signs each body with it.",
        secret_in_header=False,
    ),
    "retraced": Form(
        "Retraced",
        retraced.authentic,
        retraced.events_of,
        'Post single events or {"events": [...]} here with the header Authorization: token=<secret>.',
    ),
    "cloudevents": Form(
        "CloudEvents",
        cloudevents.authentic,
        cloudevents.events_of,
        "Post CloudEvents 1.0 in any mode: structured, batched or binary, with the header"
        " Authorization: Bearer <secret>.",
        events_of_headers=cloudevents_http.events_of_headers,
    ),
}
