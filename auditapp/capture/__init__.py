"""Capture of a SQLAlchemy application's own changes, in the transaction that makes them."""

from auditapp.capture.registry import Capture, capture
from auditapp.capture.story import Captured, captured, capturing

__all__ = ["Capture", "Captured", "capture", "captured", "capturing"]
