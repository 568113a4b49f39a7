"""Where a JSON text is wrong, in the words of Go's `encoding/json`, and where a value stands.

`decode.py` comes here only when the fast parser or the message refused a body: to find
the end of the first value (what follows it is ignored, as upstream does), or to name
line and column. One pass, no recursion, so that a hostile body costs linear time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyrox.errors import Invalid
from pyrox.rpc.codec.doubled import Again

_SPACE = re.compile(rb"[ \t\n\r]*")
_STRING_PART = re.compile(rb'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_DIGITS = re.compile(rb"[0-9]+")
_LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_UNEXPECTED_END = "unexpected EOF"


def _quoted(byte: int) -> str:
    """Go's `quoteChar`."""
    char = chr(byte)
    if char == "'":
        return r"'\''"
    if char == '"':
        return "'\"'"
    names = {
        "\a": r"\a",
        "\b": r"\b",
        "\f": r"\f",
        "\n": r"\n",
        "\r": r"\r",
        "\t": r"\t",
        "\v": r"\v",
        "\\": r"\\",
    }
    if char in names:
        return f"'{names[char]}'"
    return f"'{char}'" if char.isprintable() else f"'\\x{byte:02x}'" if byte < 0x80 else f"'\\u{byte:04x}'"


class _Scanner:
    """Go's scanner over one body."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def space(self) -> None:
        """Go past white space."""
        match = _SPACE.match(self.body, self.at)
        self.at = match.end() if match else self.at

    def fail(self, context: str) -> Invalid:
        """The error for the byte at hand."""
        if self.at >= len(self.body):
            return Invalid(_UNEXPECTED_END)
        return Invalid(f"invalid character {_quoted(self.body[self.at])} {context}")

    def peek(self) -> int:
        """The byte at hand; -1 at the end."""
        return self.body[self.at] if self.at < len(self.body) else -1

    def string(self) -> None:
        """Go past a string whose first quote is at hand."""
        match = _STRING_PART.match(self.body, self.at + 1)
        self.at = match.end() if match else self.at + 1
        byte = self.peek()
        if byte == ord('"'):
            self.at += 1
            return
        if byte != ord("\\"):
            raise self.fail("in string literal")
        self.at += 1
        if self.peek() != ord("u"):
            raise self.fail("in string escape code")
        self.at += 1
        while chr(max(self.peek(), 0)) in "0123456789abcdefABCDEF":
            self.at += 1
        raise self.fail(r"in \u hexadecimal character escape")

    def _digits(self, context: str) -> None:
        match = _DIGITS.match(self.body, self.at)
        if match is None:
            raise self.fail(context)
        self.at = match.end()

    def number(self) -> None:
        """Go past a number."""
        if self.peek() == ord("-"):
            self.at += 1
        if self.peek() == ord("0"):
            self.at += 1
        else:
            self._digits("in numeric literal")
        if self.peek() == ord("."):
            self.at += 1
            self._digits("after decimal point in numeric literal")
        if self.peek() in {ord("e"), ord("E")}:
            self.at += 1
            if self.peek() in {ord("+"), ord("-")}:
                self.at += 1
            self._digits("in exponent of numeric literal")

    def literal(self, word: bytes) -> None:
        """Go past `true`, `false` or `null`."""
        for expected in word[1:]:
            self.at += 1
            if self.peek() != expected:
                raise self.fail(f"in literal {word.decode()} (expecting {_quoted(expected)})")
        self.at += 1

    def scalar(self) -> None:
        """Go past a value that is neither object nor array."""
        byte = self.peek()
        if byte == ord('"'):
            self.string()
        elif byte == ord("-") or ord("0") <= byte <= ord("9"):
            self.number()
        elif byte in _LITERALS:
            self.literal(_LITERALS[byte])
        else:
            raise self.fail("looking for beginning of value")

    def key(self) -> None:
        """Go past an object's key and its colon."""
        self.space()
        if self.peek() != ord('"'):
            raise self.fail("looking for beginning of object key string")
        self.string()
        self.space()
        if self.peek() != ord(":"):
            raise self.fail("after object key")
        self.at += 1


def first_value(body: bytes) -> bytes:
    """The first JSON value of the body; empty when there is only white space.

    Raises `Invalid` with Go's text when it is not well formed.
    """
    scan = _Scanner(body)
    scan.space()
    start = scan.at
    if start < len(body):
        _skip(scan)
    return body[start : scan.at]


def _skip(scan: _Scanner) -> None:
    """Go past one value of any kind."""
    closers = bytearray()
    while True:
        if not _opened(scan, closers):
            scan.scalar()
        if _closed(scan, closers):
            return


def _opened(scan: _Scanner, closers: bytearray) -> bool:
    """Enter all objects and arrays at hand up to a first scalar; True when one is empty."""
    while True:
        scan.space()
        byte = scan.peek()
        if byte not in {ord("{"), ord("[")}:
            return False
        closer = byte + 2  # in ASCII a closing bracket stands two after its opening one
        closers.append(closer)
        scan.at += 1
        scan.space()
        if scan.peek() == closer:
            return True
        if closer == ord("}"):
            scan.key()


def _closed(scan: _Scanner, closers: bytearray) -> bool:
    """After a value: leave what ends here; True at the end of the whole value."""
    while closers:
        scan.space()
        byte = scan.peek()
        if byte == closers[-1]:
            scan.at += 1
            closers.pop()
            continue
        in_object = closers[-1] == ord("}")
        if byte != ord(","):
            raise scan.fail("after object key:value pair" if in_object else "after array element")
        scan.at += 1
        if in_object:
            scan.key()
        return False
    return True


def locate(body: bytes, path: Sequence[str | int], *, at_key: bool) -> tuple[int, int, str]:
    """Line, column and raw token of the value (or of its key) at `path` of well-formed JSON.

    An object or array shows as its bracket. Columns count characters.
    """
    scan = _Scanner(body)
    start = end = 0
    for step in path:
        scan.space()
        scan.at += 1
        start, end = _enter_key(scan, step) if isinstance(step, str) else _enter_item(scan, step)
    if not at_key:
        scan.space()
        start = scan.at
        if scan.peek() in {ord("{"), ord("[")}:
            end = start + 1
        else:
            scan.scalar()
            end = scan.at
    before = body[:start].decode("utf-8", "replace")
    column = len(before) - (before.rfind("\n") + 1) + 1
    return before.count("\n") + 1, column, body[start:end].decode("utf-8", "replace")


def _enter_key(scan: _Scanner, name: str) -> tuple[int, int]:
    """Stop at the value of that key; the bounds of the key."""
    before = name.before if isinstance(name, Again) else 0
    while True:
        scan.space()
        start = scan.at
        scan.string()
        end = scan.at
        scan.space()
        scan.at += 1
        if _unquote(scan.body[start:end]) == name:
            if not before:
                return start, end
            before -= 1
        _skip(scan)
        scan.space()
        if scan.peek() != ord(","):
            return start, end
        scan.at += 1


def _enter_item(scan: _Scanner, index: int) -> tuple[int, int]:
    for _ in range(index):
        _skip(scan)
        scan.space()
        scan.at += 1
    scan.space()
    return scan.at, scan.at


def _unquote(raw: bytes) -> str:
    text = raw[1:-1].decode("utf-8", "replace")
    if "\\" not in text:
        return text
    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _escape, text)


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "u" and len(code) > 1:
        return chr(int(code[1:], 16))
    return {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}.get(code, code)
