"""Every parameter of the filter has each of its faces: parsing, search, sentence, form, API, docs."""

import re
from pathlib import Path

import pytest

from auditapp.filters import PARAMETERS
from auditapp.filters.parameter import Narrowing, Saying

DOCS = Path(__file__).parents[2] / "docs" / "filters.md"
SAYING = Saying(lambda _name, _value: None)
# A value that every parameter which narrows takes; for those that do not take any text.
VALUES = {
    "record": "deal:1",
    "event": "deal.updated",
    "actor_type": "workflow",
    "origin": "api",
    "outcome": "denied",
    "ip": "198.51.100.7",
}
# What a change was from and to is found, and said, with its field.
OF_A_CHANGE = ("from", "to")


def missing_faces(parameter) -> list[str]:
    """Return what a parameter lacks."""
    faces = ["name", "description", "values"]
    if isinstance(parameter, Narrowing):
        faces += ["label", "words"]
    missing = [face for face in faces if not getattr(parameter, face, "")]
    if not parameter.schema().get("type"):
        missing.append("schema")
    if not isinstance(parameter, Narrowing) or parameter.name in OF_A_CHANGE:
        return missing
    value = VALUES.get(parameter.name, "deal")
    if not parameter.left_out([value], SAYING):
        missing.append("left_out")
    kinds = {type(parameter), *type(parameter).__mro__} - {*Narrowing.__mro__}
    if not any({"term", "index_parts"} & {*vars(kind)} for kind in kinds):
        missing.append("term")
    if not (parameter.hint or parameter.has_menu or parameter.name == "q" or hasattr(parameter, "choices")):
        missing.append("control")
    return missing


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_a_parameter_lacks_none_of_its_faces(parameter):
    assert missing_faces(parameter) == []


def test_a_parameter_that_lacks_faces_is_refused():
    class Bare(Narrowing):
        name = "bare"
        description = ""

        def check(self, value, reader):
            """Let anything through."""

        def left_out(self, values, say):
            return []

    assert missing_faces(Bare()) == ["description", "values", "label", "words", "left_out", "term", "control"]


def test_the_documentation_has_the_table_of_all_parameters():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", DOCS.read_text(), re.MULTILINE)

    assert rows == [(parameter.name, parameter.values) for parameter in PARAMETERS]
