"""An answer that is on hand as bytes: servicers of gRPC give it where a message would cost too much.

It is for services that are served by gRPC alone: JSON wants the message.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


class Encoded(Generic[M]):
    """Stands for a message of type `M`, of which it has the bytes."""

    def __init__(self, data: bytes) -> None:
        """Take the bytes as they go over the wire."""
        self._data = data

    def SerializeToString(self) -> bytes:
        """The bytes."""
        return self._data
