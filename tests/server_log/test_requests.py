"""The access log: a line a request, which says who asked for which page, and never what they searched for."""

import json
import re

import pytest

from tests.conftest import PASSWORD

pytestmark = pytest.mark.one_database


@pytest.mark.both_databases
def test_a_page_is_a_line_with_person_workspace_route_and_size(client, login, acme, server_log):
    login("owner")
    server_log.forget()

    response = client.get("/w/acme/timeline?q=anna@customer.example")

    (line,) = server_log.of("request")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/w/<workspace>/timeline", 200)
    assert line["bytes"] == len(response.data) and line["ms"] > 0
    assert line["workspace"] == "acme" and re.fullmatch(r"[0-9a-f-]{36}", line["account"])
    assert re.fullmatch(r"[0-9a-f]{32}", line["request_id"])
    assert response.headers["X-Request-ID"] == line["request_id"]
    assert "anna" not in server_log.text and "owner@" not in server_log.text


@pytest.mark.both_databases
def test_a_request_of_a_key_is_a_line_with_the_key_and_its_workspace(client, acme, cli, server_log):
    key = cli("api-key", "create", "--workspace", "acme", "--name", "k", "--scope", "events:read").out.strip()

    client.get("/api/v1/events", headers={"Authorization": f"Bearer {key}"})

    (line,) = server_log.of("request")
    assert line["workspace"] == "acme" and re.fullmatch(r"[0-9a-f-]{36}", line["key"])
    assert key not in server_log.text and key[:14] not in server_log.text and "account" not in line


@pytest.mark.both_databases
def test_a_streamed_file_is_logged_once_it_is_read(client, login, acme, note, server_log):
    note()
    login("owner")
    server_log.forget()

    response = client.get("/w/acme/timeline.jsonl", buffered=False)
    assert server_log.of("request") == []
    text = response.get_data()
    response.close()

    (line,) = server_log.of("request")
    assert line["bytes"] == len(text) > 100 and line["route"] == "/w/<workspace>/timeline.jsonl"


@pytest.mark.parametrize(
    "sent",
    [
        "short",
        "x" * 200,
        "a b c d e f g h",
        "anna@customer.example",
        "a\tb\tc\td\te",
        "-" * 20,
        "<b>bold</b>",
    ],
)
def test_a_request_id_that_could_be_anything_else_is_not_taken(client, server_log, sent):
    response = client.get("/login", headers={"X-Request-ID": sent})

    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert sent not in server_log.text


@pytest.mark.parametrize(
    "sent", ["0192f3c4-1111-7000-8000-000000000000", "1-67891233-abcdef012345678912345678"]
)
def test_a_proxys_request_id_is_kept(client, server_log, sent):
    response = client.get("/login", headers={"X-Request-ID": sent})

    assert response.headers["X-Request-ID"] == server_log.of("request")[0]["request_id"] == sent


@pytest.mark.parametrize(
    "path",
    [
        "/join/hunter2hunter2",
        "/in/hunter2hunter2",
        "/hunter2hunter2",
        "/login?next=/join/hunter2hunter2",
        "/w/acme/history/contact/hunter2hunter2",
        "/w/acme/actors/hunter2hunter2",
        "/w/acme/timeline?q=hunter2hunter2&hunter2hunter2=1",
        "/w/Hunter2hunter2!/timeline",
        "/w/acme/events/hunter2hunter2?field=hunter2hunter2",
        "/api/v1/records/contact/hunter2hunter2/state",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HUNTER2HUNTER2-"])
def test_what_an_address_holds_is_not_in_the_log(client, login, acme, server_log, path, method):
    login("owner")
    server_log.forget()
    headers = {
        "User-Agent": "hunter2hunter2\thunter2",
        "Referer": "https://x.example/hunter2hunter2",
        "Authorization": "Bearer hunter2hunter2",
        "Cookie": "a=hunter2hunter2",
    }

    client.open(path, method=method, headers=headers, data=b"hunter2hunter2")

    assert len(server_log.of("request")) == 1
    assert "hunter2hunter2" not in server_log.text.lower()


def test_a_line_break_in_an_address_or_a_header_begins_no_line(client, acme, server_log):
    for path in (
        "/w/a%0d%0a2026-01-01T00:00:00.000Z%20info%20forged/timeline",
        "/%0aforged",
        "/login?a=%0aforged",
    ):
        client.get(path, headers={"X-Forwarded-For": "1.2.3.4, forged", "X-Request-ID": "forged forged"})

    lines = server_log.streams["text"].getvalue().splitlines()
    assert all(re.match(r"2\d{3}-\S+Z (info|warning) (request|denied) ", line) for line in lines)
    assert "forged" not in server_log.text
    for line in server_log.streams["json"].getvalue().splitlines():
        json.loads(line)


def test_passwords_and_emails_of_a_sign_in_are_not_in_the_log(client, acme, server_log):
    for email in ("owner@acme.example", "nobody@acme.example"):
        for password in (PASSWORD, "hunter2hunter2"):
            client.post("/login", data={"email": email, "password": password})
            client.post("/logout")

    assert not re.search(r"@acme|hunter2|correct horse|Owner", server_log.text)
