"""Signing in and out, and the one-time link that sets a first password."""

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select

from auditapp.access.members import MemberError, accept, find_invitation
from auditapp.access.passwords import MIN_LENGTH, PasswordError
from auditapp.access.sessions import (
    SignedIn,
    SignInRefused,
    TooManyAttempts,
    end_session,
    sign_in,
    start_session,
)
from auditapp.extensions import db
from auditapp.http.gates import public
from auditapp.models import Account, Workspace
from auditapp.server_log import denied
from auditapp.web.devices import remember_device, this_browser
from auditapp.web.gate import let_person_read, signed_in_required
from auditapp.web.local_url import local_path

bp = Blueprint("auth", __name__)


@bp.get("/login")
@public
def login() -> ResponseReturnValue:
    """Show the sign-in form; whoever is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(local_path(request.args.get("next")))
    return _form()


@bp.post("/login")
@public
def login_post() -> ResponseReturnValue:
    """Sign in and go to ``next``, with a fresh session and a fresh CSRF token."""
    email, password = request.form.get("email", "").strip(), request.form.get("password", "")
    if not email or not password:
        return _form("Please give your e-mail address and your password.", 422)
    try:
        signed_in = sign_in(email, password, this_browser())
    except TooManyAttempts as refused:
        minutes = -(-refused.retry_after // 60)
        plural = "" if minutes == 1 else "s"
        response = _form(f"Too many attempts. Please try again in {minutes} minute{plural}.", 429)
        response.headers["Retry-After"] = str(refused.retry_after)
        return response
    except SignInRefused:
        return _form("E-mail address and password do not belong together.", 401)
    return _enter(signed_in, local_path(request.args.get("next") or request.form.get("next")))


@bp.post("/logout")
@signed_in_required
def logout() -> ResponseReturnValue:
    """End the session for every copy of its cookie."""
    end_session(current_user)
    logout_user()
    session.clear()
    return redirect(url_for(".login"), 303)


@bp.get("/join/<token>")
@public
def join(token: str) -> ResponseReturnValue:
    """Show what a one-time link offers: a first password, or to join as who one already is."""
    return _join_page(token)


@bp.post("/join/<token>")
@public
def join_post(token: str) -> ResponseReturnValue:
    """Use the link: set the first password, or join with the account that is signed in."""
    invitation = find_invitation(token)
    if invitation is None:
        return _join_page(token)
    account = invitation.member.account
    if account.password_hash is not None and not _is_signed_in_as(account):
        return redirect(url_for(".login", next=url_for(".join", token=token)), 303)
    password = request.form.get("password", "")
    if account.password_hash is None and password != request.form.get("password_again", ""):
        return _join_page(token, "The two passwords differ.", 422)
    workspace = db.session.get_one(Workspace, invitation.workspace_id)
    try:
        accept(invitation, password)
    except (PasswordError, MemberError) as error:
        db.session.rollback()
        return _join_page(token, str(error), 422)
    db.session.commit()
    target = url_for("timeline.index", workspace=workspace.slug)
    if _is_signed_in_as(account):
        return redirect(target, 303)
    return _enter(start_session(account), target)


def _enter(signed_in: SignedIn, target: str) -> Response:
    session.clear()  # nothing from before the sign-in is carried over, the CSRF token included
    login_user(signed_in)
    let_person_read(signed_in)
    response = make_response(redirect(target, 303))
    remember_device(response, signed_in.account)
    return response


def _is_signed_in_as(account: Account) -> bool:
    return bool(current_user.is_authenticated and current_user.account.id == account.id)


def _form(error: str | None = None, status: int = 200) -> Response:
    demo = select(Account.is_demo).where(Account.email == "owner@demo.example")
    page = render_template(
        "auth/login.html",
        error=error,
        email=request.form.get("email", ""),
        next=request.args.get("next") or request.form.get("next") or "",
        has_demo=db.session.scalar(demo),
    )
    return make_response(page, status)


def _join_page(token: str, error: str | None = None, status: int = 200) -> Response:
    invitation = find_invitation(token) if "\x00" not in token else None
    if invitation is None:
        denied("link-over")
        abort(make_response(render_template("auth/link_over.html"), 404))
    account = invitation.member.account
    page = render_template(
        "auth/join.html",
        error=error,
        account=account,
        workspace=db.session.get_one(Workspace, invitation.workspace_id),
        needs_password=account.password_hash is None,
        is_me=_is_signed_in_as(account),
        min_length=MIN_LENGTH,
    )
    return make_response(page, status)
