"""Why a JSON value does not fit a message: raised deep inside, worded by `decode.py`."""

from __future__ import annotations

# Deeper messages could not be read back from their binary form (protobuf's own limit).
MAX_DEPTH = 100


class Refused(Exception):
    """A value that does not fit; `path` grows outwards while the error travels up."""

    def __init__(self, text: str, *, syntactic: bool = False, at_key: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.syntactic = syntactic
        self.at_key = at_key
        self.path: list[str | int] = []


class Ignored(Exception):
    """An enum name that this release does not know."""


def unexpected() -> Refused:
    """The refusal of a token of the wrong kind."""
    return Refused("unexpected token {raw}", syntactic=True)
