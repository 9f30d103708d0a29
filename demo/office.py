"""The company's books: which records there are, who looks after what, and how new ones are entered."""

import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from demo.cast import PEOPLE, Person
from demo.company import CUSTOMERS_BEFORE, ORGANIZATIONS, Organization, Service
from demo.names import DIALLING_CODES, POSITIONS, FullName, names
from demo.notes import CONTACT_NOTES
from demo.world import Doing, Record, World, dice

PREFERENCES = {"language": "en", "start_page": "deals", "digest": {"daily": True, "hour": 8}}


class Office:
    """Everything that the stories of the company share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.services: dict[str, Record] = {}
        self.organizations: dict[str, Record] = {}
        self.contacts: dict[str, list[Record]] = {}
        self.users: dict[str, Record] = {}
        self._stand_ins: dict[str, str] = {}
        self._numbers = {"Q": 211, "INV": 1480}
        self._names: dict[str, list[FullName]] = {}
        for key in PEOPLE:
            if PEOPLE[key].joined > 365:
                self._known_user(PEOPLE[key])
        for plan in ORGANIZATIONS[:CUSTOMERS_BEFORE]:
            state = organization_state(plan, self.person("yael").ref())
            state |= {
                "status": "Customer",
                "lifetime_value": dice(plan.key).randrange(8_000, 190_000, 50) + 0.0,
            }
            state["customer_since"] = day(world.days_ago(dice(plan.key).randint(400, 2600)))
            self.organizations[plan.key] = world.known("organization", state, keeper="yael")

    def person(self, key: str) -> Person:
        """Return who has the work of ``key`` today: that person, or who took over."""
        return PEOPLE[self._stand_ins.get(key, key)]

    def hand_over(self, leaver: str, successor: str) -> None:
        """From now on, let one person do another's work."""
        self._stand_ins[leaver] = successor

    def begin(self, person: Person, days_ago: float, rng: random.Random) -> datetime:
        """Return a moment in a person's working hours, so many days before now."""
        return person.later(self.world.days_ago(days_ago + 0.5), 0.5, rng)

    def number(self, series: str) -> str:
        """Return the next number of quotes (``Q``) or invoices (``INV``)."""
        self._numbers[series] += 1
        return f"{series}-{self.world.clock.year}-{self._numbers[series]:04}"

    def add_service(self, by: Doing, plan: Service) -> Record:
        """Enter an article of the price list."""
        self.services[plan.key] = self.world.create(by, "service", service_state(plan), keeper="lukasz")
        return self.services[plan.key]

    def organization(self, key: str, by: Doing) -> Record:
        """Return an organization; whoever needs it first enters it."""
        if key not in self.organizations:
            plan = next(plan for plan in ORGANIZATIONS if plan.key == key)
            state = organization_state(plan, self.person("yael").ref())
            self.organizations[key] = self.world.create(by, "organization", state, keeper="yael")
        return self.organizations[key]

    def add_contact(self, by: Doing, key: str, rng: random.Random) -> Record:
        """Enter one more contact of an organization."""
        plan = next(plan for plan in ORGANIZATIONS if plan.key == key)
        people = self._names.setdefault(plan.people, names(plan.people, dice(f"names {plan.people}")))
        state = contact_state(
            people.pop(), plan.domain, plan.people, self.organizations[key].ref(), "Call", rng
        )
        contact = self.world.create(by, "contact", state, keeper="yael")
        self.contacts.setdefault(key, []).append(contact)
        return contact

    def lines(self, wanted: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
        """Return services with their quantities and prices of today, as a deal refers to them."""
        return [
            self.services[key].ref(quantity=quantity, price=self.services[key].state["price"])
            for key, quantity in wanted
        ]

    def _known_user(self, person: Person) -> None:
        state = user_state(person, "Active")
        self.users[person.key] = self.world.known("user", state, keeper=person.key, own_id=person.id)


def total(lines: Iterable[dict[str, Any]], discount_percent: float = 0) -> float:
    """Return what lines cost together."""
    whole = sum(float(line["quantity"] * line["price"]) for line in lines)
    return round(whole * (100 - discount_percent) / 100, 2)


def day(moment: datetime, days: float = 0) -> str:
    """Return the date some days after a moment; a weekend is put off to Monday."""
    workday: date = (moment + timedelta(days=days)).date()
    while workday.weekday() > 4:
        workday += timedelta(days=1)
    return workday.isoformat()


def night(after: datetime, days: float) -> datetime:
    """Return when the nightly job next runs, so many days after a moment or later."""
    wanted = after + timedelta(days=days)
    run = wanted.replace(hour=1, minute=10, second=4, microsecond=0)
    return run if run >= wanted else run + timedelta(days=1)


def user_state(person: Person, status: str) -> dict[str, Any]:
    """Return the fields of a user."""
    return {
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "status": status,
        "position": person.position,
        "phone": None,
        "preferences": PREFERENCES,
    }


def service_state(plan: Service) -> dict[str, Any]:
    """Return the fields of a service."""
    return {name: value for name, value in plan._asdict().items() if name != "key"} | {"active": True}


def organization_state(plan: Organization, manager: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fields of an organization that has bought nothing yet."""
    return {
        "name": plan.name,
        "industry": plan.industry,
        "status": "Prospect",
        "website": f"https://www.{plan.domain}",
        "employees": plan.employees,
        "address": {
            "street": plan.street,
            "postcode": plan.postcode,
            "city": plan.city,
            "country": plan.country,
        },
        "lifetime_value": 0.0,
        "account_manager": manager,
        "customer_since": None,
        "notes": "",
    }


def contact_state(
    name: FullName,
    domain: str,
    pool: str,
    organization: dict[str, Any] | None,
    source: str,
    rng: random.Random,
) -> dict[str, Any]:
    """Return the fields of a contact; a telephone is not always known."""
    number = f"{DIALLING_CODES[pool]} 555 0{rng.randint(100, 999)}"
    phone = number if rng.random() < 0.6 else rng.choice([None, ""])
    note = rng.choice(CONTACT_NOTES).text if source == "Call" and rng.random() < 0.3 else None
    return {
        "first_name": name.first,
        "last_name": name.last,
        "email": f"{name.mailbox}@{domain}",
        "phone": phone,
        "position": rng.choice(POSITIONS),
        "organization": [organization] if organization else [],
        "lifecycle": "Lead",
        "newsletter": rng.random() < 0.55,
        "address": None,
        "source": source,
        "notes": note,
    }
