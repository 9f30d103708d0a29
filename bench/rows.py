"""The row that all contenders write, and what they change of it."""

import datetime

# What Auditapp asks of SQLite; the others get the same, so that nobody wins by being less safe.
PRAGMAS = ("PRAGMA foreign_keys = ON", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
CHANGED = {"stage": "won", "value": 20000.0, "note": "Signed by both sides today."}
OPENED = datetime.datetime(2026, 3, 24, 9, 55, 43)


def a_row(number: int) -> dict[str, object]:
    """Return the fourteen columns beside the id."""
    return {
        "name": f"Data Center Refresh {number}",
        "company": "Northwind Traders",
        "email": f"buyer{number}@northwind.example",
        "phone": "+49 30 555 0100",
        "city": "Berlin",
        "country": "Germany",
        "stage": "open",
        "source": "referral",
        "note": "They want an offer for forty racks, delivered in two parts before the summer.",
        "seats": number,
        "value": 12500.5,
        "active": True,
        "opened_at": OPENED,
        "due": OPENED.date(),
    }


def repeats(size: int) -> int:
    """Return how often one answer does its work, so that small sizes are measured as well as large ones."""
    return max(1, 50 // size)
