"""Streamed HTTP of roxctl at the end of a wire that a test holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from roxctl.rest import Broken, Rest

Reply = httpx.Response | Broken


class Streams:
    """Answers requests in turn and keeps what was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.replies: list[tuple[Reply, int | None]] = []
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []
        self.reads: list[float | None] = []
        monkeypatch.setattr(Rest, "stream", self._method())

    def reply(self, status: int = 200, content: bytes = b"", **headers: str) -> None:
        """The next answer, after the whole body was read."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.replies.append((httpx.Response(status, headers=named, stream=httpx.ByteStream(content)), None))

    def breaks(self, after: int) -> None:
        """The next connection fails after so many bytes of the body."""
        self.replies.append((Broken("the connection is gone"), after))

    def _method(self) -> Callable[..., Any]:
        streams = self

        @contextmanager
        def stream(
            _: Rest, verb: str, path: str, *, connect: float, read: float | None, body: Iterable[bytes] = ()
        ) -> Iterator[httpx.Response]:
            reply, limit = streams.replies.pop(0)
            received = b""
            for chunk in body:
                received += chunk
                if limit is not None and len(received) >= limit:
                    received = received[:limit]
                    break
            parts = urlsplit(path)
            streams.sent.append((verb, parts.path, dict(parse_qsl(parts.query)), received))
            streams.reads.append(read)
            if isinstance(reply, Broken):
                raise reply
            yield reply

        return stream
