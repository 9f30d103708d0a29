"""Leave of Pico what our pages use: ``python tools/prune_pico.py`` writes ``static/vendor/``.

Run it when a template begins to use another element, class or attribute that Pico styles (a test says so),
or when ``tools/pico-2.1.1.min.css``, which is Pico as published, is exchanged. What is used is read from the
templates, the scripts and the code that writes HTML. A selector stays if they have every tag, class and
attribute in it, a custom property or an animation if something that stays refers to it. Values and order
are Pico's own.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PUBLISHED = ROOT / "tools" / "pico-2.1.1.min.css"
PRUNED = ROOT / "static" / "vendor" / "pico-2.1.1.used.css"
HEAD = (
    "/* Pico CSS v2.1.1 (https://picocss.com), copyright 2019-2025, MIT licence."
    " Only what our pages use: made by tools/prune_pico.py. */\n"
)
TEXT = r'"(?:[^"\\]|\\.)*"'
SKIPPED = rf"{TEXT}|/\*.*?\*/|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"


class Used(NamedTuple):
    """What our pages are made of: tags, classes, and attributes as ``name`` and ``name=value``."""

    tags: set[str]
    classes: set[str]
    attributes: set[str]


class Rule(NamedTuple):
    """A style rule, or an at-rule with what it holds."""

    head: str
    body: "str | list[Rule]"


def main() -> None:
    """Write what is left of Pico."""
    PRUNED.write_text(pruned())
    print(f"{PRUNED.relative_to(ROOT)}: {PRUNED.stat().st_size} of {PUBLISHED.stat().st_size} bytes")  # noqa: T201


def pruned() -> str:
    """Return what is left of Pico, a rule a line."""
    rules = _kept(_parse(PUBLISHED.read_text().split(";", 1)[1]), _used())
    ours = "".join(path.read_text() for path in (ROOT / "static" / "css").glob("*.css"))
    return HEAD + "".join(_lines(_referred(rules, ours)))


def _used() -> Used:
    sources = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "static").glob("*.js"),
        *(ROOT / "auditapp" / "web").rglob("*.py"),
    ]
    found = [_used_in(path.read_text()) for path in sources]
    return Used(*(set().union(*kinds) for kinds in zip(*found, strict=True)))


def _used_in(text: str) -> Used:
    tags = re.findall(r"<([a-z][a-z0-9]*)", text) + re.findall(r'createElement\("(\w+)"', text)
    values = re.findall(r'\b([a-z][a-z-]*)="([^"]*)"', text)
    classes = [word for name, value in values if name == "class" for word in re.findall(r"[\w-]+", value)]
    bare = re.findall(r"\b(hidden|open|disabled|readonly|multiple|checked|required)\b", text)
    # What a template fills in may be any word that it has in quotes.
    quoted = re.findall(r"[\"']([a-z-]+)[\"']", text)
    filled = [
        f"{name}={word}"
        for name, value in values
        if "{{" in value and name in ("type", "role")
        for word in quoted
    ]
    attributes = [
        *(name for name, _ in values),
        *(f"{name}={value}" for name, value in values),
        *bare,
        *filled,
    ]
    return Used(set(tags), set(classes), set(attributes))


def _parse(css: str) -> list[Rule]:
    """Return the rules of a stylesheet, those inside at-rules beneath them."""
    rules, place = [], 0
    while css[place:].strip():
        opening = _find(css, place, "{")
        head, place, depth = css[place:opening].strip(), opening + 1, 1
        start = place
        while depth:
            place = _find(css, place, "{}") + 1
            depth += 1 if css[place - 1] == "{" else -1
        body = css[start : place - 1]
        nested = head.startswith(("@media", "@supports", "@-moz-document"))
        rules.append(Rule(re.sub(r"/\*.*?\*/", "", head, flags=re.DOTALL), _parse(body) if nested else body))
    return rules


def _find(css: str, place: int, marks: str) -> int:
    """Return where one of the marks stands next, outside of texts, comments and brackets."""
    found = re.compile(rf"(?:{SKIPPED}|[^{marks}])*?([{marks}])", re.DOTALL).match(css, place)
    if not found:
        raise ValueError(f"no {marks!r} after {css[place : place + 60]!r}")
    return found.start(1)


def _kept(rules: list[Rule], used: Used) -> list[Rule]:
    kept = []
    for rule in rules:
        if isinstance(rule.body, list):
            inner = _kept(rule.body, used)
            kept += [Rule(rule.head, inner)] if inner else []
        elif rule.head.startswith("@"):
            kept.append(rule)
        elif head := _selectors(rule.head, used):
            kept.append(Rule(head, rule.body))
    return kept


def _selectors(text: str, used: Used) -> str:
    """Return those of a list of selectors that can match something, as a list again."""
    kept = (_selector(selector, used) for selector in _split(text, ","))
    return ",".join(selector for selector in kept if selector)


def _selector(selector: str, used: Used) -> str:
    """Return a selector without what cannot match in its ``:is()`` and the like; empty if it cannot match."""

    def prune_list(found: "re.Match[str]") -> str:
        inner = _selectors(found[2], used)
        return f":{found[1]}({inner})" if inner else "!"

    selector = re.sub(r":(is|where|has)\(((?:[^()]|\([^()]*\))*)\)", prune_list, selector)
    plain = re.sub(r":[\w-]+(\((?:[^()]|\([^()]*\))*\))?", "", selector)
    wanted = re.sub(r"\[.*?\]", "", plain)
    is_used = (
        "!" not in selector
        and ":host" not in selector
        and set(re.findall(r"\.([\w-]+)", wanted)) <= used.classes
        and set(re.findall(r"(?<![\w.#-])[a-z][a-z0-9]*", wanted)) <= used.tags
        and all(_has(attribute, used) for attribute in re.findall(r"\[(.*?)\]", plain))
    )
    return selector if is_used else ""


def _has(attribute: str, used: Used) -> bool:
    """Tell if an attribute, as a selector names it, is on our pages: ``open``, ``type=search``."""
    name, sign, value = re.findall(r"^([\w-]+)([~^$*|]?=)?\"?([^\"]*)", attribute)[0]
    return (f"{name}={value}" if sign == "=" else name) in used.attributes


def _referred(rules: list[Rule], ours: str) -> list[Rule]:
    """Leave out custom properties and animations that nothing refers to, until all are referred to."""
    while True:
        text = "".join(_lines(rules))
        named = set(re.findall(r"var\((--[\w-]+)", text + ours))
        animated = set(re.findall(r"[\w-]+", " ".join(re.findall(r"animation(?:-name)?:([^;}]*)", text))))
        rules = _without(rules, named, animated)
        if "".join(_lines(rules)) == text:
            return rules


def _without(rules: list[Rule], named: set[str], animated: set[str]) -> list[Rule]:
    kept = []
    for head, body in rules:
        if head.startswith("@keyframes") and head.split()[1] not in animated:
            continue
        if isinstance(body, list):
            left: str | list[Rule] = _without(body, named, animated)
        elif head.startswith("@"):
            left = body
        else:
            declarations = _split(body, ";")
            left = ";".join(
                one for one in declarations if not one.startswith("--") or one.split(":")[0] in named
            )
        kept += [Rule(head, left)] if left else []
    return kept


def _split(text: str, sign: str) -> list[str]:
    """Split at a sign outside of texts and brackets."""
    return [piece.strip() for piece in re.findall(rf"(?:{SKIPPED}|[^{sign}])+", text, re.DOTALL)]


def _lines(rules: list[Rule]) -> Iterator[str]:
    for head, body in rules:
        inner = body if isinstance(body, str) else "\n" + "".join(_lines(body))
        yield f"{head}{{{inner}}}\n"


if __name__ == "__main__":
    main()
