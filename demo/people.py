"""Users, roles and sign-ins: who comes, who goes, who may do what, and who tried what they may not."""

from collections.abc import Iterable
from typing import Any

from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.permissions import SYSTEM_ROLES, words_of
from demo.cast import MEMBERS, PEOPLE, SUPPORT, Person, machine_does, workflow_does
from demo.company import NAME
from demo.office import Office, user_state
from demo.tasks import add_task, task_story
from demo.world import Doing, Record, Story, World, dice

ACCESS_TIMER = {"type": "system", "id": "access-timer", "name": "Access timer"}
SALES = {
    "deals": ["read", "write"],
    "contacts": ["read", "write", "export"],
    "quotes": ["read", "write", "send"],
}
TRAINEE = {"deals": ["read", "write"], "contacts": ["read", "write"], "quotes": ["read", "write"]}
MOBILE = {"language": "en", "start_page": "tasks", "digest": {"daily": False}}


def workspace_story(world: World, workspace_id: str) -> Story:
    """The beginning of the log: the workspace, its members, and keys for the other programs."""
    rng = dice("workspace")
    dana = PEOPLE["dana"]
    yield dana.morning(world.days_ago(121), 0, rng)
    command_line = Doing(COMMAND_LINE, "system")
    world.emit(command_line, "auditapp.workspace.created", {"id": workspace_id, "name": NAME})
    for key, role in MEMBERS:
        by = command_line if key == "dana" else dana.does(rng)
        changes = {
            "email": {"current": PEOPLE[key].email, "label": "E-mail"},
            "role": {"current": role, "label": "Role", "kind": "choice"},
        }
        entity = {"id": PEOPLE[key].id, "name": PEOPLE[key].name}
        world.emit(by, "auditapp.member.added", entity, changes=changes)
        yield world.soon(240, 900)
        world.emit(PEOPLE[key].does(rng), "auditapp.member.joined", entity)
    for name in ("Website form", "ERP sync", "Payment provider"):
        yield world.soon(60, 240)
        changes = {
            "name": {"current": name, "label": "Name"},
            "scopes": {"current": "events:write", "label": "Scopes"},
        }
        entity = {"id": world.new_id("key"), "name": name}
        world.emit(dana.does(rng), "auditapp.api_key.created", entity, changes=changes)


def sign_in_story(office: Office, person: Person) -> Story:
    """Let somebody sign in every few days, mistype now and then, and sign out when it is evening."""
    world, rng = office.world, dice(f"sign-in {person.key}")
    began = world.days_ago(min(person.joined, 120))
    gap = rng.uniform(0, 9)
    clock = began
    while True:
        yield person.morning(clock, gap, rng)
        clock = world.clock
        if person.left and clock > world.days_ago(person.left):
            return
        if rng.random() < 0.07:
            fail_sign_in(world, person, person.does(rng))
            yield world.soon(20, 70)
        session = {"id": world.new_id("session"), "name": person.name}
        second = rng.choice(["authenticator app", "security key"])
        world.emit(
            person.does(rng),
            "auditapp.session.created",
            session,
            payload={"method": "password", "second_factor": second},
        )
        if rng.random() < 0.3:
            yield world.soon(3600 * 3, 3600 * 9)
            reason = rng.choice(["signed out", "signed out", "expired"])
            world.emit(person.does(rng), "auditapp.session.ended", session, payload={"reason": reason})
        lively = world.days_ago(8) < clock
        gap = rng.uniform(0.8, 2.2) if lively else rng.uniform(3, 13)


def fail_sign_in(world: World, person: Person, by: Doing) -> None:
    """Let a sign-in fail, as the log names it: under the account that was tried."""
    entity = {"id": person.account_id, "name": person.name}
    world.emit(by, "auditapp.session.failed", entity, outcome="failure", payload={"reason": "wrong password"})


def break_in_story(office: Office) -> Story:
    """Somebody tries passwords at night; in the morning the administrator draws the conclusion."""
    world, rng = office.world, dice("break-in")
    yield world.days_ago(26).replace(hour=2, minute=41, second=9)
    context = {"ip": "203.0.113.231", "user_agent": "python-requests/2.32"}
    for key in ("dana", "ahmad", "oksana", "mateo", "lukasz", "sinead"):
        fail_sign_in(world, PEOPLE[key], Doing(PEOPLE[key].actor, "ui", context))
        yield world.soon(7, 25)
    lukasz = PEOPLE["lukasz"]
    yield lukasz.morning(world.clock, 0.1, rng)
    settings = world.records["settings"][0]
    world.update(lukasz.does(rng), settings, two_factor_required=True)


def denied(world: World, by: Doing, right: str, path: str, method: str = "GET") -> None:
    """Let somebody be refused."""
    resource, action = right.split(":")
    entity = {"id": right, "name": words_of((resource, action))}
    world.emit(
        by, "auditapp.access.denied", entity, outcome="denied", payload={"method": method, "path": path}
    )


def denials_story(office: Office, attempts: Iterable[tuple[float, str, str, str]]) -> Story:
    """Let people try what their role does not allow, one after the other."""
    rng = dice("denials")
    for days_ago, who, right, path in attempts:
        yield office.begin(PEOPLE[who], days_ago, rng)
        denied(office.world, PEOPLE[who].does(rng), right, path)


DENIALS = (
    (110, "mateo", "audit_log:export", "/w/demo/timeline.csv"),
    (95, "sinead", "invoices:read", "/invoices"),
    (71, "oksana", "quotes:approve", "/quotes/approve"),
    (52, "huong", "contacts:export", "/contacts/export.csv"),
    (48.4, "tom", "invoices:export", "/invoices/export.csv"),
    (48.3, "tom", "deals:export", "/deals/export.csv"),
    (48.2, "tom", "deals:export", "/deals/export.xlsx"),
    (30, "mateo", "members:manage", "/w/demo/settings/members"),
    (16, "kenta", "services:write", "/services/new"),
    (6, "mateo", "audit_log:read_all", "/w/demo/access"),
    (2, "yael", "deals:delete", "/deals/delete"),
)


def roles_story(office: Office) -> Story:
    """Roles as they are refined: one for beginners, one right taken away, one role dropped."""
    world, rng = office.world, dice("roles")
    lukasz = PEOPLE["lukasz"]
    sales = world.known("role", {"name": "Sales", "description": "", "permissions": SALES})
    intern = world.known(
        "role", {"name": "Intern", "description": "For the summer", "permissions": {"tasks": ["read"]}}
    )
    yield office.begin(lukasz, 60, rng)
    trainee = {"name": "Sales trainee", "description": "First three weeks", "permissions": TRAINEE}
    role = world.create(lukasz.does(rng), "role", trainee)
    yield office.begin(lukasz, 57, rng)
    world.update(lukasz.does(rng), role, description="First three weeks; quotes are sent by somebody else")
    yield office.begin(lukasz, 46.5, rng)
    world.update(lukasz.does(rng), sales, permissions={**SALES, "contacts": ["read", "write"]})
    yield office.begin(lukasz, 39, rng)
    world.delete(lukasz.does(rng), intern, "nobody holds it")
    yield office.begin(lukasz, 12, rng)
    wider = {**sales.state["permissions"], "invoices": ["read"]}
    world.update(lukasz.does(rng), sales, permissions=wider, description="Account executives")


def newcomer_story(office: Office) -> Story:
    """A new colleague: invited, in, and after three weeks a role with more rights."""
    world, rng = office.world, dice("newcomer")
    huong, lukasz = PEOPLE["huong"], PEOPLE["lukasz"]
    yield office.begin(lukasz, 59, rng)
    state = {**user_state(huong, "Invited"), "role": "Sales trainee", "preferences": None}
    user = world.create(lukasz.does(rng), "user", state, own_id=huong.id, verb="invited")
    office.users["huong"] = user
    yield huong.morning(world.clock, 1, rng)
    world.update(huong.does(rng), user, verb="registered", status="Active")
    yield world.soon(200, 500)
    world.update(huong.does(rng), user, phone="+49 30 5550 118", preferences=MOBILE)
    yield office.begin(lukasz, 36, rng)
    world.update(lukasz.does(rng), user, role="Sales")


def leaver_story(office: Office) -> Story:
    """A colleague leaves, not without a copy of all contacts; a workflow hands his open deals over."""
    world, rng = office.world, dice("leaver")
    tom, lukasz = PEOPLE["tom"], PEOPLE["lukasz"]
    yield office.begin(tom, 48.6, rng)
    entity = {"id": world.new_id("export"), "name": "All contacts"}
    payload = {"format": "csv", "rows": len(world.records["contact"]), "columns": ["name", "email", "phone"]}
    world.emit(tom.does(rng), "export.created", entity, payload=payload)
    yield office.begin(lukasz, tom.left, rng)
    by = lukasz.does(rng, world.new_id("act"))
    cause = world.update(by, office.users["tom"], verb="deactivated", status="Inactive")
    office.hand_over("tom", "huong")
    workflow = workflow_does("offboarding", by, cause)
    for deal in _open_deals(world, tom):
        yield world.soon(0.4, 2)
        world.update(workflow, deal, owner=PEOPLE["huong"].ref())
    yield world.soon(2, 5)
    error = {
        "code": "provider_unreachable",
        "message": "The calendar service did not answer; forwarding not set.",
    }
    entity = {"id": world.new_id("calendar"), "name": f"Calendar of {tom.name}"}
    world.emit(workflow, "calendar.forwarded", entity, outcome="failure", payload={"error": error})
    yield office.begin(lukasz, tom.left - 31, rng)
    world.delete(lukasz.does(rng), office.users["tom"], "30 days after leaving")


def _open_deals(world: World, owner: Person) -> list[Record]:
    return [
        deal
        for deal in world.records.get("deal", [])
        if deal.state["owner"] == owner.ref() and deal.state["stage"] not in {"Won", "Lost"}
    ]


def preferences_story(office: Office) -> Story:
    """People change their own settings, nested ones too."""
    world, rng = office.world, dice("preferences")
    wishes: tuple[tuple[float, str, dict[str, Any]], ...] = (
        (104, "mateo", {"digest": {"daily": True, "hour": 7}}),
        (87, "kenta", {"language": "ja", "digest": {"daily": True, "hour": 9}}),
        (63, "yael", {"start_page": "contacts"}),
        (34, "mateo", {"start_page": "tasks", "digest": {"daily": False}}),
        (19, "priya", {"digest": {"daily": True, "hour": 6, "weekends": False}}),
        (4, "oksana", {"language": "uk"}),
    )
    for days_ago, who, wish in wishes:
        yield office.begin(PEOPLE[who], days_ago, rng)
        user = office.users[who]
        world.update(PEOPLE[who].does(rng), user, preferences={**user.state["preferences"], **wish})


def support_story(office: Office) -> Story:
    """The vendor's support, let in for an afternoon, mends things on behalf of somebody here."""
    world, rng = office.world, dice("support")
    dana, mateo = PEOPLE["dana"], PEOPLE["mateo"]
    yield office.begin(mateo, 33, rng)
    ticket, correlation = {"id": "SUP-20418", "name": "Deals show the wrong contact"}, "SUP-20418"
    payload = {
        "text": "Three of my deals show a contact who has left. I cannot remove him, the page says 'in use'."
    }
    cause = world.emit(mateo.does(rng, correlation), "support_ticket.created", ticket, payload=payload)
    yield dana.later(world.clock, 0.08, rng)
    by = Doing(dana.actor, "ui", dana.does(rng).context, correlation=correlation, cause=cause)
    cause = world.emit(
        by, "support_access.granted", ticket, payload={"hours": 4, "scope": ["deals", "contacts"]}
    )
    context = {"ip": SUPPORT.addresses[0], "user_agent": SUPPORT.agent}
    grace = Doing(SUPPORT.actor, "ui", context, mateo.actor, correlation, cause)
    yield world.soon(900, 1500)
    world.emit(grace, "auditapp.session.created", {"id": world.new_id("session"), "name": mateo.name})
    deals = [deal for deal in world.records["deal"] if deal.keeper == "mateo" and deal.state["contacts"]]
    for deal in deals[-3:]:
        yield world.soon(120, 400)
        first, *others = deal.state["contacts"]
        world.update(
            grace, deal, contacts=[{**first, "role": "Signs"}, *others], next_step="Checked with support"
        )
    yield world.soon(60, 200)
    denied(world, grace, "contacts:export", "/contacts/export.csv")
    yield world.soon(200, 600)
    world.emit(grace, "support_ticket.solved", ticket, payload={"minutes": 46})
    yield world.soon(7000, 9000)
    world.emit(machine_does(ACCESS_TIMER, "system", rng, correlation), "support_access.ended", ticket)


def audit_story(office: Office) -> Story:
    """The auditor's own work: exports, a review of rights, questions as tasks."""
    world, rng = office.world, dice("audit")
    alexandra = PEOPLE["alexandra"]
    questions = (
        (100, "Discount of 10 % without a second signature", "dana"),
        (68, "Two roles that nobody uses", "lukasz"),
        (44, "Who exported all contacts before leaving?", "lukasz"),
        (24, "Sign-in attempts at night: what was done?", "lukasz"),
        (10, "Invoice paid twice?", "ahmad"),
        (2.5, "List of all deleted records", "lukasz"),
    )
    for days_ago, title, who in questions:
        yield office.begin(alexandra, days_ago, rng)
        entity = {"id": world.new_id("export"), "name": f"Audit trail to {world.clock:%d %B}"}
        request = {"query": "since=4w&outcome=!success", "format": "csv"}
        export = alexandra.does(rng, world.new_id("export"))
        world.emit(export, "auditapp.export.started", entity, payload=request)
        ended = {"events": rng.randint(18, 90), "complete": True, "duration_ms": rng.randint(20, 400)}
        world.emit(export, "auditapp.export.finished", entity, payload={**request, **ended})
        yield world.soon(900, 4000)
        task = add_task(office, alexandra.does(rng), who, title, None, due=None, priority="High")
        world.start(task_story(office, task, dice(title), days=6))
    yield alexandra.later(world.clock, 1, rng)
    entity = {"id": world.new_id("access_review"), "name": "Access review"}
    payload = {"roles": sorted(SYSTEM_ROLES), "findings": 2, "signed_at": world.clock.isoformat()}
    world.emit(alexandra.does(rng), "access_review.completed", entity, payload=payload)
