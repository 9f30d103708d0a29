"""Browsers that an account has signed in with before, known by a signed cookie.

Strangers who guess at an account use up the guesses of strangers, not those of a browser of its own. See
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import secrets
from datetime import timedelta

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from auditapp.access.sessions import Browser
from auditapp.http.caller import client_network
from auditapp.models import Account

LIFETIME = timedelta(days=400)  # as long as browsers keep a cookie
ACCOUNTS = 5  # of the people who share a browser, those who signed in last


def this_browser() -> Browser:
    """Return from where the request comes, as limits of sign-ins tell strangers apart."""
    device, accounts = _read()
    is_told_of_proxies = current_app.config["TRUSTED_PROXIES"]
    forwarded = None if is_told_of_proxies else request.headers.get("X-Forwarded-For")
    return Browser(client_network(), forwarded, device, accounts)


def remember_device(response: Response, account: Account) -> None:
    """Give the browser a cookie by which the account is known to have signed in with it."""
    device, accounts = _read()
    others = [account_id for account_id in accounts if account_id != str(account.id)]
    response.set_cookie(
        _cookie(),
        _serializer().dumps([device or secrets.token_urlsafe(12), [str(account.id), *others][:ACCOUNTS]]),
        max_age=LIFETIME,
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        samesite="Lax",
    )


def _read() -> tuple[str | None, list[str]]:
    """Return the browser's id and its accounts; what is not of our making is as if it were not there."""
    try:
        device, accounts = _serializer().loads(
            request.cookies.get(_cookie(), ""), int(LIFETIME.total_seconds())
        )
    except BadData:
        return None, []
    return device, accounts


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}_device"


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="device")
