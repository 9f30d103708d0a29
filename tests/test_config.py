"""Settings: checked at start, with one clear line for a wrong one."""

import os
import re
import stat
import subprocess
import sys

import pytest

from auditapp import config
from auditapp.config import ROOT, ConfigError, Settings, flask_config, load_settings, secret_file


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SESSION_HOURS", "many", "valid integer"),
        ("SESSION_HOURS", "0", "greater than or equal to 1"),
        ("SESSION_IDLE_MINUTES", "-1", "greater than"),
        ("TRUSTED_PROXIES", "1.5", "valid integer"),
        ("HTTPS", "perhaps", "valid boolean"),
        ("DEFAULT_TIMEZONE", "Moon/Base", "no such time zone"),
        ("DATABASE_URL", "mysql://x", "is not supported"),
        ("DATABASE_URL", "postgresql://x", "is not supported"),
        ("DATABASE_URL", "nonsense", "not a database URL"),
        ("DATABASE_REPLICA_URL", "postgresql+psycopg://x", "not built yet"),
        ("BASE_URL", "audit.example.com", "not the address of a site"),
        ("BASE_URL", "https://audit.example.com/path", "not the address of a site"),
        ("BASE_URL", "https://me@audit.example.com", "not the address of a site"),
        ("BASE_URL", "ftp://audit.example.com", "not the address of a site"),
        ("SESION_HOURS", "12", "there is no such setting"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(monkeypatch, name, value, says):
    monkeypatch.setenv(f"AUDITAPP_{name}", value)

    with pytest.raises(ConfigError) as wrong:
        load_settings()

    assert str(wrong.value).startswith(f"AUDITAPP_{name}: ")
    assert says in str(wrong.value) and "\n" not in str(wrong.value)


def test_the_program_stops_with_that_line_and_no_traceback():
    environment = {**os.environ, "AUDITAPP_SESSION_HOURS": "many"}

    for command in ([sys.executable, "app.py"], [sys.executable, "-m", "flask", "--app", "app", "doctor"]):
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 1
        assert result.stderr.strip().startswith("auditapp: AUDITAPP_SESSION_HOURS")
        assert result.stderr.count("\n") == 1


def test_settings_come_from_the_environment_before_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("AUDITAPP_SESSION_HOURS=3\nAUDITAPP_HTTPS=on\nOTHER=1\n")
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.setenv("AUDITAPP_SESSION_HOURS", "4")

    settings = load_settings()

    assert (settings.SESSION_HOURS, settings.HTTPS) == (4, True)
    assert flask_config(settings)["SESSION_COOKIE_SECURE"] is True


def test_a_secret_is_made_once_and_is_private(tmp_path):
    path = tmp_path / "instance" / "secret_key"

    assert secret_file(path) == secret_file(path)
    assert len(secret_file(path)) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_every_setting_is_documented():
    documented = set(re.findall(r"`AUDITAPP_(\w+)`", (ROOT / "docs" / "settings.md").read_text()))

    assert documented == set(Settings.model_fields)
