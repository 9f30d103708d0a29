"""``/api/v1/records/<type>/<id>/undo``: what would take one of a record's events back, or a whole story.

Asking for it takes the document, which the log keeps.
"""

from flask import Blueprint, Response, g, request

from auditapp.api.gate import key_required
from auditapp.api.problems import problem, refused_parameters
from auditapp.api.query_string import event_id, query_values
from auditapp.api.records import PATH, of_record
from auditapp.filters import FilterError
from auditapp.http.replica_reads import reads_primary
from auditapp.outbound.undo import hand_over
from auditapp.reading.records.record import Record
from auditapp.reading.undo.prepare import Undo, undo_of_event, undo_of_story
from auditapp.values.strict_json import text_problem

bp = Blueprint("records_undo", __name__, url_prefix="/api/v1/records")
bp.register_error_handler(FilterError, refused_parameters)

MAX_CORRELATION = 512


@bp.get(f"{PATH}/undo")
@key_required("events:read")
@reads_primary
@of_record("/undo")
def undo(record: Record) -> Response:
    """Hand over the undo of ``event``, or of the story ``correlation``, if that touched the record."""
    prepared = _undo_of_query()
    if prepared is None or record not in prepared.touched:
        return problem(404, "Not Found", "This record has no such event or story.")
    # Whoever asks for the head alone gets no document.
    if request.method == "HEAD":
        return Response(content_type="application/json")
    text = hand_over(prepared, g.viewer, "api", actor=g.key_as_actor, origin="api")
    return Response(text, content_type="application/json")


def _undo_of_query() -> Undo | None:
    """Return the undo that the query string names, None if there is no such event or story.

    :raise FilterError: if it names none, or both.
    """
    arguments = query_values("event", "correlation")
    if len(arguments) != 1:
        raise FilterError({"event": "event: name an event by its id, or else a correlation."})
    if "event" in arguments:
        return undo_of_event(str(event_id("event", arguments["event"])), g.viewer)
    correlation = arguments["correlation"]
    if len(correlation) > MAX_CORRELATION or text_problem(correlation):
        raise FilterError({"correlation": "correlation: this can be no correlation's id."})
    return undo_of_story(correlation, g.viewer)
