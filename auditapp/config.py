"""Settings from the environment (prefix ``AUDITAPP_``) and ``.env``, checked at start."""

import os
import re
import secrets
import sqlite3
import stat
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from auditapp.dotenv_file import DotenvError, read_dotenv

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
REPLICA_SECONDS = 2  # how long to wait for a replica's server before the primary is asked

SHORTEST_SECRET = 16  # characters; of hexadecimal ones that are 64 bits, of ours 256
SHORTEST_LOG_KEY = 32  # bytes: an Ed25519 key
MEND_SECRET = "put the old one back, or delete the file: a new one is made then, and every session ends"  # noqa: S105 - words
OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class ConfigError(Exception):
    """A setting is wrong; the message is one line that names it."""


class Settings(BaseModel):
    """Every setting there is; ``docs/settings.md`` says the same in prose."""

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
    WORKER: Literal["on", "off"] = "on"

    @field_validator("DEFAULT_TIMEZONE")
    @classmethod
    def zone_exists(cls, name: str) -> str:
        """Accept names of the IANA time zone database only."""
        if not is_timezone(name):
            raise ValueError(f"no such time zone: {name!r}; try Europe/Berlin or UTC")
        return name

    @field_validator("DATABASE_URL")
    @classmethod
    def database_is_supported(cls, text: str) -> str:
        """Accept a file of SQLite, and PostgreSQL through psycopg 3; quote nothing that may be a password."""
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise ValueError("not a database URL; try postgresql+psycopg://user@host/name") from None
        if url.drivername not in {"sqlite", "postgresql+psycopg"}:
            raise ValueError(f"{url.drivername!r} is not supported; use sqlite:/// or postgresql+psycopg://")
        if "\x00" in text or any(char in (url.host or "") for char in "@ "):
            raise ValueError("the host is none; in a password, @ is written %40 and / is %2F")
        if url.drivername == "sqlite" and (url.host or not url.database or ":memory:" in text):
            raise ValueError("name a file, as sqlite:////var/lib/auditapp/auditapp.db (four slashes)")
        return text

    @field_validator("SECRET_KEY")
    @classmethod
    def secret_is_long(cls, secret: str) -> str:
        """Accept what nobody guesses."""
        if len(secret.strip()) < SHORTEST_SECRET:
            raise ValueError(f"too short, it needs {SHORTEST_SECRET} characters; try: openssl rand -hex 32")
        return secret

    @field_validator("LOG_KEY_FILE")
    @classmethod
    def log_key_can_be_read(cls, path: str) -> str:
        """Accept a file with a key in it, though nothing reads it yet."""
        try:
            key = Path(path).read_bytes()
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot be read: {_why(error)}") from None
        if len(key.strip()) < SHORTEST_LOG_KEY:
            raise ValueError(f"holds no key: it needs {SHORTEST_LOG_KEY} bytes")
        return path

    @field_validator("BASE_URL")
    @classmethod
    def base_is_an_address(cls, url: str) -> str:
        """Accept a scheme and a host, no path: the pages know no other place than the top."""
        if url and not BASE_URL.fullmatch(url):
            raise ValueError("not the address of a site; try https://audit.example.com")
        return url.rstrip("/").lower()

    @field_validator("DATABASE_REPLICA_URL")
    @classmethod
    def replica_is_postgresql(cls, text: str, info: ValidationInfo) -> str:
        """Accept a standby of PostgreSQL only, where that is the database."""
        if not text:
            return text
        if make_url(cls.database_is_supported(text)).get_backend_name() == "sqlite":
            raise ValueError("a replica is a standby of PostgreSQL; use postgresql+psycopg://")
        if not info.data.get("DATABASE_URL", "postgresql").startswith("postgresql"):
            raise ValueError("only PostgreSQL has replicas: AUDITAPP_DATABASE_URL must name its primary")
        return text


def is_timezone(name: str) -> bool:
    """Tell whether ``name`` is a zone that this installation can compute with."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def load_settings() -> Settings:
    """Read the settings; the environment wins over ``.env``. An empty one counts as not set.

    :raise ConfigError: on the first wrong or unknown setting, with its name.
    """
    try:
        from_file = read_dotenv(ROOT / ".env")
    except DotenvError as error:
        raise ConfigError(str(error)) from None
    variables = {
        name: value for name, value in {**from_file, **os.environ}.items() if name.upper().startswith(PREFIX)
    }
    unknown = sorted(set(variables) - {PREFIX + name for name in Settings.model_fields})
    if unknown:
        raise ConfigError(f"{shown(unknown[0])}: there is no such setting; see docs/settings.md")
    values: dict[str, Any] = {name.removeprefix(PREFIX): value for name, value in variables.items() if value}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{PREFIX}{first['loc'][0]}: {message}") from None


def shown(name: str) -> str:
    """Return a name for a message of one line: it may be anything that stands before a ``=``."""
    return "".join(char if char.isprintable() else "?" for char in name)[:100]


def flask_config(settings: Settings) -> dict[str, Any]:
    """Translate the settings into what Flask and its extensions read."""
    make_private_folder(INSTANCE)  # holds the log, hashes and the secret
    return {
        "SECRET_KEY": settings.SECRET_KEY or secret_file(INSTANCE / "secret_key"),
        "SQLALCHEMY_DATABASE_URI": settings.DATABASE_URL or f"sqlite:///{INSTANCE / 'auditapp.db'}",
        "DATABASE_REPLICA_URL": settings.DATABASE_REPLICA_URL,
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
        "WORKER": settings.WORKER == "on",
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


def replica_options(url: str) -> dict[str, Any]:
    """Return what the engine of a replica of PostgreSQL is made of.

    Its connections hold no transaction, so that each statement sees what is replayed by then. Whoever reads
    asks first how far it is, which finds a lost connection too, and goes to the primary without waiting long.
    """
    options = engine_options(url)
    arguments = options["connect_args"]
    read_only = f"{arguments['options']} -c default_transaction_read_only=on"
    return {
        **options,
        "url": url,
        "isolation_level": "AUTOCOMMIT",
        "pool_pre_ping": False,
        "connect_args": {**arguments, "connect_timeout": REPLICA_SECONDS, "options": read_only},
    }


def sqlite_journal_mode() -> str:
    """Return the journal this SQLite can be trusted with."""
    return "wal" if sqlite3.sqlite_version_info >= SQLITE_WITH_SAFE_WAL else "delete"


def make_private_folder(folder: Path) -> None:
    """Make a folder that is its owner's only; one that is there loses what it opens to others.

    :raise ConfigError: if it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {_why(error)}; it must be a folder of ours") from None
    make_private(folder)


def make_private(path: Path) -> None:
    """Take a file or folder from all but its owner. Somebody else's stays as it is; ``doctor`` tells."""
    mode = path.stat().st_mode
    if mode & OF_OTHERS and os.geteuid() in {0, path.stat().st_uid}:
        path.chmod(mode & ~OF_OTHERS & 0o7777)


def secret_file(path: Path) -> str:
    """Return the secret kept in ``path``, made at first use, readable by its owner only.

    :raise ConfigError: if there is none to be had, or it is too short to be one.
    """
    try:
        if not path.exists():
            _make_secret(path)
        make_private(path)
        secret = path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read or made: {_why(error)}; {MEND_SECRET}") from None
    if len(secret) < SHORTEST_SECRET:
        raise ConfigError(f"{path} is {'too short' if secret else 'empty'}: {MEND_SECRET}")
    return secret


def _make_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())  # or a power cut may leave the name without the secret
        # Two processes may start at once: the first link wins, both then read the same file.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _why(error: Exception) -> str:
    """Say what stands in the way, without what was read."""
    return (error.strerror if isinstance(error, OSError) else None) or "it holds what is no text"
