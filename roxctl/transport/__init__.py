"""The two ways to make a gRPC call: over HTTP/2, and as gRPC-Web over HTTP/1.1.

`roxctl.central_client` chooses one; both move bytes and know no message types.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Metadata = Sequence[tuple[str, str]]
# Central answers up to this much (upstream ROX_GRPC_MAX_RESPONSE_SIZE).
MAX_ANSWER_BYTES = 256 * 1024 * 1024


class Transport(Protocol):
    """Makes unary calls to one Central."""

    def unary(self, path: str, request: bytes, metadata: Metadata, seconds: float) -> bytes:
        """The answer's bytes. Raises `CallFailed` with the call's status."""

    def close(self) -> None:
        """Close the connection."""
