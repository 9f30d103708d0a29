"""What the host says about a model: ``__audit__`` on the class, ``describe=``, ``info`` of its columns."""

import re
from collections.abc import Mapping
from typing import Any

from auditapp.log.own_names import RESERVED, is_reserved

# fmt: off
SECRET_NAMES = frozenset({
    "password", "passwd", "passphrase", "pwd", "secret", "secret_key", "token", "api_key", "apikey",
    "key_hash", "private_key", "signing_key", "encryption_key", "salt", "otp", "totp", "pin", "cvv",
    "card_number", "credentials", "recovery_codes", "backup_codes",
})
SECRET_ENDINGS = (
    "_password", "_secret", "_token", "_api_key", "_private_key", "_salt", "_otp", "_passphrase", "_pin",
)
SECRET_FORMS = ("_hash", "_digest", "_encrypted", "_secret")  # as in password_hash, token_digest, otp_secret
# fmt: on
NAMING = ("name", "title", "label", "subject", "full_name", "display_name", "username", "email", "slug")
MODEL_OPTIONS = frozenset({"type", "id", "name", "verbs", "exclude", "mask", "labels", "kinds", "choices"})
MAX_TYPE = 100


def model_options(cls: type, describe: Mapping[Any, Any]) -> dict[str, Any] | None:
    """Return what the host says about a class, ``describe`` winning over ``__audit__``.

    :return: None where it says ``False``: not captured.
    :raise ValueError: if an option has an unknown name; misspelt, it would be lost in silence. If the type is
        reserved for Auditapp's own events.
    """
    options: dict[str, Any] = {}
    for description in (getattr(cls, "__audit__", None), describe.get(cls, describe.get(cls.__name__))):
        if description is False:
            return None
        options |= description or {}
    if unknown := sorted(set(options) - MODEL_OPTIONS):
        known = ", ".join(sorted(MODEL_OPTIONS))
        raise ValueError(f"{cls.__name__}: capture knows no option {unknown[0]!r}; it knows {known}")
    if is_reserved(options.get("type") or ""):
        raise ValueError(f"{cls.__name__}: the type {options['type']!r} {RESERVED}")
    return options


def type_of(cls: type, description: Mapping[str, Any]) -> str:
    """Return what a class's records are called: as the host says, else by its name."""
    name = description.get("type") or snake_case(cls.__name__)
    return f"{name}_record" if is_reserved(name) else name


def column_options(info: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """Return ``info["audit"]`` as a dict: it may be ``"mask"``, ``"exclude"`` or hold several options.

    :raise ValueError: if it is something else.
    """
    setting = info.get("audit")
    if setting is None:
        return {}
    if setting in ("mask", "exclude"):
        return {setting: True}
    known = {"mask", "exclude", "label", "kind", "choices"}
    if not isinstance(setting, Mapping) or set(setting) - known:
        options = ", ".join(sorted(known))
        raise ValueError(f"{where}: info['audit'] takes 'mask', 'exclude' or a dict of {options}")
    return dict(setting)


def snake_case(name: str) -> str:
    """Return a class name as an entity type: ``HTTPServer2`` becomes ``http_server2``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    clean = re.sub(r"[^a-z0-9_]+", "_", words).strip("_")
    if not clean or not clean[0].isalpha():
        clean = f"record_{clean}".rstrip("_")
    return clean[:MAX_TYPE]


def is_secret(name: str) -> bool:
    """Tell by its name whether a column holds a secret."""
    lowered = snake_case(name)
    for form in SECRET_FORMS:
        lowered = lowered.removesuffix(form) if lowered not in SECRET_NAMES else lowered
    return lowered in SECRET_NAMES or lowered.endswith(SECRET_ENDINGS) or name.endswith(SECRET_ENDINGS)


def named(names: frozenset[str], table: str, *columns: str) -> bool:
    """Tell whether one of a column's names is listed, alone or as ``table.column``."""
    return any(name in names or f"{table}.{name}" in names for name in columns)
