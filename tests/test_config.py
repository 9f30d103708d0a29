"""Settings: checked at start, with one clear line for a wrong one."""

import os
import re
import stat
import subprocess
import sys

import pytest

from auditapp import config
from auditapp.config import (
    ROOT,
    ConfigError,
    Settings,
    flask_config,
    load_settings,
    make_private_folder,
    secret_file,
)


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
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@x@host/name", "%40"),
        ("DATABASE_URL", "postgresql+psycopg://u:p@host:hunter2/name", "not a database URL"),
        ("DATABASE_URL", "sqlite://", "name a file"),
        ("DATABASE_URL", "sqlite:///:memory:", "name a file"),
        ("DATABASE_URL", "sqlite://auditapp.db", "name a file"),
        ("SECRET_KEY", "hunter2", "too short"),
        ("SECRET_KEY", " " * 40, "too short"),
        ("LOG_KEY_FILE", "/nowhere/key", "cannot be read: No such file"),
        ("LOG_KEY_FILE", "/", "cannot be read: Is a directory"),
        ("LOG_KEY_FILE", "/dev/null", "holds no key"),
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
        ("REQUESTS_PER_MINUTE", "0", "greater than or equal to 1"),
        ("DATABASE_REPLICA_URL", "postgresql+psycopg://x", "AUDITAPP_DATABASE_URL must name its primary"),
        ("DATABASE_REPLICA_URL", "sqlite:////tmp/replica.db", "a standby of PostgreSQL"),
        ("DATABASE_REPLICA_URL", "postgresql+psycopg://u:hunter2@x@host/name", "%40"),
        ("DATABASE_REPLICA_URL", "nonsense", "not a database URL"),
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
    assert "hunter2" not in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"AUDITAPP_HTTPS=on\nthis is no setting\n", "line 2: write NAME=value"),
        (b"\n\n# a remark\n\nAUDITAPP_HTTPS\n", "line 5: write NAME=value"),
        (b"=hunter2\n", "line 1: write NAME=value"),
        (b"AUDITAPP_SECRET_KEY='hunter2\n", "line 1: write NAME=value"),
        (b"AUDITAPP_SECRET_KEY=hunter2\xff\n", "is not UTF-8: byte 27"),
        ("AUDITAPP_HTTPS=on".encode("utf-16"), "is not UTF-8"),
        ("AUDITAPP_HTTPS=on".encode("utf-16-le"), "is not UTF-8"),
        (b"AUDITAPP_HTPPS=hunter2", "AUDITAPP_HTPPS: there is no such setting"),
        (b"auditapp_https=on", "auditapp_https: there is no such setting"),
        (b"\xef\xbb\xbfAUDITAPP_HTTPS=perhaps", "AUDITAPP_HTTPS: Input should be a valid boolean"),
        (b"export AUDITAPP_SESSION_HOURS=0", "AUDITAPP_SESSION_HOURS: Input should be greater"),
    ],
)
def test_a_file_of_settings_that_cannot_be_read_is_one_line(monkeypatch, tmp_path, text, says):
    (tmp_path / ".env").write_bytes(text)
    monkeypatch.setattr(config, "ROOT", tmp_path)

    with pytest.raises(ConfigError) as wrong:
        load_settings()

    assert says in str(wrong.value) and len(str(wrong.value).splitlines()) == 1
    assert "hunter2" not in str(wrong.value)


def test_a_folder_or_a_link_to_nowhere_is_no_file_of_settings(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "ROOT", tmp_path)
    assert load_settings() == Settings()

    (tmp_path / ".env").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"\.env leads nowhere"):
        load_settings()
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    with pytest.raises(ConfigError, match=r"\.env cannot be read: Is a directory"):
        load_settings()


def test_a_replica_is_taken_beside_its_primary(monkeypatch):
    for name in ("DATABASE_URL", "DATABASE_REPLICA_URL"):
        host = name.lower().replace("_", "-")
        monkeypatch.setenv(f"AUDITAPP_{name}", f"postgresql+psycopg://u@{host}/audit")

    assert "replica" in flask_config(load_settings())["DATABASE_REPLICA_URL"]


def test_an_empty_setting_is_none(monkeypatch):
    monkeypatch.setenv("AUDITAPP_SESSION_HOURS", "")

    assert load_settings() == Settings()


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


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"hunter2", "is too short"), (b"\xff" * 40, "no text")],
)
def test_a_secret_that_is_none_is_one_line_that_says_what_to_do(tmp_path, content, says):
    path = tmp_path / "secret_key"
    path.write_bytes(content)

    with pytest.raises(ConfigError) as wrong:
        secret_file(path)

    assert says in str(wrong.value) and "delete the file" in str(wrong.value)
    assert str(path) in str(wrong.value) and "hunter2" not in str(wrong.value)


def test_a_secret_that_cannot_be_read_or_made_is_one_line(tmp_path):
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(ConfigError, match="secret_key cannot be read or made: Is a directory"):
        secret_file(tmp_path / "secret_key")

    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be read or made"):
        secret_file(tmp_path / "file" / "secret_key")
    with pytest.raises(ConfigError, match="must be a folder"):
        make_private_folder(tmp_path / "file")


def test_what_others_could_read_is_taken_from_them(tmp_path):
    folder, path = tmp_path / "instance", tmp_path / "instance" / "secret_key"
    folder.mkdir(0o755)
    path.write_text("s" * 40)
    path.chmod(0o444)

    make_private_folder(folder)
    secret_file(path)

    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, path)] == [0o700, 0o400]


def test_every_setting_is_documented():
    documented = set(re.findall(r"`AUDITAPP_(\w+)`", (ROOT / "docs" / "settings.md").read_text()))

    assert documented == set(Settings.model_fields)
