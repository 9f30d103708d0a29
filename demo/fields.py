"""What the company's records are made of: each field's label and kind, as its events hint them."""

from typing import NamedTuple


class Field(NamedTuple):
    """A field's words; ``refers_to`` is the entity type that a field of kind ``refs`` points at."""

    label: str
    kind: str = "text"
    refers_to: str = ""


FIELDS: dict[str, dict[str, Field]] = {
    "deal": {
        "name": Field("Name"),
        "stage": Field("Stage", "choice"),
        "priority": Field("Priority", "choice"),
        "value": Field("Value (EUR)", "money"),
        "probability": Field("Probability (%)", "number"),
        "expected_close": Field("Expected close", "date"),
        "organization": Field("Organization", "refs", "organization"),
        "contacts": Field("Contacts", "refs", "contact"),
        "services": Field("Services", "refs", "service"),
        "owner": Field("Owner", "refs", "user"),
        "budget_approved": Field("Budget approved", "boolean"),
        "next_step": Field("Next step"),
        "notes": Field("Notes"),
        "procurement": Field("Procurement", "json"),
        "lost_reason": Field("Reason lost", "choice"),
        "closed_on": Field("Closed on", "date"),
    },
    "organization": {
        "name": Field("Name"),
        "industry": Field("Industry", "choice"),
        "status": Field("Status", "choice"),
        "website": Field("Website"),
        "employees": Field("Employees", "number"),
        "address": Field("Address", "json"),
        "lifetime_value": Field("Lifetime value (EUR)", "money"),
        "account_manager": Field("Account manager", "refs", "user"),
        "customer_since": Field("Customer since", "date"),
        "notes": Field("Notes"),
    },
    "contact": {
        "first_name": Field("First name"),
        "last_name": Field("Last name"),
        "email": Field("E-mail"),
        "phone": Field("Phone"),
        "position": Field("Position"),
        "organization": Field("Organization", "refs", "organization"),
        "lifecycle": Field("Lifecycle", "choice"),
        "newsletter": Field("Newsletter", "boolean"),
        "address": Field("Address", "json"),
        "source": Field("Source", "choice"),
        "notes": Field("Notes"),
    },
    "service": {
        "name": Field("Name"),
        "sku": Field("Article number"),
        "category": Field("Category", "choice"),
        "price": Field("Price (EUR)", "money"),
        "unit": Field("Unit", "choice"),
        "lead_time_days": Field("Lead time (days)", "number"),
        "active": Field("On sale", "boolean"),
        "description": Field("Description"),
        "specifications": Field("Specifications", "json"),
    },
    "task": {
        "title": Field("Title"),
        "status": Field("Status", "choice"),
        "priority": Field("Priority", "choice"),
        "due": Field("Due", "date"),
        "assignee": Field("Assignee", "refs", "user"),
        "deal": Field("Deal", "refs", "deal"),
        "description": Field("Description"),
        "estimate_hours": Field("Estimate (hours)", "number"),
    },
    "quote": {
        "number": Field("Number"),
        "status": Field("Status", "choice"),
        "total": Field("Total (EUR)", "money"),
        "discount_percent": Field("Discount (%)", "number"),
        "valid_until": Field("Valid until", "date"),
        "deal": Field("Deal", "refs", "deal"),
        "lines": Field("Lines", "refs", "service"),
        "approved_by": Field("Approved by", "refs", "user"),
    },
    "invoice": {
        "number": Field("Number"),
        "status": Field("Status", "choice"),
        "total": Field("Total (EUR)", "money"),
        "due": Field("Due", "date"),
        "paid_on": Field("Paid on", "date"),
        "organization": Field("Organization", "refs", "organization"),
        "deal": Field("Deal", "refs", "deal"),
    },
    "user": {
        "name": Field("Name"),
        "email": Field("E-mail"),
        "role": Field("Role", "choice"),
        "status": Field("Status", "choice"),
        "position": Field("Position"),
        "phone": Field("Phone"),
        "preferences": Field("Preferences", "json"),
    },
    "role": {
        "name": Field("Name"),
        "description": Field("Description"),
        "permissions": Field("Permissions", "json"),
    },
    "settings": {
        "working_hours": Field("Working hours", "json"),
        "quote_approval": Field("Quote approval", "json"),
        "two_factor_required": Field("Second factor required", "boolean"),
        "default_payment_days": Field("Payment terms (days)", "number"),
    },
}
