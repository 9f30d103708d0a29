"""Names and payloads that would like to be more than text."""

from typing import Any

from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.passwords import hash_password
from auditapp.access.roles import find_role
from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.models import Workspace
from tests.conftest import PASSWORD, an_event

SCRIPT = "<script>document.title = 'owned'; fetch('/owned')</script>"
IMAGE = "<img src=/owned onerror=\"fetch('/owned')\">"
HTMX = '<div hx-get="/owned" hx-trigger="load">htmx</div>'
BREAKOUT = "\"' autofocus onfocus=fetch('/owned') hx-get=/owned hx-trigger=load data-x='"
BOLD = "<b>bold</b>"
BIDI = "invoice\u202egpj.exe \u2066isolated\u2069 \u200bzero"
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
CJK = "株式会社データセンター更新プロジェクト" * 6
ARABIC = "تحديث مركز البيانات للشركة الكبيرة " * 6

NAMES = [SCRIPT, IMAGE, HTMX, BREAKOUT, BOLD, BIDI, LONG_WORD, CJK, ARABIC]
WORKSPACE_NAME = (BOLD + LONG_WORD)[:200]


def make_workspace() -> Workspace:
    """Make a workspace ``hostile``, whose own name and owner's name are no better."""
    workspace = members.create_workspace("hostile", WORKSPACE_NAME, "UTC", COMMAND_LINE)
    for email, name, role in [
        ("owner@hostile.example", (BREAKOUT + LONG_WORD)[:200], "Owner"),
        ("auditor@hostile.example", (SCRIPT + CJK)[:200], "Auditor"),
    ]:
        member = members.add_member(workspace, email, name, find_role(workspace, role), COMMAND_LINE)
        member.account.password_hash = hash_password(PASSWORD)
        members.join(member)
    db.session.commit()
    return workspace


def fill(workspace: Workspace) -> list[str]:
    """Record each name in every place that takes one, and return the ids in the order of NAMES."""
    recorded = record_batch(workspace, [_event(name) for name in NAMES])
    db.session.commit()
    return [str(event.id) for event in recorded]


def _event(name: str) -> dict[str, Any]:
    actor = {"type": "user", "id": name, "name": name, "email": f"{name[:100]}@x.example"}
    return an_event(
        "deal.updated",
        actor=actor,
        on_behalf_of=actor,
        entity={"type": "deal", "id": name, "name": name},
        related=[{"type": "contact", "id": name, "name": name}],
        changes={
            name[:200]: {"previous": name, "current": name + "!", "label": name[:200]},
            "note": {"previous": f"{name} {name} one", "current": f"{name} {name} two", "kind": "text"},
            "data": {"previous": {name: name}, "current": {name: [name]}, "kind": "json"},
            "people": {"current": [{"id": name, "name": name}], "kind": "refs"},
        },
        payload={name: name, "list": [name], "nested": {"deep": {name: name}}},
        context={"user_agent": name, "request_id": name},
        correlation_id=name,
    )
