"""The forms that webhooks come in, by the name that a source keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auditapp.sources import cloudevents, customermates_webhook, retraced


@dataclass(frozen=True)
class Kind:
    """A product's form: how it signs, and how its bodies become events."""

    name: str
    authentic: Callable[[Mapping[str, str], bytes, str], bool]
    events_of: Callable[..., list[dict[str, Any]]]
    how: str


KINDS: dict[str, Kind] = {
    "customermates": Kind(
        "Customermates",
        customermates_webhook.authentic,
        customermates_webhook.events_of,
        "In Customermates, add a webhook with this URL and secret; it signs each body with it.",
    ),
    "retraced": Kind(
        "Retraced",
        retraced.authentic,
        retraced.events_of,
        'Post single events or {"events": [...]} here with the header Authorization: token=<secret>.',
    ),
    "cloudevents": Kind(
        "CloudEvents",
        cloudevents.authentic,
        cloudevents.events_of,
        "Post CloudEvents 1.0, one or a batch, with the header Authorization: Bearer <secret>.",
    ),
}
