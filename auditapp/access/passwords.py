"""Password hashes (argon2id, the library's defaults) and the rules a new password must meet."""

import argon2

MIN_LENGTH, MAX_LENGTH = 10, 512

_hasher = argon2.PasswordHasher()
# Verified against when there is no account, so that both answers take the same time.
_NOBODY = _hasher.hash("nobody's password")


class PasswordError(ValueError):
    """A new password is not acceptable; the message says what to change."""


def hash_password(password: str) -> str:
    """Hash a new password.

    :raise PasswordError: if it is shorter than 10 or longer than 512 characters.
    """
    if len(password) < MIN_LENGTH:
        raise PasswordError(f"The password needs at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise PasswordError(f"The password may have {MAX_LENGTH} characters at most.")
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Check a password; takes as long when there is no hash to check against."""
    try:
        _hasher.verify(password_hash or _NOBODY, password[: MAX_LENGTH + 1])
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return password_hash is not None
