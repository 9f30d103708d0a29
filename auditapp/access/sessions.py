"""Signing in and out. Sessions live on the server, so a copied cookie ends with them."""

import hashlib
import logging
import secrets
import uuid
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError
from uuid_utils.compat import uuid7

from auditapp.access import throttle
from auditapp.access.own_events import note_everywhere
from auditapp.access.passwords import verify_password
from auditapp.extensions import db, setting
from auditapp.log.members import fold_email
from auditapp.models import Account, SignInSession
from auditapp.server_log import denied, identify

ACCOUNT_LIMIT = 10  # strangers' attempts per window for one e-mail, known or not, and one known browser's
ADDRESS_LIMIT = 30  # and strangers' from one address, whatever the e-mail
PROXY_LIMIT = 300  # and from an address that says that it asks for others, which nobody can check
SEEN_EVERY = timedelta(minutes=1)
# Or, where sessions end sooner, after this part of their time: somebody is idle for at most so much less.
SEEN_PART = 20

log = logging.getLogger(__name__)


class SignInRefused(Exception):
    """E-mail and password do not belong together."""


class TooManyAttempts(Exception):
    """Wait: ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


class Browser(NamedTuple):
    """From where somebody signs in, by which strangers are told apart.

    ``forwarded`` is for whom a proxy says to ask that nobody told us of; ``device`` a browser's id, and
    ``accounts`` the ids of those that have signed in with it before.
    """

    network: str | None
    forwarded: str | None
    device: str | None
    accounts: Collection[str]


class SignedIn:
    """What Flask-Login holds: the account, and the token that its cookie carries as id."""

    is_authenticated = is_active = True
    is_anonymous = False

    def __init__(self, token: str, session: SignInSession, account: Account) -> None:
        self.token = token
        self.session_id = session.id
        self.wal_position = session.wal_position or 0  # as of when it was read
        self.account = account
        identify(account=str(account.id))

    def get_id(self) -> str:
        """Return the token; Flask-Login puts it into the signed cookie."""
        return self.token


def sign_in(email: str, password: str, browser: Browser) -> SignedIn:
    """Check the credentials and start a session.

    :raise SignInRefused: if they are wrong, whether or not the account exists.
    :raise TooManyAttempts: past a limit, even with the right password. A browser that the account has signed
        in with before has a limit of its own: strangers who guess do not lock it out.
    """
    folded = fold_email(email)
    account = _account(folded)
    if account and browser.device and str(account.id) in browser.accounts:
        limits = {f"device:{browser.device}:{folded}": ACCOUNT_LIMIT}
    else:
        limits = _limits_of_strangers(folded, browser)
    # Counted before the check, so that a hundred parallel guesses are a hundred attempts.
    counts = {key: throttle.count_up(key) for key in limits}
    for key, limit in limits.items():
        if counts[key].count > limit:
            denied("sign-in-throttled", account=account.id if account else None)
            raise TooManyAttempts(counts[key].retry_after)
    own_key, *shared_keys = limits
    if not verify_password(account.password_hash if account else None, password) or not account:
        _note_failure(account, first_in_window=counts[own_key].count == 1)
        raise SignInRefused
    throttle.forget(own_key)
    for key in shared_keys:
        throttle.count_down(key)
    return start_session(account)


def _limits_of_strangers(email: str, browser: Browser) -> dict[str, int]:
    """Return how often may be guessed at an account, and from where one guesses; the account's own first."""
    network, account = browser.network, {f"account:{email}": ACCOUNT_LIMIT}
    if browser.forwarded is None:
        return {**account, f"address:{network}": ADDRESS_LIMIT}
    # All who come through that proxy would be one.
    through = {f"address:{network}:{browser.forwarded}": ADDRESS_LIMIT, f"proxy:{network}": PROXY_LIMIT}
    return account | through


def _account(email: str) -> Account | None:
    if "\x00" in email:
        return None
    return db.session.scalars(select(Account).where(Account.email == email)).first()


def _note_failure(account: Account | None, *, first_in_window: bool) -> None:
    """A known account's workspaces learn of it once a window; the rest is for the server's log."""
    denied("sign-in-failed", account=account.id if account else None)
    if account and first_in_window:
        entity = {"id": str(account.id), "name": account.name}
        note_everywhere(account, "session.failed", entity, outcome="failure")
        db.session.commit()


def start_session(account: Account) -> SignedIn:
    """Start a session for an account, tell its workspaces, and commit."""
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    session = SignInSession(
        token_hash=_hash(token), id=uuid7(), account_id=account.id, created_at=now, last_seen_at=now
    )
    db.session.add(session)
    note_everywhere(account, "session.created", _entity(session.id, account))
    db.session.execute(delete(SignInSession).where(SignInSession.created_at < now - _lifetime() * 2))
    db.session.commit()
    return SignedIn(token, session, account)


def find_session(token: str, *, is_in_use: bool) -> SignedIn | None:
    """Return whom a session belongs to; None once it is over.

    :param is_in_use: whether somebody sits before the page that asks, which keeps the session alive.
    """
    session = db.session.get(SignInSession, _hash(token))
    if session is None:
        return None
    now = datetime.now(UTC)
    if now - session.created_at >= _lifetime() or now - session.last_seen_at >= _idle():
        _end(session.id, session.account, reason="expired")
        return None
    signed_in = SignedIn(token, session, session.account)
    if now - session.last_seen_at >= min(SEEN_EVERY, _idle() / SEEN_PART) and is_in_use:
        _touch(session.token_hash, now)
    return signed_in


def _touch(token_hash: bytes, now: datetime) -> None:
    """Note that the session is in use; a database that only reads just now must not stop reading."""
    try:
        db.session.execute(
            update(SignInSession).where(SignInSession.token_hash == token_hash).values(last_seen_at=now)
        )
        db.session.commit()
    except OperationalError as error:
        db.session.rollback()
        log.warning("last_seen_at was not written", exc_info=error)


def end_session(signed_in: SignedIn) -> None:
    """Sign out: the session is gone for every copy of its cookie."""
    _end(signed_in.session_id, signed_in.account, reason="signed out")


def _end(session_id: uuid.UUID, account: Account, *, reason: str) -> None:
    statement = delete(SignInSession).where(SignInSession.id == session_id).returning(SignInSession.id)
    # Two requests may find the session expired at once; one event is enough.
    if db.session.scalars(statement).first():
        note_everywhere(account, "session.ended", _entity(session_id, account), payload={"reason": reason})
    db.session.commit()


def _entity(session_id: uuid.UUID, account: Account) -> dict[str, str]:
    return {"id": str(session_id), "name": account.name}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _idle() -> timedelta:
    idle: timedelta = setting("SESSION_IDLE")
    return idle


def _lifetime() -> timedelta:
    lifetime: timedelta = setting("SESSION_LIFETIME")
    return lifetime
