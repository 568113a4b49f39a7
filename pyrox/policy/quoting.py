r"""Go's `%q` form of a string, which upstream's messages carry.

Called by `pyrox.policy.validate`, and by printers that cut texts. It must not know what is
quoted or cut.
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


def first_bytes(text: str, count: int) -> str:
    """The text's first bytes in UTF-8; a character cut in two becomes one mark per byte, as Go prints it."""
    raw = text.encode(errors="replace")
    if len(raw) <= count:
        return text
    start = raw[:count].decode(errors="surrogateescape")
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in start)


def _escape(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code <= _ASCII_END:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _PLANE_END else f"\\U{code:08x}"
