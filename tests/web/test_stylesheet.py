"""The stylesheet: written in files by what they style, sent as one, on top of what we use of Pico."""

import re

import pytest
from flask.testing import FlaskClient

from auditapp.config import ROOT
from auditapp.web.assets import joined
from tools.prune_pico import PRUNED, pruned

pytestmark = pytest.mark.one_database

OURS = sorted((ROOT / "static" / "css").glob("*.css"))
APP = ROOT / "static" / "app.css"


def test_what_is_left_of_pico_is_what_our_pages_use():
    assert PRUNED.read_text() == pruned(), "run: python tools/prune_pico.py"


def test_every_file_of_styles_is_imported_in_a_layer_and_sent_within_it():
    imports = dict(re.findall(r'@import url\("css/([^"]+)"\) layer\((\w+)\);', APP.read_text()))
    sent = joined(APP)

    assert sorted(imports) == [path.name for path in OURS]
    assert "@import" not in sent
    for path in OURS:
        [first_rule] = re.findall(r"^[.:a-z@][^{]*\{", path.read_text(), re.MULTILINE)[:1]
        assert f"@layer {imports[path.name]}{{" in sent.partition(first_rule)[0]


def test_layers_are_declared_with_pico_beneath_all_others():
    [layers] = re.findall(r"^@layer ([^{;]+);", APP.read_text(), re.MULTILINE)

    assert layers.split(", ")[0] == "pico"
    assert set(re.findall(r"layer\((\w+)\)", APP.read_text())) == set(layers.split(", "))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_layers_decide_and_not_importance(path):
    assert "!important" not in path.read_text()


def test_a_stylesheet_is_sent_without_its_comments_but_with_its_texts(tmp_path):
    (tmp_path / "a.css").write_text('@layer x;\n@import url("b.css") layer(x);\n')
    (tmp_path / "b.css").write_text('/* why */\na::before {\n  content: "/* no comment */\\" ";\n}\n')

    assert (
        joined(tmp_path / "a.css")
        == '@layer x;\n@layer x{\na::before {\ncontent: "/* no comment */\\" ";\n}\n}\n'
    )


@pytest.mark.parametrize("name", ["app.css", "app.js", "vendor/htmx-4.0.1.min.js", "icon.svg"])
def test_static_files_are_kept_for_good_under_the_name_of_their_content(client: FlaskClient, name: str):
    with client.application.test_request_context():
        url = client.application.url_for("static", filename=name)

    answer = client.get(url)

    assert re.search(r"\?v=[0-9a-f]{12}$", url)
    assert answer.status_code == 200
    assert answer.cache_control.immutable
    assert answer.cache_control.max_age == 365 * 24 * 3600


@pytest.mark.both_databases
def test_a_static_file_without_a_version_is_asked_for_again(client: FlaskClient):
    first = client.get("/static/app.css")
    again = client.get("/static/app.css", headers={"If-None-Match": first.headers["ETag"]})

    assert first.cache_control.no_cache
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("gzip, br;q=0", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("", None),
        ("identity", None),
    ],
)
def test_a_static_file_comes_in_an_encoding_that_is_accepted(
    client: FlaskClient, accepted: str, encoding: str
):
    answer = client.get("/static/app.css", headers={"Accept-Encoding": accepted})

    assert answer.headers.get("Content-Encoding") == encoding
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("name", ["nothing.css", "../app.py", "css", "%2e%2e/app.py"])
def test_no_other_file_is_a_static_one(client: FlaskClient, name: str):
    assert client.get(f"/static/{name}").status_code == 404
