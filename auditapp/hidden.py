"""Characters that nobody sees but that change what everybody sees: one definition for pages and files."""

import json
import re

# Controls, bidi, zero width; not tab and line feed, which pages may show.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)

# Drawn as nothing, but a part of how some scripts are written: left as they are.
BLANK = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001d173-\U0001d17a\U000e0100-\U000e01ef"
)


def code_point(match: re.Match[str]) -> str:
    """Return a character that was found as ``U+202E``."""
    return f"U+{ord(match[0]):04X}"


def json_escape(match: re.Match[str]) -> str:
    r"""Return a character that was found as JSON escapes it, ``\u202e``."""
    # json.dumps leaves DEL as it is.
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"
