"""For monitoring on this machine: what is measured of the whole installation, which no role opens."""

from flask import Blueprint, Response, current_app

from auditapp.http.gates import this_machine_only
from auditapp.http.metrics import CONTENT_TYPE, Metrics

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
@this_machine_only
def show() -> Response:
    """Return all metrics in the text format of Prometheus."""
    metrics: Metrics = current_app.extensions["auditapp_metrics"]
    return Response(metrics.text(), content_type=CONTENT_TYPE)
