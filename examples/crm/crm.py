"""A small CRM whose changes Auditapp records, both ways: see README.md."""

import enum
import json
import os
import re
import secrets
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.request import Request, urlopen

import sqlalchemy as sa
from flask import Flask, abort, has_request_context, redirect, render_template, request, session
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auditapp.capture import capture, captured, capturing

PEOPLE = {"ada": "Ada Marsh", "ben": "Ben Okoro"}
MONEY, NOTE = r"[0-9]{1,9}(\.[0-9]{1,2})?", r"(?s).{0,20000}"
WORKFLOW = {"type": "workflow", "id": "won-deal", "name": "Follow up a won deal"}
AUDITAPP_URL = os.environ.get("CRM_AUDITAPP_URL", "http://127.0.0.1:5010")
app = Flask(__name__, template_folder=".", static_folder=None)
# Browsers share cookies between ports, so it is not named "session"; a restart makes old forms stale.
app.config.update(SECRET_KEY=secrets.token_hex(), SESSION_COOKIE_NAME="crm")
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["AUDITAPP_DATABASE_URL"]
CSRFProtect(app)
db = SQLAlchemy(app)
pair = [sa.Column(f"{end}_id", sa.ForeignKey(f"{end}.id"), primary_key=True) for end in ("deal", "contact")]
deal_contact = sa.Table("deal_contact", db.metadata, *pair)
Stage = enum.Enum("Stage", {"LEAD": "Lead", "OFFER": "Offer", "WON": "Won", "LOST": "Lost"})


class Company(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Contact(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    portal_token: Mapped[str] = mapped_column(default=secrets.token_urlsafe, info={"audit": "exclude"})
    company_id: Mapped[int] = mapped_column(sa.ForeignKey("company.id"))
    company: Mapped[Company] = relationship()


class Deal(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    stage: Mapped[Stage] = mapped_column(sa.Enum(Stage, native_enum=False), default=Stage.LEAD)
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(12, 2), info={"audit": {"kind": "money"}})
    note: Mapped[str] = mapped_column(default="", info={"audit": {"kind": "text"}})
    company_id: Mapped[int] = mapped_column(sa.ForeignKey("company.id"))
    company: Mapped[Company] = relationship()
    contacts: Mapped[list[Contact]] = relationship(secondary=deal_contact)


class Task(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    due: Mapped[date] = mapped_column(default=lambda: date.today() + timedelta(days=7))
    done: Mapped[bool] = mapped_column(default=False)
    deal_id: Mapped[int] = mapped_column(sa.ForeignKey("deal.id"))
    deal: Mapped[Deal] = relationship()


class Outbox(db.Model):
    __audit__ = False  # what is on its way into the log is no change to record
    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[dict] = mapped_column(sa.JSON)
    uid: Mapped[str | None]  # the id that Auditapp gave it


def person():
    name = session.get("person", "ada") if has_request_context() else None
    return name and {"type": "user", "id": name, "name": PEOPLE[name], "email": f"{name}@crm.example"}


KINDS = {"company": Company, "contact": Contact, "deal": Deal, "task": Task}
with app.app_context():
    db.create_all()
    capture(db, workspace="crm", actor=person)  # way 1: from here on, every change of every model


def tell(**event):
    """Way 2: put an event into the outbox, committed or rolled back with all else; `send` posts it."""
    event |= {"occurred_at": datetime.now(UTC).isoformat(), "idempotency_key": secrets.token_hex()}
    db.session.add(Outbox(event=event))


def send():
    """Post what waits as a batch and keep the answers. Posted a second time, an event adds nothing."""
    query = sa.select(Outbox).where(Outbox.uid.is_(None)).order_by(Outbox.id).limit(100)
    if not (waiting := db.session.scalars(query).all()):
        return
    body = json.dumps({"events": [row.event for row in waiting]}).encode()
    headers = {"Authorization": f"Bearer {os.environ['CRM_API_KEY']}", "Content-Type": "application/json"}
    post = Request(f"{AUDITAPP_URL}/api/v1/events", body, headers)  # noqa: S310 - the address is a setting
    with urlopen(post, timeout=5) as response:  # noqa: S310
        for row, recorded in zip(waiting, json.load(response)["events"], strict=True):
            row.uid = recorded["id"]
    db.session.commit()


def keep_sending():
    while not time.sleep(2):
        try:
            with app.app_context():
                send()
        except Exception as error:
            app.logger.warning("Auditapp could not be told, trying again: %s", error)


@app.get("/")
def index(deal=None):
    if request.args.get("as") in PEOPLE:
        session["person"] = request.args["as"]
    rows = {kind.__name__: db.session.scalars(sa.select(kind)).all() for kind in KINDS.values()}
    here = {"me": person(), "people": PEOPLE, "stages": Stage, "log": f"{AUDITAPP_URL}/w/crm"}
    return render_template("crm.html", deal=deal, **here, **rows)


@app.post("/<any(company, contact, deal):kind>")
def add(kind):
    values = {"name": field("name")}
    if kind != "company":
        values["company"] = db.get_or_404(Company, request.form.get("company", type=int))
    if kind == "deal":
        values["amount"] = Decimal(field("amount", MONEY))
    db.session.add(KINDS[kind](**values))
    db.session.commit()
    return redirect("/")


@app.route("/deal/<int:number>", methods=["GET", "POST"])
def edit(number):
    deal = db.get_or_404(Deal, number)
    if request.method == "GET":
        return index(deal)
    was = deal.stage
    # The query comes first: later it would flush half of the change, which is an event of its own.
    chosen = sa.select(Contact).where(Contact.id.in_(request.form.getlist("contacts", type=int)))
    deal.contacts = db.session.scalars(chosen).all()
    deal.name, deal.amount, deal.note = field("name"), Decimal(field("amount", MONEY)), field("note", NOTE)
    deal.stage = Stage[field("stage", "|".join(Stage.__members__))]
    db.session.flush()
    if deal.stage is Stage.WON is not was:
        follow_up(deal)
    db.session.commit()
    return redirect("/")


def follow_up(deal):
    """The workflow, in the deal's transaction: both happen and are recorded, or neither."""
    won = captured(db.session)[-1]
    with capturing(origin="workflow", actor=WORKFLOW, caused_by=won):
        db.session.add(Task(name=f"Send the contract: {deal.name}", deal=deal))
        db.session.flush()
    about = {"causation_id": str(won.id), "correlation_id": won.correlation_id}
    entity = {"type": "deal", "id": str(deal.id), "name": deal.name}
    tell(event="deal.announced", origin="workflow", actor=WORKFLOW, entity=entity, **about)


@app.post("/task/<int:number>")
def finish(number):
    db.get_or_404(Task, number).done = True
    db.session.commit()
    return redirect("/")


def field(name, form=r"\s*\S.{0,200}"):
    value = request.form[name].replace("\0", "").replace("\r\n", "\n")
    return value if re.fullmatch(form, value) else abort(400, f"The field {name!r} cannot be {value!r}.")


if __name__ == "__main__":
    threading.Thread(target=keep_sending, daemon=True).start()
    app.run(port=int(os.environ.get("CRM_PORT", "5011")))
