"""Errors of the command line: each text is what the user reads after `ERROR:`.

Commands raise them, `main.py` prints them and exits with 1, which is the only code of a
failure (upstream's roxctl/main.go).
"""

from __future__ import annotations

# gRPC's status codes in Go's spelling, by number.
CODE_NAMES = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound",
    "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted",
    "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
)  # fmt: skip
_FINAL = frozenset({"Unauthenticated", "AlreadyExists", "PermissionDenied", "InvalidArgument"})


class CliError(Exception):
    """A failure to report. `wrap` puts what was being done in front, as Go's errors do."""

    @property
    def retryable(self) -> bool:
        """Whether the same command may succeed a moment later."""
        return False

    def wrap(self, doing: str) -> CliError:
        """The same failure told from one level further out."""
        return Wrapped(doing, self)


class Wrapped(CliError):
    """A failure and what was being done when it happened."""

    def __init__(self, doing: str, cause: CliError) -> None:
        super().__init__(f"{doing}: {cause}")
        self.cause = cause

    @property
    def retryable(self) -> bool:
        """As the cause says."""
        return self.cause.retryable


class BadOption(CliError):
    """A flag or argument that cannot be."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"invalid command option: {detail}")


class InvalidArguments(CliError):
    """A setting that cannot be."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{detail}: invalid arguments")


class CallFailed(CliError):
    """A call that ended with a gRPC status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {message}")
        self.code = code

    @classmethod
    def numbered(cls, code: int, message: str) -> CallFailed:
        """From the number on the wire."""
        known = 0 <= code < len(CODE_NAMES)
        return cls(CODE_NAMES[code] if known else f"Code({code})", message)

    @property
    def retryable(self) -> bool:
        """Everything but what a person has to mend."""
        return self.code not in _FINAL


def code_of(error: CliError) -> str:
    """The gRPC code at the bottom of the error, or empty."""
    while isinstance(error, Wrapped):
        error = error.cause
    return error.code if isinstance(error, CallFailed) else ""


def quoted(text: str) -> str:
    """The text in Go's `%q`."""
    escaped = "".join(_ESCAPES.get(char) or (char if char.isprintable() else _escape(char)) for char in text)
    return f'"{escaped}"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b",
            "\f": "\\f", "\v": "\\v"}  # fmt: skip


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
