"""Path globs in doublestar's language: `*`, `**`, `?`, `[a-z]`, `[^a]`, `{a,b}`, backslash.

Called by `pyrox.policy.values` and `pyrox.policy.validate`. It must not know file events.
The glob becomes one RE2 expression, so a hostile pattern costs linear time.
"""

from __future__ import annotations

from pyrox.policy import regex

_META = frozenset("\\.+*?()|[]{}^$")


class BadGlob(ValueError):
    """The pattern is not a glob."""


def compile_glob(pattern: str) -> regex.Test:
    """A case-sensitive test for whole paths; raises `BadGlob`."""
    body = _Translator(pattern).translate()
    try:
        return regex.sensitive(f"(?s)\\A(?:{body})\\z")
    except regex.BadPattern as error:
        raise BadGlob(str(error)) from error


class _Translator:
    """One pass over the pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._out: list[str] = []
        self._depth = 0

    def translate(self) -> str:
        """The RE2 expression of the whole pattern."""
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if self._depth:
            raise BadGlob("a brace is not closed")
        return "".join(self._out)

    def _step(self, char: str) -> None:
        if char == "*":
            self._star()
        elif char == "[":
            self._class()
        elif char == "\\":
            self._escape()
        else:
            self._at += 1
            self._out.append(self._plain(char))

    def _plain(self, char: str) -> str:
        if char == "?":
            return "[^/]"
        if char == "{":
            self._depth += 1
            return "(?:"
        if char == "}" and self._depth:
            self._depth -= 1
            return ")"
        if char == "}":
            raise BadGlob("a brace is closed that was not opened")
        if char == "," and self._depth:
            return "|"
        return _quoted(char)

    def _star(self) -> None:
        end = self._at
        while end < len(self._text) and self._text[end] == "*":
            end += 1
        before, after = self._text[self._at - 1 : self._at], self._text[end : end + 1]
        alone = end - self._at == 2 and before in {"", "/", "{", ","}
        if alone and after == "/":
            self._out.append("(?:.*/)?")
            end += 1
        elif alone and after in {"", "}", ","}:
            self._whole_tail(before)
        else:
            self._out.append("[^/]*")
        self._at = end

    def _whole_tail(self, before: str) -> None:
        # `/a/**` also names `/a` itself: the slash before the stars is optional then.
        if before == "/" and self._out and self._out[-1] == "/" and len(self._out) > 1:
            self._out[-1] = "(?:/.*)?"
        else:
            self._out.append(".*")

    def _escape(self) -> None:
        if self._at + 1 >= len(self._text):
            raise BadGlob("a backslash ends the pattern")
        self._out.append(_quoted(self._text[self._at + 1]))
        self._at += 2

    def _class(self) -> None:
        at = self._at + 1
        negated = self._text[at : at + 1] in {"^", "!"}
        at += negated
        items: list[str] = []
        while at < len(self._text) and (self._text[at] != "]" or not items):
            at = self._item(at, items)
        if at >= len(self._text) or not items:
            raise BadGlob("a bracket is not closed")
        self._out.append(("[^/" if negated else "[") + "".join(items) + "]")
        self._at = at + 1

    def _item(self, at: int, items: list[str]) -> int:
        low, at = self._class_char(at)
        if self._text[at : at + 1] == "-" and self._text[at + 1 : at + 2] not in {"", "]"}:
            high, at = self._class_char(at + 1)
            if high < low:
                raise BadGlob("a range in brackets runs backwards")
            items.append(f"{_in_class(low)}-{_in_class(high)}")
        else:
            items.append(_in_class(low))
        return at

    def _class_char(self, at: int) -> tuple[str, int]:
        char = self._text[at]
        if char != "\\":
            return char, at + 1
        if at + 1 >= len(self._text):
            raise BadGlob("a backslash ends the pattern")
        return self._text[at + 1], at + 2


def _quoted(char: str) -> str:
    return f"\\{char}" if char in _META else char


def _in_class(char: str) -> str:
    return f"\\{char}" if char in "\\]^-[" else char
