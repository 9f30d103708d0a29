"""For load balancers: is the process up, and can it record. No secrets: anybody may ask."""

from flask import Blueprint, Response, current_app

from auditapp.http.gates import public
from auditapp.operating.readiness import Readiness

bp = Blueprint("health", __name__)
RETRY_AFTER_SECONDS = 5


@bp.get("/healthz")
@public
def healthz() -> Response:
    """Say that the process answers: no database, no session, no lock."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@public
def readyz() -> Response:
    """Say whether events can be recorded, by a write that is tried every few seconds at most."""
    readiness: Readiness = current_app.extensions["auditapp_readiness"]
    if trouble := readiness.trouble():
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Response(f"not ready: {trouble.what}\n", 503, headers, mimetype="text/plain")
    return Response("ready\n", mimetype="text/plain")
