r"""Go's `%q` form of a string, which upstream's messages carry.

Called by `pyrox.policy.validate`. It must not know what is quoted.
"""

from __future__ import annotations

_SHORT = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_ASCII_END = 0x7F
_PLANE_END = 0x10000


def quote(text: str) -> str:
    """The text between double quotes with Go's escapes."""
    return '"' + "".join(_escape(char) for char in text) + '"'


def quote_list(texts: list[str]) -> str:
    """Go's `%q` of a slice: quoted texts between square brackets, a space apart."""
    return "[" + " ".join(quote(text) for text in texts) + "]"


def _escape(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code <= _ASCII_END:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _PLANE_END else f"\\U{code:08x}"
