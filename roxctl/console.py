"""What the user sees: results on standard output, everything else on standard error."""

from __future__ import annotations

import getpass
from typing import TextIO

_NEWLINE = "\n"
_RED, _YELLOW, _BLUE, _RESET = "\x1b[31;1m", "\x1b[33;1m", "\x1b[34m", "\x1b[0m"


class Console:
    """The three streams of one run."""

    def __init__(self, *, out: TextIO, err: TextIO, stdin: TextIO, color: bool) -> None:
        self.out = out
        self._err = err
        self._stdin = stdin
        self._color = color and err.isatty()

    def result(self, text: str) -> None:
        """A line of the result."""
        self.out.write(f"{text}\n")

    def write(self, text: str) -> None:
        """A part of the result as it stands."""
        self.out.write(text)

    def write_bytes(self, data: bytes) -> None:
        """A part of the result that is text in UTF-8 already."""
        self.out.write(data.decode("utf-8", "replace"))

    @property
    def interactive(self) -> bool:
        """Whether a person watches standard error."""
        return self._err.isatty()

    def progress(self, text: str, *, last: bool) -> None:
        """How far something is: on a terminal one line that changes, else a line each time."""
        if self.interactive:
            self._err.write(f"\r{text}\x1b[K{_NEWLINE if last else ''}")
            self._err.flush()
        else:
            self.note(text)

    def info(self, text: str) -> None:
        """Tell what was done."""
        self._tell("INFO", _BLUE, text)

    def warn(self, text: str) -> None:
        """Tell what the user should know."""
        self._tell("WARN", _YELLOW, text)

    def error(self, text: str) -> None:
        """Tell what failed."""
        self._tell("ERROR", _RED, text)

    def note(self, text: str) -> None:
        """A line on standard error without a prefix."""
        self._err.write(f"{text}\n")

    def ask(self, question: str) -> bool:
        """Whether the user answers yes."""
        self.out.write(f"{question} [y/N] ")
        self.out.flush()
        return self._stdin.readline().strip().lower() in {"y", "yes"}

    def read(self, prompt: str, *, secret: bool = False) -> str | None:
        """What the user types after the prompt, a secret unseen on a terminal; None at the end of input."""
        if secret and self._stdin.isatty():
            return getpass.getpass(prompt, stream=self._err)
        self._err.write(prompt)
        self._err.flush()
        line = self._stdin.readline()
        return line.removesuffix("\n") if line else None

    def _tell(self, word: str, color: str, text: str) -> None:
        prefix = f"{color}{word}:{_RESET}" if self._color else f"{word}:"
        self._err.write(f"{prefix}\t{text}\n")
