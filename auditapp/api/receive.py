"""``POST /in/<source>``: webhooks of other products, in their own form and signature."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from auditapp.access.rate import seconds_to_wait
from auditapp.api.answers import json_answer, recorded_answer
from auditapp.api.bodies import whole_body
from auditapp.api.gate import too_many
from auditapp.api.problems import problem
from auditapp.extensions import csrf
from auditapp.http.gates import public
from auditapp.inbound.receiving import NotAuthentic, note_refusal, receive
from auditapp.inbound.set_aside import TooManySetAside
from auditapp.inbound.source import find_source
from auditapp.server_log import denied, identify

RETRY_AFTER_SECONDS = 3600
NOT_AUTHENTIC = "The secret or signature is not this source's."
TOO_LARGE = "The body has more than 10 MiB."

bp = Blueprint("receive", __name__)
csrf.exempt(bp)


@bp.post("/in/<path>")
@public  # whoever holds the source's secret, which is checked with the body
def create(path: str) -> Response:
    """Record what a webhook tells: 201, or 200 for a replay, or 202 for what was set aside unread."""
    source = find_source(path)
    if source is None:
        denied("source-unknown")
        return problem(404, "Not Found", "There is no such source. Settings → Sources shows its URL.")
    identify(source=str(source.id), workspace=source.workspace.slug)
    if seconds := seconds_to_wait(f"source:{source.id}"):
        return too_many(seconds)
    try:
        received = receive(source, dict(request.headers), whole_body())
    except RequestEntityTooLarge:
        note_refusal(source, TOO_LARGE)
        raise
    except NotAuthentic:
        denied("signature")
        note_refusal(source, NOT_AUTHENTIC)
        return problem(401, "Unauthorized", NOT_AUTHENTIC)
    except TooManySetAside:
        response = problem(503, "Service Unavailable", "Too much of this source waits to be read.")
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    if received.reason is not None:
        return json_answer({"set_aside": True, "reason": received.reason}, 202)
    return recorded_answer(received.recorded)
