"""An owner is whoever may manage members and roles, whatever their role is called; there is always one."""

import threading

import pytest
import sqlalchemy as sa
from uuid_utils.compat import uuid7

from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE, recorded_elsewhere
from auditapp.access.permissions import EVERYTHING, Permission
from auditapp.extensions import db
from auditapp.models import Account, Member, Role, RolePermission

MEMBERS = "/w/acme/settings/members"
OWNING = (Permission.MEMBERS_MANAGE.grant, Permission.ROLES_MANAGE.grant)


def person(name: str) -> Member:
    """Return one of acme's cast."""
    mine = Account.email == f"{name}@acme.example"
    return db.session.scalars(sa.select(Member).join(Account).where(mine)).one()


def add_role(workspace, name, *grants) -> Role:
    """Add a role as people make them."""
    role = Role(workspace_id=workspace.id, id=uuid7(), name=name, is_system=False)
    db.session.add(role)
    db.session.flush()
    for resource, action in grants:
        db.session.add(
            RolePermission(workspace_id=workspace.id, role_id=role.id, resource=resource, action=action)
        )
    db.session.commit()
    return role


def rename_owner(name="Chefin") -> None:
    db.session.execute(sa.update(Role).where(Role.name == "Owner").values(name=name))
    db.session.commit()


def act(client, member, action, role="Member"):
    return client.post(f"{MEMBERS}/{member.id}/{action}", data={"role": role})


@pytest.mark.parametrize("action", ["role", "remove"])
def test_the_last_owner_stays_where_the_role_has_another_name(client, login, acme, action):
    rename_owner()
    login("owner")

    response = act(client, person("owner"), action)

    assert response.status_code == 422
    assert "A workspace needs an owner: give the role Chefin to somebody else" in response.text
    assert client.get(MEMBERS).status_code == 200


@pytest.mark.parametrize("action", ["role", "remove"])
@pytest.mark.parametrize("grants", [[EVERYTHING], OWNING, [("*", "manage")]], ids=["copy", "both", "manage"])
def test_the_last_owner_stays_where_they_hold_another_role_that_owns(client, login, acme, grants, action):
    add_role(acme, "Chair", *grants)
    login("owner")
    assert act(client, person("owner"), "role", "Chair").status_code == 303

    response = act(client, person("owner"), action)

    assert response.status_code == 422 and "A workspace needs an owner" in response.text
    assert person("owner").removed_at is None


@pytest.mark.parametrize("action", ["role", "remove"])
def test_an_owner_may_go_where_somebody_holds_another_role_that_owns(client, login, acme, action):
    add_role(acme, "Chair", *OWNING)
    login("owner")
    assert act(client, person("auditor"), "role", "Chair").status_code == 303

    assert act(client, person("owner"), action).status_code == 303


@pytest.mark.parametrize(
    "grants", [[OWNING[0]], [OWNING[1]], [("*", "read")]], ids=["members", "roles", "reads"]
)
def test_a_role_with_a_part_of_the_rights_owns_nothing(client, login, acme, grants):
    add_role(acme, "Clerk", *grants)
    login("owner")
    assert act(client, person("auditor"), "role", "Clerk").status_code == 303

    assert act(client, person("owner"), "remove").status_code == 422
    assert act(client, person("owner"), "role", "Clerk").status_code == 422


def test_a_role_that_is_only_called_owner_owns_nothing(client, login, acme):
    rename_owner()
    add_role(acme, "Owner", ("audit_log", "read_own"))
    login("owner")
    assert act(client, person("auditor"), "role", "Owner").status_code == 303

    assert act(client, person("owner"), "remove").status_code == 422
    assert act(client, person("auditor"), "remove").status_code == 303


def test_somebody_invited_or_removed_is_no_owner_yet(client, login, acme):
    members.add_member(acme, "new@acme.example", "New", person("owner").role, COMMAND_LINE)
    db.session.commit()
    login("owner")

    assert act(client, person("owner"), "remove").status_code == 422


@pytest.mark.parametrize("actions", [("role", "role"), ("remove", "remove"), ("role", "remove")])
def test_of_two_owners_by_different_roles_who_put_each_other_out_at_once_one_stays(app, acme, login, actions):
    add_role(acme, "Chair", *OWNING)
    first, second = app.test_client(), app.test_client()
    login("owner", with_client=first)
    assert act(first, person("auditor"), "role", "Chair").status_code == 303
    login("auditor", with_client=second)
    targets = {first: person("auditor").id, second: person("owner").id}
    db.session.rollback()
    together, answers = threading.Barrier(2), []

    def put_out(client, action):
        together.wait()
        answers.append(
            client.post(f"{MEMBERS}/{targets[client]}/{action}", data={"role": "Member"}).status_code
        )

    threads = [
        threading.Thread(target=put_out, args=each) for each in zip((first, second), actions, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()
    # The second is refused, by the rule or, where the first was faster, by the gate.
    assert 303 in answers and (set(answers) & {422, 403, 404}), answers
    left = [person(name) for name in ("owner", "auditor")]
    assert sum(each.removed_at is None and each.role.name != "Member" for each in left) == 1


def test_a_new_workspace_is_given_to_its_owner_by_what_the_role_holds(cli):
    made = cli("workspace", "create", "new", "--name", "New", "--owner", "ann@new.example")

    assert made.code == 0, made.err
    [member] = db.session.scalars(sa.select(Member))
    assert {(each.resource, each.action) for each in member.role.permissions} == {EVERYTHING}


@pytest.mark.parametrize(("action", "status"), [("remove", 303), ("role", 422)])
def test_who_was_removed_meanwhile_is_neither_removed_again_nor_given_a_role(
    client, login, acme, monkeypatch, action, status
):
    login("owner")
    found = members.find_member

    def find_and_be_overtaken(workspace, member_id):
        member = found(workspace, member_id)
        row = sa.update(Member.__table__).where(Member.__table__.c.id == member.id)
        with recorded_elsewhere():
            db.session.execute(row.values(removed_at=acme.created_at))
        db.session.commit()
        return member

    monkeypatch.setattr(members, "find_member", find_and_be_overtaken)

    answer = act(client, person("member"), action, "Auditor")

    assert answer.status_code == status
    db.session.expire_all()
    assert person("member").removed_at == acme.created_at and person("member").role.name == "Member"
