"""The end of a transaction, whatever became of its connections."""

from sqlalchemy.exc import SQLAlchemyError

from auditapp.extensions import db


def roll_back() -> None:
    """End the transaction; where a connection was lost with it, the connections too."""
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()
