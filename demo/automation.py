"""What nobody does by hand: the workflows, each set off by an event, and the machines around them."""

from demo.cast import ERP, NIGHTLY, PAYMENTS, PEOPLE, machine_does, workflow_does
from demo.office import Office, day, night
from demo.tasks import add_task, task_story
from demo.world import Doing, Record, Story, dice

ERP_TIMEOUT = {
    "code": "erp_timeout",
    "message": "The ERP did not answer within 30 seconds.",
    "attempt": 1,
    "retry_in_seconds": 900,
}


def deal_won(office: Office, deal: Record, by: Doing, cause: int) -> Story:
    """Follow a won deal: onboarding, the customer's standing, the invoice, a thank-you letter."""
    world = office.world
    workflow = workflow_does("deal_won", by, cause)
    yield world.soon(0.6, 3)
    organization = next(
        record for record in world.records["organization"] if record.id == deal.state["organization"][0]["id"]
    )
    task = add_task(
        *(office, workflow, "priya", f"Onboard {organization.name}", deal),
        due=day(world.clock, 5),
        priority="High",
        text="Kick-off with the customer, names of everybody involved, dates for delivery and migration.",
    )
    set_off = len(world.events) - 1
    world.start(onboarding(office, deal, task, by, set_off))
    yield world.soon(0.4, 2)
    before = organization.state["lifetime_value"] or 0
    world.update(
        workflow,
        organization,
        status="Customer",
        lifetime_value=round(before + deal.state["value"], 2),
        customer_since=organization.state["customer_since"] or day(world.clock),
    )
    yield world.soon(0.4, 2)
    if dice(f"letter {deal.name}").random() < 0.15:
        error = {"code": "mailbox_unavailable", "smtp": 550, "message": "Recipient address rejected"}
        payload = {"template": "thank-you", "error": error}
        world.emit(workflow, "email.sent", _letter(office, deal), outcome="failure", payload=payload)
    else:
        payload = {"template": "thank-you", "to": [person["name"] for person in deal.state["contacts"]]}
        world.emit(workflow, "email.sent", _letter(office, deal), payload=payload)
    yield world.soon(1, 4)
    yield from _invoice(office, deal, by, cause)


def _letter(office: Office, deal: Record) -> dict[str, str]:
    return {"id": office.world.new_id("email"), "name": f"Thank you: {deal.name}"}


def _invoice(office: Office, deal: Record, by: Doing, cause: int) -> Story:
    world, rng = office.world, dice(f"invoice {deal.name}")
    workflow = workflow_does("deal_won", by, cause)
    state = {
        "number": office.number("INV"),
        "status": "Draft",
        "total": deal.state["value"],
        "due": day(world.clock, 30),
        "paid_on": None,
        "organization": deal.state["organization"],
        "deal": [deal.ref()],
    }
    if rng.random() < 0.2:
        entity = {"id": world.new_id("invoice"), "name": state["number"]}
        failed = world.emit(
            workflow, "invoice.created", entity, outcome="failure", payload={"error": ERP_TIMEOUT}
        )
        yield world.soon(900, 915)
        workflow = workflow_does("deal_won", by, failed)
    invoice = world.create(workflow, "invoice", state, keeper="ahmad")
    world.start(invoice_story(office, invoice))


def invoice_story(office: Office, invoice: Record) -> Story:
    """Send an invoice and wait for the money; what is late is found at night."""
    world, rng = office.world, dice(f"paid {invoice.name}")
    ahmad = office.person("ahmad")
    yield ahmad.later(world.clock, rng.uniform(0.5, 2.5), rng)
    world.update(ahmad.does(rng), invoice, status="Sent")
    if rng.random() < 0.28:
        yield night(world.clock, 31)
        by = machine_does(NIGHTLY, "system", rng, world.new_id("run"))
        cause = world.update(by, invoice, status="Overdue")
        yield world.soon(2, 6)
        workflow = workflow_does("reminder", by, cause)
        add_task(
            *(office, workflow, "ahmad", f"Ask about {invoice.name}", None),
            due=day(world.clock, 3),
            text="The second reminder goes out by itself after ten days.",
        )
        yield ahmad.later(world.clock, rng.uniform(3, 9), rng)
    else:
        yield world.soon(86_400 * 8, 86_400 * 27)
    payer, origin = rng.choice([(PAYMENTS, "webhook"), (ERP, "api")])
    by = machine_does(payer, origin, rng)
    world.update(by, invoice, status="Paid", paid_on=day(world.clock))


def onboarding(office: Office, deal: Record, task: Record, by: Doing, cause: int) -> Story:
    """Follow the onboarding task with the two that belong to it: a story of three generations."""
    world = office.world
    workflow = workflow_does("onboarding", by, cause)
    yield world.soon(3, 8)
    steps = (
        (
            "kenta",
            "Technical check-list",
            "Addresses, rack plan, power, access for two engineers.\nSigned by the customer.",
        ),
        ("yael", "Welcome call", "Who calls whom when something breaks. Write the answers into the notes."),
    )
    for place, (who, title, text) in enumerate(steps):
        subtask = add_task(
            *(office, workflow, who, f"{title}: {deal.name}", deal),
            due=day(world.clock, 8 + place * 4),
            text=text,
        )
        world.start(task_story(office, subtask, dice(f"onboarding {who} {deal.name}"), days=4 + place * 3))
        yield world.soon(0.5, 2)
    world.start(task_story(office, task, dice(f"onboarding {deal.name}"), days=9))


def deal_lost(office: Office, deal: Record, by: Doing, cause: int) -> Story:
    """Follow a lost deal: ask once more in a quarter."""
    world = office.world
    workflow = workflow_does("deal_lost", by, cause)
    yield world.soon(1, 4)
    add_task(
        *(office, workflow, deal.keeper, f"Ask again: {deal.name}", deal),
        due=day(world.clock, 90),
        priority="Low",
        text=f"Lost because of: {deal.state['lost_reason'].lower()}. What has become of it?",
    )


def quote_built(office: Office, deal: Record, by: Doing, cause: int) -> Story:
    """Follow a deal's step to Proposal: draft the quote, and have a large one looked at."""
    world = office.world
    workflow = workflow_does("quote_builder", by, cause)
    yield world.soon(1, 5)
    state = {
        "number": office.number("Q"),
        "status": "Draft",
        "total": deal.state["value"],
        "discount_percent": 0,
        "valid_until": day(world.clock, 28),
        "deal": [deal.ref()],
        "lines": deal.state["services"],
        "approved_by": [],
    }
    quote = world.create(workflow, "quote", state, keeper=deal.keeper)
    quote_created = len(world.events) - 1
    if deal.state["value"] >= 40_000:
        yield world.soon(1, 3)
        review = workflow_does("big_deal", by, quote_created)
        world.update(review, quote, status="In review")
        yield office.person("dana").later(world.clock, 0.6, dice(f"review {deal.name}"))
        dana = PEOPLE["dana"]
        world.update(
            dana.does(dice(f"approve {deal.name}")), quote, status="Approved", approved_by=dana.ref()
        )
