"""For load balancers: is the process up, and can it record. No secrets: anybody may ask."""

from collections.abc import Iterator

from flask import Blueprint, Response, current_app

from auditapp.followers.lag import MOST, FollowerLag, Lag
from auditapp.http.gates import public
from auditapp.operating.readiness import Readiness
from auditapp.web.formats import counted

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
    """Say whether events can be recorded, by a write that is tried every few seconds at most.

    What follows the log may be behind, or stand: a line each says so, and it is ready all the same.
    """
    readiness: Readiness = current_app.extensions["auditapp_readiness"]
    if trouble := readiness.trouble():
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Response(f"not ready: {trouble.what}\n", 503, headers, mimetype="text/plain")
    lines = ["ready", *_following(readiness.lag())]
    return Response("".join(f"{line}\n" for line in lines), mimetype="text/plain")


def _following(lag: Lag | None) -> Iterator[str]:
    if lag is None:
        yield "what follows the log: unknown"
        return
    if not lag.worker_runs:
        yield "no worker follows the log"
    for each in lag.followers:
        for words in _words(lag, each):
            yield f"{each.name}: {words}"


def _words(lag: Lag, of: FollowerLag) -> Iterator[str]:
    if of.behind:
        stands = ", and stands" if lag.stands(of) else ""
        yield f"{'at least ' if lag.is_more else ''}{counted(of.behind, 'event')} behind{stands}"
    if of.stale:
        yield f"being made anew, or to be, in {counted(of.stale, 'workspace')}"
    if of.failed:
        yield f"{'at least ' if of.failed >= MOST else ''}{counted(of.failed, 'event')} failed"
