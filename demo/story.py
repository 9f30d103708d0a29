"""The last four months of the demo company, told up to now. Pure: it records nothing."""

from datetime import datetime, timedelta

from demo.cast import ERP, PEOPLE, UNSUBSCRIBE, machine_does, visitor_does
from demo.company import DEALS, FLAGSHIP
from demo.leads import (
    import_story,
    purge_story,
    tending_story,
    unsubscribe_story,
    web_form_story,
    web_lead,
)
from demo.notes import ORGANIZATION_NOTES
from demo.office import Office
from demo.people import (
    DENIALS,
    audit_story,
    break_in_story,
    denials_story,
    leaver_story,
    newcomer_story,
    preferences_story,
    roles_story,
    sign_in_story,
    support_story,
    workspace_story,
)
from demo.sales import Selling, flagship_story
from demo.upkeep import (
    customers_story,
    organization_notes_story,
    price_list_story,
    price_sync_story,
    quote_expiry_story,
    reports_story,
    service_edits_story,
    settings_story,
    slips_story,
)
from demo.world import Planned, Story, World, dice

STORY_DAYS = 121
TENDERS = (("yael", 2.6), ("sinead", 4.5), ("mateo", 6.0), ("oksana", 7.0))


def tell(now: datetime, workspace_id: str) -> list[Planned]:
    """Return what happened in the four months before ``now``, in order of time.

    The same ``now`` gives the same events. None is later than ``now``; the newest are minutes old.

    :param now: aware; the company's present.
    :param workspace_id: the workspace's id, as the outside sees it.
    """
    world = World(now)
    office = Office(world)
    for story in (
        workspace_story(world, workspace_id),
        price_list_story(office),
        settings_story(office),
        roles_story(office),
        newcomer_story(office),
        leaver_story(office),
        preferences_story(office),
        break_in_story(office),
        denials_story(office, DENIALS),
        support_story(office),
        audit_story(office),
        web_form_story(office),
        import_story(office),
        unsubscribe_story(office),
        purge_story(office),
        price_sync_story(office),
        service_edits_story(office),
        customers_story(office),
        slips_story(office),
        reports_story(office),
        quote_expiry_story(office),
        flagship_story(office, FLAGSHIP),
        last_hour_story(office),
    ):
        world.start(story)
    for key in ORGANIZATION_NOTES:
        world.start(organization_notes_story(office, key))
    for key, gap in TENDERS:
        world.start(tending_story(office, key, gap))
    for person in PEOPLE.values():
        world.start(sign_in_story(office, person))
    for plan in DEALS:
        world.start(Selling(office, plan).story())
    return world.run()


def last_hour_story(office: Office) -> Story:
    """Something has always just happened, at whatever hour the demo is made."""
    world, rng = office.world, dice("last hour")

    def ago(minutes: float) -> datetime:
        return world.now - timedelta(minutes=minutes)

    yield ago(56.3)
    session = {"id": world.new_id("session"), "name": PEOPLE["mateo"].name}
    world.emit(PEOPLE["mateo"].does(rng), "auditapp.session.created", session, payload={"method": "password"})
    yield ago(19.1)
    web_lead(office, rng)
    yield ago(13.9)
    # The newest task of that name: the customer was onboarded for smaller deals before.
    tasks = reversed(world.records["task"])
    task = next(task for task in tasks if task.state["title"].startswith("Onboard Hafenwerk"))
    world.update(PEOPLE["priya"].does(rng), task, status="In progress", estimate_hours=12)
    yield ago(12.6)
    invoice = next((bill for bill in world.records["invoice"] if bill.state["status"] == "Sent"), None)
    if invoice:
        world.update(
            machine_does(ERP, "api", rng), invoice, status="Paid", paid_on=world.clock.date().isoformat()
        )
    yield ago(8.4)
    reader = next(contact for contact in world.records["contact"] if contact.state["newsletter"])
    world.update(visitor_does(UNSUBSCRIBE, rng), reader, newsletter=False)
    yield ago(3.2)
    organization = office.organizations["hafen"]
    notes = "Deal of the year. Visit with the whole team next month; Dana brings the cake."
    world.update(PEOPLE["dana"].does(rng), organization, notes=notes)
