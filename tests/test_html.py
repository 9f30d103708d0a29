"""The check of pages itself: what is wrong is found, also in what looks like a page that was good."""

import pytest

from tests.html import check_html

PAGE = """<!doctype html>
<html lang="en"><head><title>Deals</title></head>
<body><h1 id="top">Deals</h1><p class="note" hidden>Ada &amp; Ben, 3 &lt; 4</p>
<table><tbody><tr><td><input type="hidden" name="one">
<a id="one" href="/?a=1&amp;b=2">One</a></td></tr></tbody></table>
</body></html>"""

WRECKS = {
    "an id twice": ('id="one"', 'id="top"'),
    "a bare ampersand in a text": ("&amp; Ben", "&nonsense; Ben"),
    "a reference to no character": ("&amp; Ben", "&#0; Ben"),
    "a bare ampersand in a value": ("1&amp;b=2", "1&nonsense;b=2"),
    "a tag in a text": ("Ada", "Ada<b>"),
    "a value without its end": ('class="note"', 'class="note'),
    "an attribute twice": ("hidden>", "hidden hidden>"),
    "a character that may not be": ("Ada", "Ada\x01"),
    "a character that may not be in a value": ("note", "no\x01te"),
    "a paragraph between rows": ("<tbody><tr>", "<tbody><p>text</p><tr>"),
    "an element that is not closed": ("</a>", ""),
    "an input between rows": ("<tbody><tr>", '<tbody><input type="text"><tr>'),
    "no title": ("Deals</title>", "</title>"),
    "a title of spaces": ("Deals</title>", " </title>"),
    "no language": ('lang="en"', 'lang=""'),
    "no heading": ("h1", "h2"),
}


@pytest.mark.parametrize("wreck", WRECKS)
def test_what_is_wrong_is_found_after_a_page_that_was_good(wreck):
    check_html(PAGE)
    wrecked = PAGE.replace(*WRECKS[wreck])

    for _ in range(2):
        with pytest.raises(AssertionError):
            check_html(wrecked)


def test_a_page_that_says_something_else_is_good_too():
    check_html(PAGE)

    check_html(PAGE.replace("Deals", "Contacts &#39;24").replace("/?a=1", "/w/acme/timeline?q=x"))
