"""JSON as Go's encoder prints results: two spaces, or compact; no HTML escapes."""

from __future__ import annotations

import json


def render(value: object, *, compact: bool) -> str:
    """The text, ended with a newline."""
    if compact:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    else:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    # Go escapes the two line separators of JavaScript even without HTML escapes.
    return text.replace("\u2028", r"\u2028").replace("\u2029", r"\u2029") + "\n"
