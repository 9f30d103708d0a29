"""Long texts that people of the demo company write and rewrite: a first version, and its edits.

An edit replaces one passage by another; an empty first passage adds a paragraph at the end.
"""

from typing import NamedTuple

Edit = tuple[str, str]


class Note(NamedTuple):
    """A text and what becomes of it, edit by edit."""

    text: str
    edits: tuple[Edit, ...]

    def versions(self) -> list[str]:
        """Return every version, the first one included."""
        found = [self.text]
        for old, new in self.edits:
            found.append(edited(found[-1], old, new))
        return found


def edited(text: str, old: str, new: str) -> str:
    """Replace one passage of a text, or add a paragraph where ``old`` is empty.

    :raise ValueError: if the passage does not occur: the table was written wrong.
    """
    if not old:
        return f"{text}\n\n{new}"
    if old not in text:
        raise ValueError(f"no such passage: {old!r}")
    return text.replace(old, new, 1)


# By the name of the deal.
DEAL_NOTES = {
    "Data Center Refresh": Note(
        "Hafenwerk wants to replace the two racks in hall 3 before the third shift starts. The current "
        "servers have been out of warranty for months, and the storage has been full twice this year. "
        "Mrs. Krause (IT) decides on the technology, Mr. Vogt (CFO) on the money.\n\n"
        "Scope so far: twelve servers, three storage shelves, new core switches. They would like to "
        "keep the racks, the cooling and the cabling. The migration has to happen on weekends because "
        "the welding robots run in two shifts.\n\n"
        "Open questions: floor load in hall 3, delivery time of the storage, and who takes back the old "
        "disks.",
        (
            ("three storage shelves", "four storage shelves"),
            (
                "Open questions: floor load in hall 3, delivery time",
                "Open questions: delivery time",
            ),
            (
                "They would like to keep the racks, the cooling and the cabling.",
                "They would like to keep the racks and the cooling; the cabling is replaced, see the "
                "site report.",
            ),
            (
                "",
                "Call on Tuesday: Mr. Vogt can spend 160,000 this year and the rest in the next. He "
                "asked whether we can invoice in two parts. Ahmad says yes, 60/40.",
            ),
            ("can spend 160,000 this year", "can spend 175,000 this year"),
            (
                "Open questions: delivery time of the storage, and who takes back the old disks.",
                "Open questions: none. Storage arrives in two weeks, the old disks are shredded on site "
                "by us.",
            ),
            (
                "",
                "Signed on paper today, the scan follows. Kick-off with Priya next Monday at 10:00, "
                "hall 3, safety shoes required.",
            ),
        ),
    ),
    "Retail network, eleven shops": Note(
        "Eleven shops, each with a firewall pair and four telephone lines. Head office in Dubai, the "
        "shops are in three cities. They had two outages last year with their present provider and were "
        "told nothing for six hours.\n"
        "What they want:\n"
        "- one price per shop and month\n"
        "- a person who answers in Arabic\n"
        "- no change of telephone numbers\n"
        "We can do all of it. Number porting takes four weeks.",
        (
            ("four telephone lines", "four telephone lines and one for the card terminal"),
            (
                "- no change of telephone numbers\n",
                "- no change of telephone numbers\n"
                "- opening of the Sharjah shop in the contract, at the same price\n",
            ),
            (
                "Number porting takes four weeks.",
                "Number porting takes five weeks, confirmed by the carrier.",
            ),
            (
                "We can do all of it.",
                "We can do all of it; Ahmad answers in Arabic until the new colleague starts.",
            ),
        ),
    ),
    "School network renewal": Note(
        "The school got a grant for its network and must spend it before the end of the term. Five "
        "switches, a survey of the old building, and a firewall with content filter. The caretaker has "
        "the keys and only works in the mornings.\n\n"
        "The principal, Ms. Murphy, signs up to 25,000; anything above goes to the board, which meets "
        "once a month.",
        (
            ("signs up to 25,000", "signs up to 30,000"),
            (
                "The caretaker has the keys and only works in the mornings.",
                "The caretaker works until noon; after that, ask at the library.",
            ),
            ("", "The board met without us. They want the filter rules in writing before they say yes."),
            (
                "They want the filter rules in writing before they say yes.",
                "They approved it once they had the filter rules in writing.",
            ),
        ),
    ),
    "Render farm, first stage": Note(
        "Yunhai renders product films for carmakers and rents capacity by the hour today. They did the "
        "sums and want eight machines of their own, and eight more next year if the first ones are "
        "busy.\n\n"
        "Noise matters: the room is next to the editing suites. Kenta suggests water cooling, which "
        "adds about 11 % and needs a drain. Export licence for the cards is not needed, checked with "
        "the manufacturer.",
        (
            ("adds about 11 %", "adds about 14 %"),
            ("eight more next year", "twelve more next year"),
            (
                "Kenta suggests water cooling, which adds about 14 % and needs a drain.",
                "Kenta suggested water cooling; the landlord does not allow a drain, so it will be "
                "rear-door coolers.",
            ),
        ),
    ),
    "Nurse call integration": Note(
        "Bergblick wants alarms of the nurse call system on the staff telephones. The system is from "
        "2011 and speaks a serial protocol that the manufacturer documents only for partners. We "
        "applied for the partner programme and wait for an answer.\n\n"
        "Risk: if a call is lost, somebody may lie on the floor for an hour. The contract has to say "
        "who tests what, and how often.",
        (
            ("and wait for an answer", "and got the documents last week"),
            ("", "Test bed is running in Oberstdorf: 2,400 calls, none lost, longest delay 3.1 seconds."),
            (
                "2,400 calls, none lost, longest delay 3.1 seconds",
                "11,800 calls, none lost, longest delay 3.4 seconds",
            ),
            ("how often.", "how often. Draft by their lawyer is in the files; see paragraph 7."),
        ),
    ),
    "Guest Wi-Fi, four hotels": Note(
        "Guests complain about the Wi-Fi in every second review. Four houses, 410 rooms, thick walls in "
        "two of them. Aurelia will not drill during the season, so the surveys come first and the "
        "cabling from the end of it on.\n"
        "The login page must work without giving an e-mail address; their lawyer insists.",
        (
            ("410 rooms", "438 rooms, counting the annex in Girona"),
            ("from the end of it on", "from the second week after it on"),
            ("The login page must work", "The login page is ours and must work"),
        ),
    ),
}

# For other deals, in turn. {contact} and {organization} are filled in.
SHORT_NOTES = (
    Note(
        "First call with {contact}. They are unhappy with the response times of their present provider "
        "and want to decide before the end of the quarter. Budget is there, but two other offers are on "
        "the table.",
        (
            ("two other offers are", "one other offer is"),
            ("Budget is there", "Budget is approved in writing"),
        ),
    ),
    Note(
        "{contact} asked for references in the same industry and of about the same size. I sent two; "
        "the second one agreed to a call. Price is not the main point, the date is: everything must run "
        "before the stock-taking.",
        (
            ("the second one agreed to a call", "both agreed to a call"),
            ("before the stock-taking", "before the stock-taking on the 15th"),
        ),
    ),
    Note(
        "Visit at {organization}. The room is smaller than on the plan: 2.1 m instead of 2.6 m, so the "
        "deep rack does not fit. Kenta looks for an alternative. Otherwise everything as discussed on "
        "the telephone.",
        (
            ("Kenta looks for an alternative.", "Kenta found a shallow rack that fits, 180 euros more."),
            ("", "Please bring the badge of last time, the reception keeps the photographs."),
        ),
    ),
    Note(
        "The works council wants to see what is monitored and who can read it. I promised a one-page "
        "summary by Friday. {contact} is on our side and expects no trouble.",
        (
            ("by Friday", "by next Wednesday"),
            (
                "expects no trouble",
                "expects no trouble; the council agreed on condition that logs are kept for 30 days",
            ),
        ),
    ),
    Note(
        "Asked for a discount of 15 % because of the quantity. I offered 7 % and payment within 14 "
        "days. {contact} talks to purchasing and calls back.",
        (
            ("I offered 7 %", "I offered 9 %"),
            ("talks to purchasing and calls back", "agreed on the telephone, written order follows"),
        ),
    ),
    Note(
        "They had a ransomware case in the family company next door and are in a hurry now. Wants a "
        "start within two weeks; I said three. No purchase order number needed, {contact} signs alone.",
        (
            (
                "a start within two weeks; I said three",
                "a start within two weeks; Priya found a slot, so we can",
            ),
        ),
    ),
    Note(
        "{contact} inherited the project from a colleague who left without a handover. There is a "
        "folder of drawings and a list of passwords that do not work. We agreed to start with two days "
        "of stock-taking, billed separately.",
        (
            ("two days of stock-taking", "three days of stock-taking"),
            (
                "billed separately",
                "billed separately and credited if the order comes before the end of the year",
            ),
        ),
    ),
    Note(
        "Demo on Wednesday with {contact} and four people from the shop floor. They liked the alarms on "
        "the telephone, and did not like that the page is in English only.",
        (
            (
                "did not like that the page is in English only",
                "were relieved that the page comes in their language next month",
            ),
            ("four people", "six people"),
        ),
    ),
    Note(
        "The building is listed: no drilling in the façade, no visible cables on the staircase. "
        "{organization} sends the rules of the monument office. Allow for an electrician who has done "
        "this before.",
        (
            (
                "Allow for an electrician who has done this before.",
                "Electrician found, he did the town hall; see the card in the files.",
            ),
            ("no visible cables on the staircase", "no visible cables on the staircase or in the hall"),
        ),
    ),
    Note(
        "Talked about leasing instead of buying. {contact} wants both numbers side by side, 36 and 48 "
        "months. The bank answers within a week. Nothing to do for us until then.",
        (
            ("36 and 48 months", "36, 48 and 60 months"),
            ("Nothing to do for us until then.", "The bank agreed; they take the 48 months."),
        ),
    ),
    Note(
        "They compare us with a provider that is 20 % cheaper and has no one on site. {contact} asked "
        "me to write down what happens at three in the morning, step by step, with names.",
        (
            ("has no one on site", "has no one within two hours' drive"),
            (
                "step by step, with names",
                "step by step, with names. Done; Yael read it and corrected the numbers",
            ),
        ),
    ),
    Note(
        "Short call: the budget moves to next year, but a first part may be ordered now. {contact} asks "
        "which part makes sense alone. I think the survey and the documents.",
        (
            ("I think the survey and the documents.", "The survey and the documents, agreed with Kenta."),
            ("moves to next year", "moves to the first quarter"),
        ),
    ),
    Note(
        "Data protection officer joined the call. Three points: where the data is, who reads it, when "
        "it is deleted. Our standard contract answers two of them; the third needs a sentence from the "
        "lawyer.",
        (
            (
                "the third needs a sentence from the lawyer",
                "the third is in the appendix now, with the lawyer's blessing",
            ),
        ),
    ),
    Note(
        "{contact} is new there and careful. Wants a trial with one machine for a month before anything "
        "else. We lend the machine from the demo room; serial number is in the task.",
        (
            ("for a month", "for six weeks"),
            ("careful", "careful, and quick once convinced"),
        ),
    ),
    Note(
        "Delivery only between seven and nine in the morning, the yard is closed for lorries after "
        "that. Contact at the gate: Mr. Petersen. Two people are needed to carry, there is no lift.",
        (
            ("Mr. Petersen", "Mr. Petersen or Ms. Adebayo"),
            ("there is no lift", "the lift takes 300 kg and nothing longer than two metres"),
        ),
    ),
)

# By the key of the organization.
ORGANIZATION_NOTES = {
    "aurelia": Note(
        "Five houses in Catalonia, run by two sisters. Decisions are made at breakfast in the Barcelona "
        "house; do not call between 11 and 13 (check-out). Invoices go to the holding in Girona, not to "
        "the hotels. They pay late, but they pay.",
        (
            ("Five houses", "Six houses"),
            ("They pay late, but they pay.", "They pay on time since the new controller started."),
            (
                "do not call between 11 and 13 (check-out)",
                "do not call between 11 and 14 (check-out and lunch)",
            ),
        ),
    ),
    "tokai": Note(
        "Three plants, one IT team of four in Nagoya. Documents in Japanese please, Kenta checks them "
        "before they go out. Visits need a form three working days ahead (name, company, laptop serial "
        "number).\n\n"
        "Their fiscal year ends in March; nothing is ordered in the last two weeks of it.",
        (
            ("three working days ahead", "five working days ahead"),
            ("one IT team of four", "one IT team of five"),
        ),
    ),
    "zuerichsee": Note(
        "Clinic with 180 beds. Maintenance only between 22:00 and 04:30, never on the first night of a "
        "month (billing run). The person on duty is in the list at the reception.\n"
        "Data must stay in Switzerland. This rules out our standard backup.",
        (
            ("between 22:00 and 04:30", "between 22:30 and 04:00"),
            (
                "This rules out our standard backup.",
                "Our standard backup does not do that; use the partner in Winterthur.",
            ),
        ),
    ),
}

CONTACT_NOTES = (
    Note(
        "Prefers e-mail. On holiday every year in the first half of August, then hard to reach for "
        "another week because of the stock-taking.",
        (("Prefers e-mail.", "Prefers the telephone, mornings."),),
    ),
    Note(
        "Met at the trade fair, stand 4-B12. Knows Dana from her time at the chamber of commerce. "
        "Interested in the disaster recovery rehearsal; wants to see one at another customer first.",
        (("wants to see one at another customer first", "saw the one at the clinic and liked it"),),
    ),
    Note(
        "Speaks German and Turkish. Please use the mobile number, the landline rings in an empty office.", ()
    ),
)

TASK_TEXTS = (
    ("Call {contact} back", "Asked for a call about the delivery date. Best before noon."),
    (
        "Prepare site visit at {organization}",
        "Badge, safety shoes, floor plan.\nParking is behind the gate on the left.",
    ),
    ("Send references", "Two from the same industry, with names and telephone numbers. Ask them first."),
    ("Check stock for {deal}", "Storage and switches only; the rest is on the shelf."),
    (
        "Draft statement of work",
        "Scope, dates, who provides what. Use the new template, the old one has the wrong terms.",
    ),
    ("Clarify terms of payment", "They ask for 45 days. Ahmad decides."),
    ("Book migration weekend", "Two engineers, Saturday 06:00 to Sunday 14:00, hotel included."),
    (
        "Answer security questionnaire",
        "92 questions, most of them as last year. New: where backups are kept, and for how long.",
    ),
    ("Update network plan", "The plan in the files is from before the extension of the building."),
    ("Collect signed order", ""),
)
