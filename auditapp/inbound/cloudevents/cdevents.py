"""CDEvents: what pipelines tell, as the data of a CloudEvent or by itself.

    {"context": {"id", "source", "type", "timestamp", "chainId"?}, "subject": {"id", "content": {…}}}

https://github.com/cdevents/spec: ``spec.md``, and ``cloudevents-binding.md`` for the attributes.
"""

from typing import Any

PREFIX = "dev.cdevents"
# Its attributes as a CloudEvent, and where it has them itself.
PLACES = {
    "id": ("context", "id"),
    "source": ("context", "source"),
    "type": ("context", "type"),
    "subject": ("subject", "id"),
    "time": ("context", "timestamp"),
    "correlationid": ("context", "chainId"),
}


def attributes_in(document: object) -> dict[str, Any] | None:
    """Return a CDEvent's attributes as a CloudEvent, without a version; None where this is no CDEvent."""
    if not isinstance(document, dict):
        return None
    context, subject = document.get("context"), document.get("subject")
    if not isinstance(context, dict) or not isinstance(subject, dict):
        return None
    if not str(context.get("type")).startswith(PREFIX):
        return None
    return {name: document[part].get(key) for name, (part, key) in PLACES.items()}


def place_of(path: str) -> str:
    """Return where a CDEvent has a CloudEvent's attribute: ``subject.id`` for ``subject``."""
    name, *rest = path.split(".")
    return ".".join([*PLACES.get(name, (name,)), *rest])
