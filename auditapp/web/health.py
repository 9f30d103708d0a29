"""For load balancers: is the process up, and can it reach its database."""

from flask import Blueprint, Response
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from auditapp.access.gate import public
from auditapp.extensions import db
from auditapp.models import Workspace

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def healthz() -> Response:
    """Say that the process answers."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@public
def readyz() -> Response:
    """Say whether the database answers and has its tables."""
    try:
        db.session.execute(select(Workspace.id).limit(1))
    except SQLAlchemyError:
        db.session.rollback()
        return Response("the database does not answer\n", 503, {"Retry-After": "5"}, mimetype="text/plain")
    return Response("ready\n", mimetype="text/plain")
