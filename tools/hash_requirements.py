"""Writes into the files of requirements what each pinned package's files hash to: ``make hashes``.

Comments, order and groups stay. What a package brings along and no line pins is added at a file's end,
since pip then takes nothing that has no hash. The hashes are the package index's: of the files for every
system and every Python. Run by the Python of an environment that has pip-tools.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==[^\s;]+(?:\s*;.*?)?(?=\s*\\?$)")
HASH = re.compile(r"\s+--hash=(sha256:[0-9a-f]{64})")
OPTIONS = (
    "--quiet",
    "--no-config",
    "--generate-hashes",
    "--no-annotate",
    "--no-header",
    "--no-emit-options",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--no-strip-extras",
    "--allow-unsafe",
    "--output-file=-",
)
# What this machine has beside the index would have hashes of its own.
INDEX_ONLY = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}


def main(paths: list[Path]) -> None:
    """Rewrite the files; each may include those before it."""
    plain = {path: [line for line in path.read_text().splitlines() if not HASH.match(line)] for path in paths}
    elsewhere: set[str] = set()
    for path, lines in plain.items():
        found = _hashes(path, plain)
        pinned = {_name(line) for line in lines if PIN.match(line)}
        added = [pin for name, (pin, _) in sorted(found.items()) if name not in pinned | elsewhere]
        elsewhere |= pinned | {_name(pin) for pin in added}
        path.write_text("".join(_with_hashes(line, found) for line in lines + added))


def _hashes(path: Path, plain: dict[Path, list[str]]) -> dict[str, tuple[str, list[str]]]:
    """Return the pin and the hashes of all that a file asks for, by name."""
    with tempfile.TemporaryDirectory() as folder:
        for each, lines in plain.items():
            (Path(folder) / each.name).write_text("".join(line.rstrip(" \\") + "\n" for line in lines))
        command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, path.name]
        env = {**os.environ, **INDEX_ONLY}
        told = subprocess.check_output(command, cwd=folder, env=env, text=True)  # noqa: S603 - our own arguments
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in told.splitlines():
        if pin := PIN.match(line):
            name = _name(line)
            found[name] = (pin[0], [])
        elif one := HASH.match(line):
            found[name][1].append(one[1])
    return found


def _with_hashes(line: str, found: dict[str, tuple[str, list[str]]]) -> str:
    pin = PIN.match(line)
    if not pin:
        return f"{line}\n"
    hashes = found[_name(line)][1]
    return " \\\n".join([pin[0], *(f"    --hash={each}" for each in hashes)]) + "\n"


def _name(line: str) -> str:
    pin = PIN.match(line)
    assert pin is not None  # noqa: S101 - asked of pins only
    return re.sub(r"[._-]+", "-", pin["name"]).lower()


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
