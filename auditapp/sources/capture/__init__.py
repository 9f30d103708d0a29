"""Capture of a SQLAlchemy application's own changes, in the transaction that makes them."""

from auditapp.sources.capture.registry import Capture, capture
from auditapp.sources.capture.story import Captured, captured, capturing

__all__ = ["Capture", "Captured", "capture", "captured", "capturing"]
