"""The closed set of errors that cross a process boundary.

Every module may raise them; `pyrox.rpc.errors` alone turns them into gRPC statuses and
HTTP answers, `roxctl` into exit codes. Named for what the caller must do::

    RoxError
    ├── Invalid          3   mend the request
    ├── DeadlinePassed   4   ask again with more time
    ├── NotFound         5   name an object that exists
    ├── AlreadyExists    6   choose another name
    ├── NotAuthorized    7   ask an administrator for the right
    ├── Exhausted        8   send less, or later
    ├── Referenced       9   remove what refers to the object first
    ├── Unimplemented   12   use another method
    ├── Internal        13   report the id in the message
    ├── Unavailable     14   try again later
    └── NoCredentials   16   log in

The numbers are gRPC's status codes. Any other exception that reaches the edge becomes
`Internal` with an id; its text goes to the log and never to the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self


class RoxError(Exception):
    """An error whose message may be shown to the client.

    `SENTINEL` is upstream's text for the class of error (`pkg/errox`), which its
    messages carry as `<detail>: <sentinel>` or `<sentinel>: <detail>`.
    """

    CODE: ClassVar[int] = 13
    SENTINEL: ClassVar[str] = "internal error"

    def __init__(self, message: str = "", *, details: Sequence[object] = ()) -> None:
        """`details` are Protobuf messages that clients get beside the text."""
        super().__init__(message or self.SENTINEL)
        self.details = tuple(details)

    @property
    def message(self) -> str:
        """The text that the client sees."""
        return str(self.args[0])

    @classmethod
    def because(cls, detail: str) -> Self:
        """The form `<detail>: <sentinel>`, which upstream's wrapped errors print."""
        return cls(f"{detail}: {cls.SENTINEL}")

    @classmethod
    def of(cls, detail: str) -> Self:
        """The form `<sentinel>: <detail>`, which upstream's causes print."""
        return cls(f"{cls.SENTINEL}: {detail}")


class Invalid(RoxError):
    """The request cannot be understood or breaks a rule."""

    CODE = 3
    SENTINEL = "invalid arguments"


class DeadlinePassed(RoxError):
    """The work did not end in the time that the caller allowed."""

    CODE = 4
    SENTINEL = "deadline exceeded"


class NotFound(RoxError):
    """The object does not exist, or the caller may not know that it does."""

    CODE = 5
    SENTINEL = "not found"


class AlreadyExists(RoxError):
    """An object of that name or id exists."""

    CODE = 6
    SENTINEL = "already exists"


class NotAuthorized(RoxError):
    """The caller is known and lacks the right."""

    CODE = 7
    SENTINEL = "not authorized"


class Exhausted(RoxError):
    """A limit is reached; less, or later."""

    CODE = 8
    SENTINEL = "resource exhausted"


class Referenced(RoxError):
    """Another object refers to this one."""

    CODE = 9
    SENTINEL = "referenced by another object"


class Unimplemented(RoxError):
    """The method is known and not served."""

    CODE = 12
    SENTINEL = "not implemented"


class Internal(RoxError):
    """Our fault; the message names an id that is in the log."""

    CODE = 13


class Unavailable(RoxError):
    """A part that is needed is away; the same request may succeed later."""

    CODE = 14
    SENTINEL = "unavailable"


class NoCredentials(RoxError):
    """The caller did not say who it is, or could not prove it."""

    CODE = 16
    SENTINEL = "credentials not found"
