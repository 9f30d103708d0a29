"""Where to go after signing in: paths of this site only."""

import re

# One slash, then no second one and no backslash (which browsers read as a slash), no control
# characters anywhere (which they drop before they read).
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def local_path(target: str | None) -> str:
    """Return ``target`` if it is a path of this site, else ``/``.

    Refused: ``//evil.com``, ``/\\evil.com``, ``https:evil.com``, ``javascript:…``, and whatever
    hides one of these behind tabs or line ends.
    """
    return target if target and _LOCAL.fullmatch(target) else "/"
