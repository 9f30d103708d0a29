"""Texts that only this server can read, each for one workspace and one purpose: whoever holds two of them
learns whether they are equal, and nothing else.

AES-SIV (RFC 5297), under a key that is derived from ``SECRET_KEY`` by HKDF (RFC 5869).
"""

import base64
import binascii
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auditapp.extensions import setting
from auditapp.models import Workspace

KEY_BYTES = 64  # AES-256-SIV takes two keys of 32
NONCE_BYTES = 8


class Sealer:
    """Seals for one workspace. Texts are as long as what is in them, so that is of a fixed length."""

    def __init__(self, secret: str, workspace: bytes) -> None:
        self._cipher, self._workspace = _cipher(secret), workspace

    def seal(self, purpose: bytes, plain: bytes) -> str:
        """Return bytes as a text for URLs; the same bytes give the same text."""
        return _text(self._cipher.encrypt(plain, [purpose, self._workspace]))

    def open(self, purpose: bytes, text: str) -> bytes:
        """Return what :meth:`seal` was given.

        :raise ValueError: if this workspace's sealer did not write the text, for this purpose.
        """
        return self._open(_bytes(text), [purpose, self._workspace])

    def seal_once(self, purpose: bytes, plain: bytes) -> str:
        """Return bytes as a text that is another one each time: not even equal ones are told."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return _text(nonce + self._cipher.encrypt(plain, [purpose, self._workspace, nonce]))

    def open_once(self, purpose: bytes, text: str) -> bytes:
        """Return what :meth:`seal_once` was given.

        :raise ValueError: as :meth:`open` does.
        """
        sealed = _bytes(text)
        nonce = sealed[:NONCE_BYTES]
        return self._open(sealed[NONCE_BYTES:], [purpose, self._workspace, nonce])

    def _open(self, sealed: bytes, beside: list[bytes]) -> bytes:
        try:
            return self._cipher.decrypt(sealed, beside)
        except (InvalidTag, ValueError):
            raise ValueError("was not written by this server for this workspace") from None


def sealer_of(workspace: Workspace) -> Sealer:
    """Return what seals for a workspace, under this installation's key."""
    return Sealer(setting("SECRET_KEY"), workspace.uid.bytes)


@lru_cache(maxsize=4)
def _cipher(secret: str) -> AESSIV:
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"auditapp opaque texts 1")
    return AESSIV(derived.derive(secret.encode()))


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Read base64 as :func:`_text` writes it, and no other spelling of the same bytes."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is no base64") from None
    if _text(sealed) != text:
        raise ValueError("is no base64 of ours")
    return sealed
