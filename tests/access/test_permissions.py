"""Permissions are one enumeration with their words; what a role holds of it is kept as it always was."""

import pytest

from auditapp.access.permissions import (
    AUDIT_LOG_READ,
    EVERYTHING,
    SYSTEM_ROLES,
    AuditLevel,
    Permission,
    allows,
    audit_level,
    owns,
    readable_entity_types,
    words_of,
)

MANAGED = ("members", "roles", "api_keys", "sources", "views", "settings")


def test_the_enumeration_has_each_pair_once_and_words_for_each():
    grants = [each.grant for each in Permission]

    levels = {("audit_log", action) for action in ("read_own", "read_permitted", "read_all", "export")}
    assert set(grants) == levels | {(each, action) for each in MANAGED for action in ("read", "manage")}
    assert len({each.words for each in Permission}) == len(list(Permission)) == len(set(grants))
    assert all(each.words and "_" not in each.words for each in Permission)


@pytest.mark.parametrize("asked", [*Permission, AUDIT_LOG_READ])
@pytest.mark.parametrize(
    "held", [EVERYTHING, ("*", "{action}"), ("{resource}", "*"), ("{resource}", "{action}")]
)
def test_a_grant_as_the_database_has_it_covers_what_it_names(asked, held):
    first = asked.any_of[0]
    grant = tuple(part.format(resource=first.resource, action=first.action) for part in held)

    assert allows(frozenset({grant}), asked)
    assert not allows(frozenset({("elsewhere", "*"), ("*", "elsewhere")}), asked)


@pytest.mark.parametrize(
    ("held", "level"),
    [
        ([], AuditLevel.NOTHING),
        ([("audit_log", "read")], AuditLevel.NOTHING),  # no permission, only what a page asks for
        ([("audit_log", "export")], AuditLevel.NOTHING),
        ([("audit_log", "read_own")], AuditLevel.OWN),
        ([("audit_log", "read_own"), ("audit_log", "read_permitted")], AuditLevel.PERMITTED),
        ([("audit_log", "*")], AuditLevel.ALL),
        ([EVERYTHING], AuditLevel.ALL),
    ],
)
def test_the_highest_level_that_is_held_counts(held, level):
    assert audit_level(frozenset(held)) is level
    assert allows(frozenset(held), AUDIT_LOG_READ) == (level > AuditLevel.NOTHING)


@pytest.mark.parametrize(
    ("held", "is_owner"),
    [
        ([EVERYTHING], True),
        ([("*", "manage")], True),
        ([("members", "manage"), ("roles", "manage")], True),
        ([("members", "*"), ("roles", "*")], True),
        ([("members", "manage")], False),
        ([("roles", "manage"), ("members", "read")], False),
        ([], False),
    ],
)
def test_an_owner_is_who_manages_members_and_roles(held, is_owner):
    assert owns(frozenset(held)) == is_owner


def test_an_entity_type_is_readable_where_a_role_names_it():
    assert readable_entity_types(frozenset({("deal", "read"), ("note", "*"), ("task", "manage")})) == {
        "deal",
        "note",
    }


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        (("members", "manage"), "manage members"),
        (("api_keys", "manage"), "manage API keys"),
        (EVERYTHING, "do everything"),
        (("deal.line_item", "read"), "read deal.line item"),
        (("deal", "*"), "do anything with deal"),
        (("*", "read"), "read everything"),
    ],
)
def test_every_grant_has_words(grant, words):
    assert words_of(grant) == words


def test_the_programs_roles_are_those_of_the_contract():
    assert {name: set(grants) for name, grants in SYSTEM_ROLES.items()} == {
        "Owner": {("*", "*")},
        "Auditor": {("audit_log", "read_all"), ("audit_log", "export"), ("roles", "read")},
        "Member": {("audit_log", "read_own")},
    }
