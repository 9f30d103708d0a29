"""Secrets and signatures as senders put them into headers; compared in constant time."""

import hashlib
import hmac
from collections.abc import Mapping


def header(headers: Mapping[str, str], name: str) -> str:
    """Return a header by its name in lower case, the empty string where there is none."""
    return next((value for key, value in headers.items() if key.lower() == name), "")


def same_secret(sent: str, secret: str) -> bool:
    """Compare a secret out of a header; an empty secret is nobody's."""
    return bool(secret) and hmac.compare_digest(_as_sent(sent), _utf8(secret))


def is_signed(sent: str, body: bytes, secret: str) -> bool:
    """Tell whether this is the body's HMAC-SHA256 (RFC 2104) in lower-case hex."""
    signature = hmac.new(_utf8(secret), body, hashlib.sha256).hexdigest()
    return bool(secret) and same_secret(sent, signature)


def _as_sent(value: str) -> bytes:
    """Return a header's bytes: WSGI hands them over as Latin-1 (PEP 3333)."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return _utf8(value)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
