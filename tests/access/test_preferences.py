"""How one likes to read, as kept: whatever is there, something sensible is read."""

import json

import pytest

from auditapp.access.preferences import Preferences, is_zone, keep, preferences_from, read_preferences
from auditapp.models import Account

USUAL = Preferences()


@pytest.mark.parametrize(
    ("kept", "is_read"),
    [
        (None, USUAL),
        ("", USUAL),
        ("{", USUAL),
        ("[]", USUAL),
        ("null", USUAL),
        ('{"colour": "red"}', USUAL),
        ('{"columns": []}', Preferences(columns=())),
        ('{"columns": ["id", "moon", "actor"]}', Preferences(columns=("actor", "id"))),
        ('{"columns": "actor"}', USUAL),
        ('{"columns": {"actor": 1}}', USUAL),
        ('{"columns": [["actor"]]}', Preferences(columns=())),
        ('{"density": "compact"}', Preferences(density="compact")),
        ('{"density": "tiny"}', USUAL),
        ('{"density": []}', USUAL),
        ('{"times": "exact"}', Preferences(times="exact")),
        ('{"times": 3}', USUAL),
        ('{"zone": "Asia/Tokyo"}', Preferences(zone="Asia/Tokyo")),
        ('{"zone": "workspace"}', Preferences(zone="workspace")),
        ('{"zone": "Moon/Base"}', USUAL),
        ('{"zone": "../../etc/passwd"}', USUAL),
        ('{"zone": null}', USUAL),
        ('{"shortcuts": false}', Preferences(shortcuts=False)),
        ('{"shortcuts": "no"}', USUAL),
        ('{"shortcuts": false, "density": "tiny"}', Preferences(shortcuts=False)),
    ],
)
def test_what_is_unknown_falls_back_to_the_usual(kept, is_read):
    assert read_preferences(kept) == is_read


def test_what_is_kept_is_read_back():
    chosen = Preferences(("event", "id"), "compact", "relative", "America/St_Johns", False)
    account = Account()

    keep(account, chosen)

    assert read_preferences(account.preferences) == chosen
    assert json.loads(account.preferences)["zone"] == "America/St_Johns"


def test_columns_keep_the_order_of_the_page():
    assert preferences_from({"columns": ["id", "actor", "id"]}).columns == ("actor", "id")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("browser", True),
        ("workspace", True),
        ("Europe/Berlin", True),
        ("UTC", True),
        ("", False),
        ("Europe", False),
        ("x" * 65, False),
        ("\x00", False),
        (None, False),
        (5, False),
    ],
)
def test_a_zone_is_one_that_can_be_computed_with(name, good):
    assert is_zone(name) == good
