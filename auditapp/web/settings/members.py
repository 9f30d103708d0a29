"""Settings → Members: who is in the workspace, with which role."""

import uuid

from flask import (
    Response,
    abort,
    flash,
    g,
    redirect,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from auditapp.access import members
from auditapp.access.members import MemberError
from auditapp.access.permissions import Permission
from auditapp.access.roles import RoleError, find_role, roles_of
from auditapp.extensions import db
from auditapp.http.links import absolute
from auditapp.models import Member
from auditapp.web.gate import me
from auditapp.web.settings.page import SettingsPage, show_settings

page = SettingsPage("members", "Members", Permission.MEMBERS_MANAGE, place=10)


@page.get()
def index(workspace: str) -> ResponseReturnValue:
    """List the members, and offer to add one."""
    return _page()


@page.post()
def add(workspace: str) -> ResponseReturnValue:
    """Add a member and show the one-time link, once."""
    form = request.form
    try:
        role = find_role(g.viewer.workspace, form.get("role", ""))
        member = members.add_member(
            g.viewer.workspace, form.get("email", "").strip(), form.get("name", ""), role, me()
        )
    except (MemberError, RoleError) as error:
        db.session.rollback()
        return _page(str(error), 422)
    token = members.invite(member)
    db.session.commit()
    return _page(link=absolute(url_for("auth.join", token=token)), link_for=member)


@page.post("/<member_id>/role")
def change_role(workspace: str, member_id: str) -> ResponseReturnValue:
    """Give a member another role."""
    member = _member(member_id)
    try:
        role = find_role(g.viewer.workspace, request.form.get("role", ""))
        members.change_role(g.viewer.workspace, member, role, me())
    except (MemberError, RoleError) as error:
        db.session.rollback()
        return _page(str(error), 422)
    db.session.commit()
    flash(f"{member.name} is {role.name} now.")
    return redirect(url_for(".index", workspace=workspace), 303)


@page.post("/<member_id>/link")
def new_link(workspace: str, member_id: str) -> ResponseReturnValue:
    """Make a new one-time link for somebody who has not joined yet; the old one ends."""
    member = _member(member_id)
    if member.joined_at:
        return _page(f"{member.name} has joined already.", 422)
    token = members.invite(member)
    db.session.commit()
    return _page(link=absolute(url_for("auth.join", token=token)), link_for=member)


@page.post("/<member_id>/remove")
def remove(workspace: str, member_id: str) -> ResponseReturnValue:
    """End a membership; what the member did stays in the log."""
    member = _member(member_id)
    try:
        members.remove_member(g.viewer.workspace, member, me())
    except MemberError as error:
        db.session.rollback()
        return _page(str(error), 422)
    db.session.commit()
    if member.id == g.viewer.member_id:
        return redirect(url_for("home.index"), 303)
    flash(f"{member.name} was removed.")
    return redirect(url_for(".index", workspace=workspace), 303)


def _page(
    error: str | None = None,
    status: int = 200,
    *,
    link: str | None = None,
    link_for: Member | None = None,
) -> Response:
    return show_settings(
        "members.html",
        status,
        error=error,
        members=members.members_of(g.viewer.workspace),
        roles=roles_of(g.viewer.workspace),
        link=link,
        link_for=link_for,
    )


def _member(member_id: str) -> Member:
    try:
        member = members.find_member(g.viewer.workspace, uuid.UUID(member_id))
    except ValueError:
        member = None
    if member is None:
        abort(404)
    return member
