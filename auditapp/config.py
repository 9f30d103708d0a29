"""Settings from the environment (prefix ``AUDITAPP_``) and ``.env``, checked at start."""

import os
import re
import secrets
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
PREFIX = "AUDITAPP_"

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
# The Host header as it may be: a name or an address, and a port.
HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?")
BASE_URL = re.compile(rf"https?://{HOST.pattern}/?", re.IGNORECASE)

# 3.7.0 to 3.51.2 can corrupt a WAL file written by two connections (the WAL-reset bug).
SQLITE_WITH_SAFE_WAL = (3, 51, 3)
BUSY_SECONDS = 5  # how long to wait for a lock before saying so


class ConfigError(Exception):
    """A setting is wrong; the message is one line that names it."""


class Settings(BaseSettings):
    """Every setting there is; ``docs/settings.md`` says the same in prose."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    DATABASE_URL: str = ""
    DATABASE_REPLICA_URL: str = ""
    SECRET_KEY: str = ""
    LOG_KEY_FILE: str = ""
    HTTPS: bool = False
    TRUSTED_PROXIES: int = Field(default=0, ge=0, le=10)
    BASE_URL: str = ""
    SESSION_IDLE_MINUTES: int = Field(default=60, ge=1, le=60 * 24 * 30)
    SESSION_HOURS: int = Field(default=12, ge=1, le=24 * 365)
    DEFAULT_TIMEZONE: str = "UTC"
    REQUESTS_PER_MINUTE: int = Field(default=6000, ge=1)
    LOG_FORMAT: Literal["text", "json"] = "text"

    @field_validator("DEFAULT_TIMEZONE")
    @classmethod
    def zone_exists(cls, name: str) -> str:
        """Accept names of the IANA time zone database only."""
        if not is_timezone(name):
            raise ValueError(f"no such time zone: {name!r}; try Europe/Berlin or UTC")
        return name

    @field_validator("DATABASE_URL")
    @classmethod
    def database_is_supported(cls, url: str) -> str:
        """Accept SQLite and PostgreSQL through psycopg 3."""
        if not url:
            return url
        try:
            driver = make_url(url).drivername
        except ArgumentError:
            raise ValueError("not a database URL; try postgresql+psycopg://user@host/name") from None
        if driver not in {"sqlite", "postgresql+psycopg"}:
            raise ValueError(f"{driver!r} is not supported; use sqlite:/// or postgresql+psycopg://")
        return url

    @field_validator("BASE_URL")
    @classmethod
    def base_is_an_address(cls, url: str) -> str:
        """Accept a scheme and a host, no path: the pages know no other place than the top."""
        if url and not BASE_URL.fullmatch(url):
            raise ValueError("not the address of a site; try https://audit.example.com")
        return url.rstrip("/").lower()

    @field_validator("DATABASE_REPLICA_URL")
    @classmethod
    def replica_is_for_later(cls, url: str) -> str:
        """Say so instead of leaving it unused in silence."""
        if url:
            raise ValueError("reading from a replica is not built yet; unset it")
        return url


def is_timezone(name: str) -> bool:
    """Tell whether ``name`` is a zone that this installation can compute with."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def load_settings() -> Settings:
    """Read the settings; the environment wins over ``.env``.

    :raise ConfigError: on the first wrong or unknown setting, with its name.
    """
    given = {
        name: value
        for name, value in {**dotenv_values(ROOT / ".env"), **os.environ}.items()
        if name.startswith(PREFIX)
    }
    unknown = sorted(set(given) - {PREFIX + name for name in Settings.model_fields})
    if unknown:
        raise ConfigError(f"{unknown[0]}: there is no such setting; see docs/settings.md")
    values: dict[str, Any] = {name.removeprefix(PREFIX): value for name, value in given.items() if value}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{PREFIX}{first['loc'][0]}: {message}") from None


def flask_config(settings: Settings) -> dict[str, Any]:
    """Translate the settings into what Flask and its extensions read."""
    INSTANCE.mkdir(mode=0o700, parents=True, exist_ok=True)  # holds the log, hashes and the secret
    return {
        "SECRET_KEY": settings.SECRET_KEY or secret_file(INSTANCE / "secret_key"),
        "SQLALCHEMY_DATABASE_URI": settings.DATABASE_URL or f"sqlite:///{INSTANCE / 'auditapp.db'}",
        "SESSION_COOKIE_NAME": "auditapp",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.HTTPS,
        "WTF_CSRF_TIME_LIMIT": None,  # a sign-in page left open over lunch still works
        "MAX_CONTENT_LENGTH": 10 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 64 * 1024,
        "COMPRESS_MIN_SIZE": 500,
        # Our pages and files are a tenth smaller than by zstd, which browsers are offered by default.
        "COMPRESS_ALGORITHM": ["br", "gzip"],
        "COMPRESS_BR_LEVEL": 5,
        "HTTPS": settings.HTTPS,
        "TRUSTED_PROXIES": settings.TRUSTED_PROXIES,
        "BASE_URL": settings.BASE_URL,
        "SESSION_IDLE": timedelta(minutes=settings.SESSION_IDLE_MINUTES),
        "SESSION_LIFETIME": timedelta(hours=settings.SESSION_HOURS),
        "DEFAULT_TIMEZONE": settings.DEFAULT_TIMEZONE,
        "REQUESTS_PER_MINUTE": settings.REQUESTS_PER_MINUTE,
        "LOG_FORMAT": settings.LOG_FORMAT,
    }


def engine_options(url: str) -> dict[str, Any]:
    """Return the engine's options for SQLite or PostgreSQL."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"hide_parameters": True, "connect_args": {"timeout": BUSY_SECONDS}}
    return {
        "hide_parameters": True,
        "pool_pre_ping": True,
        "pool_timeout": BUSY_SECONDS,
        "connect_args": {
            "connect_timeout": BUSY_SECONDS,
            "options": f"-c timezone=UTC -c lock_timeout={int(BUSY_SECONDS * 1000)}",
        },
    }


def sqlite_journal_mode() -> str:
    """Return the journal this SQLite can be trusted with."""
    return "wal" if sqlite3.sqlite_version_info >= SQLITE_WITH_SAFE_WAL else "delete"


def secret_file(path: Path) -> str:
    """Return the secret kept in ``path``, made at first use, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        # Two processes may start at once: the first link wins, both then read the same file.
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
