"""Contacts: from the web form, from the trade fair's list, merged, mended, unsubscribed, purged."""

import random
from typing import Any

from demo.cast import (
    NIGHTLY,
    PEOPLE,
    UNSUBSCRIBE,
    WEBSITE,
    machine_does,
    visitor_does,
    workflow_does,
)
from demo.names import FAIR_COMPANIES, POOLS, names
from demo.notes import CONTACT_NOTES, edited
from demo.office import Office, contact_state, day, night
from demo.tasks import add_task, task_story
from demo.world import Doing, Record, Story, World, dice, name_of

FAIR_FILE = "it-fair-leipzig-visitors.csv"
FAIR_ROWS = 240
TWINS = 7  # of its visitors were in the books already
FORM_ENDS_IN = (
    "We are 40 people in two offices and our file server is eight years old. What would you recommend?",
    "Please send me your price list for managed firewalls.",
    "Can you take over a network that somebody else built? The documentation is, let us say, incomplete.",
    "Do you also work on weekends? We cannot stop production during the week.",
    "We need an offer for telephone lines by the end of the month.",
    "A colleague at Castell recommended you. Could somebody call me about a penetration test?",
    "Wi-Fi in an old brick building, three floors. Is a survey necessary?",
    "Our backup failed twice last week. Who can help quickly?",
)
PAGES = ("/contact", "/services/firewall", "/services/backup", "/pricing", "/services/wifi")


def web_lead(office: Office, rng: random.Random) -> Record:
    """Let a visitor fill in the form on the website; a workflow routes the lead to a seller."""
    world = office.world
    _, domain, pool = rng.choice(FAIR_COMPANIES)
    name = rng.choice(names(pool, rng))
    by = machine_does(WEBSITE, "api", rng, world.new_id("act"))
    state = contact_state(name, f"{domain}.example", pool, None, "Website", rng)
    state["position"] = None
    request = {
        "form": "contact",
        "page": rng.choice(PAGES),
        "message": rng.choice(FORM_ENDS_IN),
        "consent": {"newsletter": state["newsletter"], "text_version": 4},
        "utm": rng.choice([{}, {"source": "newsletter", "campaign": "firewalls"}, {"source": "search"}]),
    }
    contact = world.create(by, "contact", state, request=request)
    world.start(lead_routed(office, contact, by, len(world.events) - 1, rng))
    return contact


def lead_routed(office: Office, contact: Record, by: Doing, cause: int, rng: random.Random) -> Story:
    """Follow a lead: somebody is to call, and does."""
    world = office.world
    workflow = workflow_does("lead_routing", by, cause)
    seller = rng.choice(["mateo", "oksana", "tom"])
    yield world.soon(0.7, 3)
    world.update(workflow, contact, lifecycle="Assigned")
    yield world.soon(0.3, 1)
    task = add_task(
        office, workflow, seller, f"Call {contact.name}", None, due=day(world.clock, 1), priority="High"
    )
    world.start(task_story(office, task, rng, days=1.5))
    person = office.person(seller)
    yield person.later(world.clock, rng.uniform(0.3, 2), rng)
    lifecycle = rng.choice(["Qualified", "Qualified", "Not interested", "Customer of a customer"])
    position = rng.choice(["Head of IT", "Managing director", "Office manager"])
    world.update(person.does(rng), contact, lifecycle=lifecycle, position=position)


def web_form_story(office: Office) -> Story:
    """Leads come at any hour, and more of them lately."""
    world, rng = office.world, dice("web form")
    yield world.days_ago(119)
    while True:
        gap = rng.uniform(0.3, 1.4) if world.clock > world.days_ago(10) else rng.uniform(2, 6)
        yield world.soon(gap * 86_400, gap * 86_400 + 20_000)
        web_lead(office, rng)


def import_story(office: Office) -> Story:
    """The visitors of a trade fair, a few hundred rows within minutes; three of them are refused."""
    world, rng = office.world, dice("import")
    sinead = PEOPLE["sinead"]
    yield office.begin(sinead, 38, rng)
    usual = sinead.does(rng)
    correlation, entity = world.new_id("import"), {"id": world.new_id("import"), "name": FAIR_FILE}
    begun = Doing(sinead.actor, "import", usual.context, correlation=correlation)
    known = [record for record in world.records["contact"] if record.state["source"] == "Call"]
    twins = rng.sample(known, TWINS)
    rows = _fair_rows(rng) + [_on_a_card(twin) for twin in twins]
    cause = world.emit(begun, "import.started", entity, payload=_import_request(rows))
    by = Doing(sinead.actor, "import", usual.context, correlation=correlation, cause=cause)
    refused = 0
    for place, state in enumerate(rows):
        yield world.soon(0.2, 1.1)
        if place % 97 == 60:
            refused += 1
            error = {"row": place + 2, "code": "duplicate_email", "message": f"{state['email']} is taken"}
            row = {"id": world.new_id("contact"), "name": name_of("contact", state)}
            world.emit(by, "contact.created", row, outcome="failure", payload={"error": error})
            continue
        world.create(by, "contact", state, request={"row": place + 2})
    yield world.soon(1, 3)
    payload = {"rows": len(rows), "created": len(rows) - refused, "refused": refused}
    world.emit(by, "import.completed", entity, payload=payload)
    newest = world.records["contact"][-TWINS:]
    world.start(merge_story(office, list(zip(twins, newest, strict=True)), rng))


def _fair_rows(rng: random.Random) -> list[dict[str, Any]]:
    people = {pool: names(pool, dice(f"fair {pool}")) for pool in POOLS}
    rows = []
    for place in range(FAIR_ROWS):
        company, domain, pool = FAIR_COMPANIES[place * 7 % len(FAIR_COMPANIES)]
        state = contact_state(people[pool].pop(), f"{domain}.example", pool, None, "Trade fair", rng)
        rows.append({**state, "notes": f"{company}, stand visit", "newsletter": False})
    return rows


def _on_a_card(contact: Record) -> dict[str, Any]:
    """Return a known contact as the fair has it: with a card that shows another address."""
    mailbox, _, domain = contact.state["email"].partition("@")
    card = {"email": f"{mailbox[0]}{mailbox[mailbox.find('.') :]}@{domain}", "phone": "+49 341 5551 240"}
    return {**contact.state, **card, "source": "Trade fair", "notes": "Left a card", "newsletter": False}


def _import_request(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the request that began the import: one of the few large payloads."""
    columns = ["first_name", "last_name", "email", "phone", "position", "notes"]
    return {
        "file": {"name": FAIR_FILE, "bytes": 41_872, "encoding": "utf-8", "delimiter": ";"},
        "mapping": {f"Column {place + 1}": column for place, column in enumerate(columns)},
        "options": {"on_duplicate": "refuse", "source": "Trade fair", "newsletter": False},
        "preview": [{column: row[column] for column in columns} for row in rows[:60]],
    }


def merge_story(office: Office, twins: list[tuple[Record, Record]], rng: random.Random) -> Story:
    """Find the people who were in the books already: keep one record, delete the other."""
    world, yael = office.world, office.person("yael")
    for kept, twice in twins:
        yield yael.later(world.clock, rng.uniform(0.3, 2.5), rng)
        correlation = world.new_id("act")
        by = yael.does(rng, correlation)
        notes = f"{kept.state['notes'] or ''}\nLeft a card at the fair; also {twice.state['email']}.".strip()
        phone = kept.state["phone"] or twice.state["phone"]
        cause = world.update(by, kept, verb="merged", phone=phone, notes=notes)
        after = Doing(by.actor, by.origin, by.context, correlation=correlation, cause=cause)
        world.delete(after, twice, f"merged into {kept.name}")


def tending_story(office: Office, who: str, gap: float) -> Story:
    """Let somebody keep contacts up to date, one small thing at a time."""
    world, rng = office.world, dice(f"tending {who}")
    yield office.begin(office.person(who), 117 - gap, rng)
    while True:
        contacts = world.records.get("contact", [])
        if contacts:
            # The newest half is where something is still missing.
            contact = contacts[rng.randrange(len(contacts) // 2, len(contacts))]
            tend(world, PEOPLE[who].does(rng), contact, rng)
        lively = 0.35 if world.clock > world.days_ago(9) else 1
        yield office.person(who).later(world.clock, rng.uniform(0.4, 1.6) * gap * lively, rng)


def tend(world: World, by: Doing, contact: Record, rng: random.Random) -> None:
    """Change one thing about a contact."""
    state = contact.state
    what = rng.choice(["phone", "position", "address", "notes", "email", "lifecycle", "newsletter"])
    if what == "phone":
        number = (state["phone"] or "+800 555 0117")[:-3] + f"{rng.randint(100, 999)}"
        world.update(by, contact, phone=rng.choice([number, number, ""]))
    elif what == "position":
        world.update(
            by, contact, position=rng.choice(["Head of IT", "Chief financial officer", "Purchasing", ""])
        )
    elif what == "address":
        street = {
            "street": f"Hauptstraße {rng.randint(1, 90)}",
            "city": rng.choice(["Leipzig", "Kiel", "Erfurt"]),
        }
        moved = {**(state["address"] or {"country": "DE"}), **street}
        world.update(by, contact, address=moved)
    elif what == "notes":
        world.update(by, contact, notes=_noted(state["notes"], rng))
    elif what == "email":
        mailbox, _, domain = state["email"].partition("@")
        world.update(by, contact, email=f"{mailbox.replace('.', rng.choice(['_', '-']))}@{domain}")
    elif what == "lifecycle":
        world.update(by, contact, lifecycle=rng.choice(["Qualified", "Customer", "Dormant"]))
    else:
        world.update(by, contact, newsletter=not state["newsletter"])


_REMARKS = (
    "Prefers to be called before ten.",
    "On parental leave for half a year; Ms. Vogt stands in.",
    "Asked not to be called on Fridays.",
    "Wants everything in writing, and a summary on one page.",
    "Knows our engineers from the project in Brno.",
)


def _noted(notes: str | None, rng: random.Random) -> str:
    remark = rng.choice(_REMARKS)
    if not notes:
        return remark
    for old, new in (edit for note in CONTACT_NOTES for edit in note.edits):
        if old in notes:
            return edited(notes, old, new)
    if remark in notes:
        return edited(notes, remark, remark.replace(".", ", says the assistant."))
    return f"{notes}\n{remark}"


def unsubscribe_story(office: Office) -> Story:
    """People whom nobody knows click the link under the newsletter."""
    world, rng = office.world, dice("unsubscribe")
    for days_ago in (96, 95.8, 70, 69.9, 69.5, 41, 20, 19.9, 6.2, 1.3):
        yield world.days_ago(days_ago)
        readers = [record for record in world.records.get("contact", []) if record.state["newsletter"]]
        if readers:
            world.update(visitor_does(UNSUBSCRIBE, rng), rng.choice(readers), newsletter=False)


def purge_story(office: Office) -> Story:
    """At night the system deletes contacts who asked for it."""
    world, rng = office.world, dice("purge")
    for days_ago in (77, 49, 29, 12):
        yield night(world.days_ago(days_ago), 0)
        by = machine_does(NIGHTLY, "system", rng, world.new_id("run"))
        uninterested = [
            record for record in world.records["contact"] if record.state["lifecycle"] == "Not interested"
        ]
        for contact in rng.sample(uninterested, min(2, len(uninterested))):
            world.delete(by, contact, "erasure requested under article 17 GDPR")
