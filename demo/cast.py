"""The people of the demo company, the keys and workflows that work beside them, and their hours."""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from demo.world import Actor, Doing, dice

BEFORE_THE_LOG = 9999.0
MONDAY_TO_FRIDAY = frozenset(range(5))
SUNDAY_TO_THURSDAY = frozenset({6, 0, 1, 2, 3})

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Safari/605.1.15"
)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148"
)


@dataclass(frozen=True)
class Person:
    """Somebody who signs in. Hours are local; ``joined`` and ``left`` are days before now."""

    key: str
    name: str
    email: str
    position: str
    role: str
    zone: str
    day: tuple[float, float]  # when the working day begins and ends
    addresses: tuple[str, ...]  # the usual one first
    agent: str
    days: frozenset[int] = MONDAY_TO_FRIDAY
    joined: float = BEFORE_THE_LOG
    left: float = 0.0

    @property
    def id(self) -> str:
        """Return the person's id, the same in every demo; a member's is the member's id too."""
        return str(_uuid(f"person {self.key}"))

    @property
    def account_id(self) -> str:
        """Return the id of the account that the person signs in with."""
        return str(_uuid(f"account {self.key}"))

    @property
    def actor(self) -> Actor:
        """Return the person as events name them."""
        return {"type": "user", "id": self.id, "name": self.name, "email": self.email}

    def ref(self) -> list[dict[str, Any]]:
        """Return the person as the value of a field that refers to users."""
        return [{"id": self.id, "name": self.name}]

    def does(self, rng: random.Random, correlation: str | None = None) -> Doing:
        """Return the person at work: mostly at the usual place, sometimes on the phone."""
        on_the_road = rng.random() < 0.12
        address = self.addresses[-1] if rng.random() < 0.25 else self.addresses[0]
        context = {
            "ip": address,
            "user_agent": PHONE if on_the_road else self.agent,
            "request_id": f"req-{rng.getrandbits(48):012x}",
        }
        return Doing(self.actor, "ui", context, correlation=correlation)

    def later(self, after: datetime, days: float, rng: random.Random) -> datetime:
        """Return a moment in this person's working hours, about ``days`` after another one."""
        zone = ZoneInfo(self.zone)
        wanted = (after + timedelta(days=days)).astimezone(zone)
        if days < 0.4 and self._at_work(wanted):
            return wanted.astimezone(after.tzinfo)
        day = wanted.date()
        while True:
            if day.weekday() in self.days:
                moment = datetime.combine(day, _time_of_day(self.day, rng), zone)
                if moment > after:
                    return moment.astimezone(after.tzinfo)
            day += timedelta(days=1)

    def morning(self, after: datetime, days: float, rng: random.Random) -> datetime:
        """Return the beginning of one of this person's working days, about ``days`` after a moment."""
        zone = ZoneInfo(self.zone)
        day = (after + timedelta(days=days)).astimezone(zone).date()
        minutes = int(self.day[0] * 60 + rng.triangular(-10, 45, 5))
        while day.weekday() not in self.days:
            day += timedelta(days=1)
        at = time(minutes // 60, minutes % 60, rng.randrange(60), rng.randrange(1_000_000))
        return datetime.combine(day, at, zone).astimezone(after.tzinfo)

    def _at_work(self, local: datetime) -> bool:
        hour = local.hour + local.minute / 60
        return local.weekday() in self.days and self.day[0] <= hour <= self.day[1]


def _time_of_day(hours: tuple[float, float], rng: random.Random) -> time:
    """Two humps with a lunch between them."""
    start, end = hours
    middle = (start + end) / 2
    if rng.random() < 0.52:
        hour = rng.triangular(start, middle - 0.3, start + 1.6)
    else:
        hour = rng.triangular(middle + 0.6, end, middle + 2)
    seconds = int(hour * 3600)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, rng.randrange(1_000_000))


def _uuid(key: str) -> uuid.UUID:
    return uuid.UUID(int=dice(key).getrandbits(128), version=4)


OFFICE = "192.0.2.17"

PEOPLE = {
    person.key: person
    for person in (
        Person(
            *("dana", "Dana Nováková", "owner@demo.example", "Managing director", "Owner"),
            *("Europe/Prague", (7.8, 17.5), (OFFICE, "198.51.100.21"), SAFARI),
        ),
        Person(
            *("alexandra", "Αλεξάνδρα Παπαδοπούλου", "auditor@demo.example", "Internal auditor", "Auditor"),
            *("Europe/Athens", (9.0, 17.0), ("198.51.100.34", "2001:db8:34::9"), CHROME),
        ),
        Person(
            *("mateo", "Mateo Hernández", "member@demo.example", "Account executive", "Sales"),
            *("Europe/Berlin", (8.5, 18.3), (OFFICE, "2001:db8:77::1d"), CHROME),
        ),
        Person(
            *("oksana", "Оксана Шевченко", "oksana.shevchenko@demo.example", "Account executive", "Sales"),
            *("Europe/Berlin", (8.0, 17.0), (OFFICE, "198.51.100.48"), FIREFOX),
        ),
        Person(
            *("tom", "Tom Becker", "tom.becker@demo.example", "Account executive", "Sales"),
            *("Europe/Berlin", (9.3, 18.0), (OFFICE, "198.51.100.52"), CHROME),
            left=47,
        ),
        Person(
            *("huong", "Nguyễn Thị Hương", "huong.nguyen@demo.example", "Account executive", "Sales"),
            *("Europe/Berlin", (8.2, 17.2), (OFFICE, "2001:db8:81::a4"), SAFARI),
            joined=58,
        ),
        Person(
            *("yael", "יעל כהן", "yael.cohen@demo.example", "Customer success", "Customer success"),
            *("Asia/Jerusalem", (8.4, 17.0), ("198.51.100.77", "2001:db8:15::77"), CHROME),
            SUNDAY_TO_THURSDAY,
        ),
        Person(
            *("kenta", "佐藤健太", "kenta.sato@demo.example", "Solution engineer", "Engineering"),
            *("Asia/Tokyo", (9.0, 18.5), ("198.51.100.90", "2001:db8:90::5"), FIREFOX),
        ),
        Person(
            *("priya", "प्रिया शर्मा", "priya.sharma@demo.example", "Project manager", "Engineering"),
            *("Asia/Kolkata", (9.5, 18.5), ("198.51.100.112", "2001:db8:91::12"), CHROME),
        ),
        Person(
            *("lukasz", "Łukasz Wójcik", "lukasz.wojcik@demo.example", "IT administrator", "Administrator"),
            *("Europe/Warsaw", (6.8, 15.2), ("192.0.2.40", "198.51.100.140"), FIREFOX),
        ),
        Person(
            *("sinead", "Sinéad O’Brien", "sinead.obrien@demo.example", "Marketing", "Marketing"),
            *("Europe/Dublin", (9.0, 17.3), ("198.51.100.163", "2001:db8:63::2"), SAFARI),
        ),
        Person(
            *("ahmad", "أحمد منصور", "ahmad.mansour@demo.example", "Finance", "Finance"),
            *("Asia/Dubai", (8.0, 16.5), ("198.51.100.180", "2001:db8:80::b"), CHROME),
        ),
    )
}
MEMBERS = (("dana", "Owner"), ("alexandra", "Auditor"), ("mateo", "Member"))  # who signs in to Auditapp

SUPPORT = Person(
    *(
        "grace",
        "Grace Okafor (vendor support)",
        "grace.okafor@support.example",
        "Support engineer",
        "Support",
    ),
    *("Europe/London", (8.0, 18.0), ("203.0.113.200",), CHROME),
)


def _machine(kind: str, key: str, name: str) -> Actor:
    return {"type": kind, "id": key, "name": name}


WEBSITE = _machine("api_key", "key_website_form", "Website form")
ERP = _machine("api_key", "key_erp_sync", "ERP sync")
PAYMENTS = _machine("api_key", "key_payments", "Payment provider")
NIGHTLY = _machine("system", "nightly-job", "Nightly job")
UNSUBSCRIBE = _machine("anonymous", "unsubscribe-link", "Unsubscribe link")
QUOTE_LINK = _machine("anonymous", "quote-link", "Visitor with a quote link")

WORKFLOWS = {
    key: _machine("workflow", f"wf_{key}", name)
    for key, name in {
        "deal_won": "Deal won",
        "deal_lost": "Deal lost",
        "lead_routing": "Lead routing",
        "quote_builder": "Quote builder",
        "onboarding": "Customer onboarding",
        "reminder": "Payment reminder",
        "offboarding": "User offboarding",
        "big_deal": "Large deal review",
    }.items()
}

_MACHINE_CONTEXT = {
    WEBSITE["id"]: {"ip": "203.0.113.10", "user_agent": "kestrel-website/2.4"},
    ERP["id"]: {"ip": "203.0.113.25", "user_agent": "erp-connector/7.1 (java 21)"},
    PAYMENTS["id"]: {"ip": "203.0.113.61", "user_agent": "PaymentHooks/1.9"},
}


def machine_does(actor: Actor, origin: str, rng: random.Random, correlation: str | None = None) -> Doing:
    """Return a key or a job of the system at work."""
    context = {**_MACHINE_CONTEXT.get(actor["id"], {}), "request_id": f"req-{rng.getrandbits(48):012x}"}
    return Doing(actor, origin, context, correlation=correlation)


def workflow_does(key: str, after: Doing, cause: int) -> Doing:
    """Return a workflow that follows on what somebody did: same correlation, theirs as the cause."""
    run = dice(f"run {key} {cause}").getrandbits(40)
    context = {"request_id": f"run-{run:010x}"}
    return Doing(WORKFLOWS[key], "workflow", context, correlation=after.correlation, cause=cause)


def visitor_does(actor: Actor, rng: random.Random, correlation: str | None = None) -> Doing:
    """Return somebody whom nobody knows, from anywhere."""
    address = (
        f"203.0.113.{rng.randint(70, 190)}" if rng.random() < 0.7 else f"2001:db8:{rng.getrandbits(16):x}::1"
    )
    agent = rng.choice((PHONE, SAFARI, CHROME, FIREFOX))
    context = {"ip": address, "user_agent": agent, "request_id": f"req-{rng.getrandbits(48):012x}"}
    return Doing(actor, "ui", context, correlation=correlation)
