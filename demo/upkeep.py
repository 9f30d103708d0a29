"""What keeps the company going: the price list, customers' records, settings, nightly runs."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from demo.cast import ERP, NIGHTLY, PEOPLE, machine_does
from demo.company import SERVICES
from demo.notes import ORGANIZATION_NOTES, edited
from demo.office import Office, night, service_state
from demo.world import Record, Story, dice

KNOWN_SERVICES = ("server", "switch", "migration", "fax")
PRICE_LIST = {plan.key: plan for plan in SERVICES}
_CARDIFF = {"city": "Cardiff", "country": "GB"}
STAGES = ("New", "Discovery", "Proposal", "Negotiation", "Won", "Lost")


def price_list_story(office: Office) -> Story:
    """The administrator enters the price list in two mornings."""
    world, rng, lukasz = office.world, dice("price list"), PEOPLE["lukasz"]
    for plan in SERVICES:
        if plan.key in KNOWN_SERVICES:
            office.services[plan.key] = world.known("service", service_state(plan), keeper="lukasz")
    yield lukasz.morning(world.days_ago(120.3), 0, rng)
    for plan in SERVICES:
        if plan.key not in KNOWN_SERVICES:
            yield world.soon(150, 700)
            office.add_service(lukasz.does(rng), plan)


def price_sync_story(office: Office) -> Story:
    """Once a month the ERP sends new prices and delivery times."""
    world, rng = office.world, dice("prices")
    for days_ago in (91, 61, 31, 8):
        yield night(world.days_ago(days_ago), 0)
        by = machine_does(ERP, "api", rng, world.new_id("sync"))
        hardware = [record for record in world.records["service"] if record.state["category"] == "Hardware"]
        for service in rng.sample(hardware, 4):
            yield world.soon(0.3, 1.5)
            price = round(service.state["price"] * rng.choice([0.97, 1.02, 1.035, 1.05]), 2)
            days = max(1, service.state["lead_time_days"] + rng.choice([-2, 0, 3, 7]))
            world.update(by, service, price=price, lead_time_days=days)


def service_edits_story(office: Office) -> Story:
    """Texts and details of services change; one service ends."""
    world, rng, lukasz = office.world, dice("service edits"), PEOPLE["lukasz"]
    tuned = {**PRICE_LIST["nic"].specifications, "offload": ["RDMA", "TSO", "VXLAN"]}
    sla = PRICE_LIST["firewall"].specifications["sla"]
    edits: tuple[tuple[float, str, dict[str, Any]], ...] = (
        (99, "nic", {"specifications": tuned}),
        (90, "firewall", _reworded("firewall", "one working day", "four working hours")),
        (82, "fax", {"active": False}),
        (70, "firewall", {"specifications": {"sla": {**sla, "response_minutes": 15}, "pair": True}}),
        (58, "helpdesk", {**_reworded("helpdesk", "07:00 to 19:00", "06:30 to 20:00"), "price": 29.9}),
        (37, "server", {"name": "Rack Server R460", "sku": "HW-2460"}),
        (22, "backup", _reworded("backup", "every quarter", "every month and a report by e-mail")),
        (4, "nic", {"specifications": {**tuned, "speed_gbit": 100}, "price": 214.0}),
    )  # fmt: skip
    for days_ago, key, values in edits:
        yield office.begin(lukasz, days_ago, rng)
        world.update(lukasz.does(rng), office.services[key], **values)
    yield lukasz.later(world.clock, 0.6, rng)
    world.delete(lukasz.does(rng), office.services["fax"], "the last customer gave it up")


def _reworded(key: str, old: str, new: str) -> dict[str, str]:
    return {"description": edited(PRICE_LIST[key].description, old, new)}


def organization_notes_story(office: Office, key: str) -> Story:
    """What is known about a customer is written down, and rewritten by several people."""
    world, rng = office.world, dice(f"organization notes {key}")
    versions = ORGANIZATION_NOTES[key].versions()
    yield world.days_ago(rng.uniform(112, 118))
    for text in versions:
        who = office.person(rng.choice(["yael", "yael", "priya", "oksana"]))
        yield who.later(world.clock, rng.uniform(9, 28), rng)
        world.update(who.does(rng), office.organizations[key], notes=text)


def customers_story(office: Office) -> Story:
    """Customers move, grow, change their name."""
    world, rng, yael = office.world, dice("customers"), PEOPLE["yael"]
    changes: tuple[tuple[float, str, dict[str, Any]], ...] = (
        (106, "gruenwald", {"employees": 92}),
        (85, "thalassa", {"website": None}),
        (79, "thalassa", {"website": "https://thalassa.example"}),
        (67, "aurelia", {"name": "Aurelia Hotels & Resorts", "website": "https://www.aurelia.example"}),
        (56, "castell", {"address": {**_CARDIFF, "street": "Pierhead House", "postcode": "CF10 4PH"}}),
        (50, "zuerichsee", {"employees": 968, "industry": "Hospital"}),
        (35, "orsund", {"account_manager": PEOPLE["oksana"].ref()}),
        (17, "lviv", {"status": "Dormant"}),
        (3.5, "cinar", {"employees": 455, "account_manager": PEOPLE["mateo"].ref()}),
    )  # fmt: skip
    for days_ago, key, values in changes:
        yield office.begin(yael, days_ago, rng)
        if key in office.organizations:
            world.update(yael.does(rng), office.organizations[key], **values)


def settings_story(office: Office) -> Story:
    """Settings of the whole workspace, nested ones too."""
    world, rng, lukasz = office.world, dice("settings"), PEOPLE["lukasz"]
    hours = {"monday_to_friday": ["08:00", "18:00"], "saturday": None, "zone": "Europe/Berlin"}
    approval = {"above": 40_000, "by": ["owner"], "second_signature": False}
    state = {
        "working_hours": hours,
        "quote_approval": approval,
        "two_factor_required": False,
        "default_payment_days": 30,
    }
    settings = world.known("settings", state)
    yield office.begin(lukasz, 102, rng)
    world.update(lukasz.does(rng), settings, working_hours={**hours, "saturday": ["09:00", "13:00"]})
    yield office.begin(PEOPLE["dana"], 65, rng)
    stricter = {**approval, "second_signature": True, "above": 35_000}
    world.update(PEOPLE["dana"].does(rng), settings, quote_approval=stricter)
    yield office.begin(PEOPLE["ahmad"], 25, rng)
    world.update(PEOPLE["ahmad"].does(rng), settings, default_payment_days=21)


def slips_story(office: Office) -> Story:
    """Things that should not have happened: a test deal, a duplicate, a deal deleted by mistake."""
    world, rng = office.world, dice("slips")
    oksana, huong, dana = PEOPLE["oksana"], PEOPLE["huong"], PEOPLE["dana"]
    yield office.begin(oksana, 76, rng)
    original = rng.choice(world.records["deal"])
    twice = world.create(oksana.does(rng), "deal", {**original.state, "next_step": ""}, keeper="oksana")
    yield world.soon(90, 400)
    world.delete(oksana.does(rng), twice, "entered twice")
    yield office.begin(huong, 56, rng)
    state = {
        **original.state,
        "name": "Test deal, please ignore",
        "stage": "New",
        "value": 1.0,
        "services": [],
    }
    test = world.create(huong.does(rng), "deal", state, keeper="huong")
    yield office.begin(huong, 54, rng)
    world.delete(huong.does(rng), test, "test")
    yield office.begin(huong, 19, rng)
    deal = next(deal for deal in world.records["deal"] if deal.name == "Site office containers")
    correlation = world.new_id("act")
    world.delete(huong.does(rng, correlation), deal, "")
    yield world.soon(500, 1100)
    world.restore(dana.does(rng, correlation), deal)
    yield office.begin(oksana, 10, rng)
    renamed = next(deal for deal in world.records["deal"] if deal.name == "Weekend rota for the helpdesk")
    world.update(oksana.does(rng), renamed, name="Helpdesk, weekends and holidays")


def reports_story(office: Office) -> Story:
    """Every Monday the pipeline as it stood; once, the job fails."""
    world, rng = office.world, dice("reports")
    moment = night(world.days_ago(119), 0)
    while True:
        while moment <= world.clock or moment.weekday() != 0:
            moment = night(moment, 1)
        yield moment
        by = machine_does(NIGHTLY, "system", rng, world.new_id("run"))
        week = world.clock.isocalendar().week
        entity = {"id": f"pipeline-{world.clock:%Y}-w{week:02}", "name": f"Pipeline report, week {week}"}
        if rng.random() < 0.08:
            error = {"code": "out_of_memory", "message": "The worker was stopped at 512 MiB."}
            world.emit(by, "report.created", entity, outcome="failure", payload={"error": error})
            continue
        world.emit(by, "report.created", entity, payload=_pipeline(world.records.get("deal", [])))


def _pipeline(deals: list[Record]) -> dict[str, Any]:
    """Return the deals by stage, with each open deal's numbers: one of the larger payloads."""
    by_stage = {
        stage: {
            "deals": sum(deal.state["stage"] == stage for deal in deals),
            "value": round(
                sum(deal.state["value"] or 0 for deal in deals if deal.state["stage"] == stage), 2
            ),
        }
        for stage in STAGES
    }
    columns = ("name", "stage", "value", "probability", "expected_close")
    rows = [{name: deal.state[name] for name in columns} for deal in deals if deal.state["closed_on"] is None]
    return {"currency": "EUR", "stages": by_stage, "open": rows}


def quote_expiry_story(office: Office) -> Story:
    """Quotes that nobody accepted in time expire at night."""
    world, rng = office.world, dice("expiry")
    for moment in _nights(world.days_ago(90), world.now):
        yield moment
        today: date = world.clock.date()
        waiting = [
            quote for quote in world.records.get("quote", []) if quote.state["status"] in {"Sent", "Revised"}
        ]
        for quote in waiting:
            if date.fromisoformat(quote.state["valid_until"]) < today:
                by = machine_does(NIGHTLY, "system", rng)
                world.update(by, quote, verb="expired", status="Expired")


def _nights(first: Any, last: Any) -> Iterator[Any]:
    moment = night(first, 0)
    while moment <= last:
        yield moment
        moment = night(moment, 3)
