"""Deals: from the first call to won or lost, each at its own pace."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from demo.automation import deal_lost, deal_won, quote_built
from demo.cast import QUOTE_LINK, Person, visitor_does
from demo.company import DEALS, Deal
from demo.notes import DEAL_NOTES, SHORT_NOTES, TASK_TEXTS, Note
from demo.office import Office, day, total
from demo.tasks import add_task, task_story
from demo.world import Record, Story, dice

NEXT_STEPS = (
    "Call back",
    "Send references",
    "Site visit",
    "Wait for the board",
    "Send the revised offer",
    "Chase",
)
LOST_REASONS = ("Price", "Chose another provider", "Project put off", "No budget", "No answer any more")


class Selling:
    """One deal and who works on it: the steps of its story, each a few lines."""

    def __init__(self, office: Office, plan: Deal) -> None:
        self.office, self.world, self.plan = office, office.world, plan
        self.rng = dice(f"deal {plan.name}")
        self.deal: Record
        self.quote_sent = False

    @property
    def seller(self) -> Person:
        """Whoever has the deal today."""
        return self.office.person(self.plan.owner)

    def wait(self, least: float, most: float) -> datetime:
        """Return when the seller goes on: so many days from now, in working hours."""
        return self.seller.later(self.world.clock, self.rng.uniform(least, most) * self.plan.pace, self.rng)

    def moments_later(self) -> datetime:
        """Return a moment some minutes on, in the same sitting."""
        return self.world.clock + timedelta(minutes=self.rng.uniform(1, 9))

    def set(self, **values: Any) -> None:
        """Change the deal, as the seller."""
        self.world.update(self.seller.does(self.rng), self.deal, **values)

    def story(self) -> Story:
        """The whole way, as far as there is time for it."""
        yield self.office.begin(self.seller, self.plan.days_ago, self.rng)
        yield from self.open()
        notes = self.notes()
        yield from self.discover(notes)
        yield from self.choose_services()
        yield from self.propose(notes)
        if self.plan.ending == "lost" and self.rng.random() < 0.4:
            yield from self.lose()
            return
        yield from self.negotiate(notes)
        yield from (self.lose() if self.plan.ending == "lost" else self.win(notes))

    def open(self) -> Story:
        """Enter the customer, the deal and whom to talk to."""
        by = self.seller.does(self.rng)
        organization = self.office.organization(self.plan.organization, by)
        yield self.moments_later()
        state = {
            "name": self.plan.name,
            "stage": "New",
            "priority": "Normal",
            "value": None,
            "probability": 10,
            "expected_close": day(self.world.clock, self.rng.randint(40, 75)),
            "organization": [organization.ref()],
            "contacts": [],
            "services": [],
            "owner": self.seller.ref(),
            "budget_approved": False,
            "next_step": "",
            "notes": None,
            "procurement": None,
            "lost_reason": None,
            "closed_on": None,
        }
        self.deal = self.world.create(by, "deal", state, keeper=self.plan.owner)
        yield self.moments_later()
        contacts = self.office.contacts.get(self.plan.organization, [])
        if not contacts:
            contacts = [self.office.add_contact(by, self.plan.organization, self.rng)]
            yield self.moments_later()
        self.set(contacts=[contacts[0].ref(role="Decides")])

    def notes(self) -> Iterator[str]:
        """Return the versions of the deal's notes, the first one first."""
        # In turn, not at random: no text comes back before all the others had their turn.
        note = DEAL_NOTES.get(self.plan.name) or SHORT_NOTES[DEALS.index(self.plan) % len(SHORT_NOTES)]
        filled = Note(*_fill(note, self.deal))
        return iter(filled.versions())

    def write(self, notes: Iterator[str]) -> None:
        """Write the next version of the notes, if there is one."""
        self.set(notes=next(notes, self.deal.state["notes"]))

    def discover(self, notes: Iterator[str]) -> Story:
        """Find out what the customer needs."""
        yield self.wait(0.6, 3)
        self.write(notes)
        yield self.moments_later()
        self.set(stage="Discovery", probability=25, next_step=self.rng.choice(NEXT_STEPS))
        if self.rng.random() < 0.55:
            yield self.moments_later()
            self._add_task()
        if self.rng.random() < 0.4:
            yield self.wait(0.5, 2)
            by = self.seller.does(self.rng)
            contact = self.office.add_contact(by, self.plan.organization, self.rng)
            yield self.moments_later()
            self.set(contacts=[*self.deal.state["contacts"], contact.ref(role="Technical contact")])
        yield self.wait(1, 4)
        self.write(notes)

    def _add_task(self) -> None:
        title, text = self.rng.choice(TASK_TEXTS)
        names = {
            "contact": self.deal.state["contacts"][0]["name"],
            "organization": self.deal.state["organization"][0]["name"],
            "deal": self.deal.name,
        }
        who = self.rng.choice([self.plan.owner, self.plan.owner, "kenta", "yael"])
        due = day(self.world.clock, self.rng.randint(2, 12)) if self.rng.random() < 0.85 else None
        task = add_task(
            *(self.office, self.seller.does(self.rng), who, title.format(**names), self.deal),
            due=due,
            priority=self.rng.choice(["Low", "Normal", "Normal", "High"]),
            text=text,
        )
        self.world.start(task_story(self.office, task, dice(f"task {self.plan.name}"), days=5))

    def choose_services(self) -> Story:
        """Put the services together; the first guess at the quantities is rarely the last."""
        yield self.wait(0.5, 3)
        wanted = self.plan.wanted()
        guess = [
            (key, max(1, round(quantity * self.rng.choice([0.5, 0.75, 1, 1.25])))) for key, quantity in wanted
        ]
        lines = self.office.lines(guess[:2])
        self.set(services=lines, value=total(lines))
        yield self.wait(0.8, 4)
        lines = self.office.lines(wanted)
        self.set(services=lines, value=total(lines))
        if self.rng.random() < 0.5:
            judge = self.office.person("kenta" if total(lines) > 30_000 else self.plan.owner)
            yield judge.later(self.world.clock, self.rng.uniform(0.3, 2), self.rng)
            by = judge.does(self.rng)
            self.world.update(by, self.deal, priority="High" if total(lines) > 15_000 else "Low")

    def propose(self, notes: Iterator[str]) -> Story:
        """Go to Proposal; a workflow drafts the quote, the seller sends it."""
        yield self.wait(0.5, 3)
        by = self.seller.does(self.rng, correlation=self.world.new_id("act"))
        cause = self.world.update(
            by,
            self.deal,
            stage="Proposal",
            probability=50,
            expected_close=day(self.world.clock, self.rng.randint(14, 30)),
            procurement={
                "purchase_order": self.rng.choice([None, "", f"PO-{self.rng.randint(10_000, 99_999)}"]),
                "payment_days": 30,
                "delivery": {
                    "partial": self.rng.random() < 0.5,
                    "incoterm": self.rng.choice(["DAP", "EXW", "DDP"]),
                },
            },
        )
        self.world.start(quote_built(self.office, self.deal, by, cause))
        yield self.wait(1.2, 3)
        yield from self.send_quote()
        yield self.wait(1, 4)
        self.write(notes)

    def quote(self) -> Record:
        """Return the deal's quote."""
        return next(
            quote for quote in self.world.records["quote"] if quote.state["deal"][0]["id"] == self.deal.id
        )

    def send_quote(self) -> Story:
        """Send the quote; now and then the mail server has to be asked twice."""
        quote, correlation = self.quote(), self.world.new_id("act")
        while quote.state["status"] == "In review":
            yield self.wait(0.5, 1)
        if self.rng.random() < 0.12:
            by = self.seller.does(self.rng, correlation)
            error = {"code": "smtp_451", "message": "Mail server is busy, try again later"}
            self.world.emit(by, "quote.sent", quote.ref(), outcome="failure", payload={"error": error})
            yield self.moments_later()
        by = self.seller.does(self.rng, correlation)
        self.world.update(by, quote, verb="sent", status="Sent")

    def negotiate(self, notes: Iterator[str]) -> Story:
        """Haggle about price, quantity and date."""
        yield self.wait(2, 6)
        self.set(stage="Negotiation", probability=75, next_step=self.rng.choice(NEXT_STEPS))
        if len(self.deal.state["services"]) in {2, 3} and self.rng.random() < 0.4:
            yield self.wait(0.2, 1)
            fewer = self.deal.state["services"][:-1]
            self.set(services=fewer, value=total(fewer))
            self.world.update(self.seller.does(self.rng), self.quote(), lines=fewer, total=total(fewer))
        yield self.wait(0.1, 2)
        discount = self.rng.choice([0, 3, 5, 5, 7.5, 10])
        value = total(self.deal.state["services"], discount)
        self.world.update(
            self.seller.does(self.rng), self.quote(), discount_percent=discount, total=value, status="Revised"
        )
        yield self.moments_later()
        self.set(value=value, expected_close=day(self.world.clock, self.rng.randint(7, 16)))
        yield self.wait(0.8, 4)
        self.write(notes)
        if self.rng.random() < 0.5:
            yield self.wait(0.3, 2)
            self.set(budget_approved=True, next_step="")

    def lose(self) -> Story:
        """Lose the deal, and say why."""
        yield self.wait(1.5, 6)
        by = self.seller.does(self.rng, correlation=self.world.new_id("act"))
        cause = self.world.update(
            by,
            self.deal,
            stage="Lost",
            probability=0,
            lost_reason=self.rng.choice(LOST_REASONS),
            closed_on=day(self.world.clock),
            next_step=None,
        )
        self.world.update(self.seller.does(self.rng), self.quote(), verb="declined", status="Declined")
        self.world.start(deal_lost(self.office, self.deal, by, cause))

    def win(self, notes: Iterator[str]) -> Story:
        """Win it: often the customer accepts the quote online before anybody here knows."""
        yield self.wait(1, 5)
        if self.rng.random() < 0.5:
            visitor = visitor_does(QUOTE_LINK, self.rng)
            self.world.update(visitor, self.quote(), verb="accepted", status="Accepted")
            yield self.wait(0.05, 0.6)
        yield from self.sign(notes)

    def sign(self, notes: Iterator[str]) -> Story:
        """Set the deal to Won, and let the workflows run."""
        for text in notes:
            self.set(notes=text)
            yield self.moments_later()
        self.world.update(self.seller.does(self.rng), self.quote(), verb="accepted", status="Accepted")
        yield self.moments_later()
        by = self.seller.does(self.rng, correlation=self.world.new_id("act"))
        cause = self.world.update(
            by, self.deal, stage="Won", probability=100, closed_on=day(self.world.clock), next_step=None
        )
        self.world.start(deal_won(self.office, self.deal, by, cause))


def _fill(note: Note, deal: Record) -> tuple[str, tuple[tuple[str, str], ...]]:
    names = {
        "contact": deal.state["contacts"][0]["name"],
        "organization": deal.state["organization"][0]["name"],
    }
    edits = tuple((old.format(**names), new.format(**names)) for old, new in note.edits)
    return note.text.format(**names), edits


def flagship_story(office: Office, plan: Deal) -> Story:
    """The deal of the year: slow, much discussed, and signed half an hour ago."""
    selling = Selling(office, plan)
    yield office.begin(selling.seller, plan.days_ago, selling.rng)
    yield from selling.open()
    notes = selling.notes()
    yield from selling.discover(notes)
    yield from selling.choose_services()
    yield from selling.propose(notes)
    yield from selling.negotiate(notes)
    for helper in ("kenta", "dana"):
        person, rng = office.person(helper), selling.rng
        yield person.later(office.world.clock, rng.uniform(2, 5), rng)
        office.world.update(person.does(rng), selling.deal, notes=next(notes))
    yield office.world.now - timedelta(minutes=41, seconds=12)
    selling.set(budget_approved=True, notes=next(notes), expected_close=day(office.world.clock))
    yield office.world.now - timedelta(minutes=33, seconds=47)
    yield from selling.sign(notes)
