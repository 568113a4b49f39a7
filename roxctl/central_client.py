"""Calls to Central's API: connection, credentials, extra headers, retries.

`app.py` makes one for a run; commands call methods by their gRPC path.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from roxctl import tls
from roxctl.errors import CallFailed
from roxctl.settings import Settings
from roxctl.transport import Metadata, Transport

M = TypeVar("M", bound=Message)
# Upstream's retry interceptor (roxctl/common/connection.go).
_TRIES = 10
_FIRST_WAIT = 0.1
_RETRIED = frozenset({"DeadlineExceeded", "Unavailable", "ResourceExhausted"})


class Timer(Protocol):
    """Time for deadlines and waits; tests give their own."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Central:
    """One Central, connected with the first call."""

    def __init__(
        self,
        *,
        settings: Settings,
        authorization: str,
        headers: Metadata,
        timer: Timer,
    ) -> None:
        self._settings = settings
        self._authorization = authorization
        self._headers = tuple(headers)
        self._timer = timer
        self._transport: Transport | None = None
        self._calls = 0

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def call(
        self, path: str, request: Message, answer: type[M], *, seconds: float, try_seconds: float = 0
    ) -> M:
        """The method's answer within `seconds`; each try within `try_seconds` unless 0.

        Raises `CliError`.
        """
        end = self._timer.monotonic() + seconds
        payload = request.SerializeToString()
        raw = self._retried(lambda left: self._once(path, payload, min(left, try_seconds or left)), end)
        try:
            return answer.FromString(raw)
        except DecodeError as err:
            raise CallFailed(
                "Internal", f"the answer of {path} is not a {answer.DESCRIPTOR.full_name}"
            ) from err

    def _retried(self, attempt: Callable[[float], bytes], end: float) -> bytes:
        wait = _FIRST_WAIT
        for number in range(1, _TRIES + 1):
            left = end - self._timer.monotonic()
            if left <= 0:
                break
            try:
                return attempt(left)
            except CallFailed as failure:
                rest = end - self._timer.monotonic()
                if failure.code not in _RETRIED or number == _TRIES or rest <= wait:
                    raise
            self._timer.sleep(wait)
            wait *= 2
        raise CallFailed("DeadlineExceeded", "context deadline exceeded")

    def _once(self, path: str, payload: bytes, seconds: float) -> bytes:
        if self._transport is None:
            self._transport = self._connect(seconds)
        self._calls += 1
        metadata = [*self._headers, ("rh-roxctl-command-index", str(self._calls))]
        if self._authorization:
            metadata.append(("authorization", self._authorization))
        return self._transport.unary(path, payload, metadata, seconds)

    def _connect(self, seconds: float) -> Transport:
        settings = self._settings
        if settings.plaintext:
            return self._native(None, "") if settings.direct_grpc else self._web(seconds)
        if settings.force_http1 or settings.skip_verify or settings.proxied:
            return self._web(seconds)
        roots = tls.pool(settings)
        return self._native(roots, tls.trusted_name(settings, tls.context(settings, roots), seconds))

    def _native(self, roots: bytes | None, name: str) -> Transport:
        from roxctl.transport.native import NativeTransport  # noqa: PLC0415 - grpcio is slow to import

        return NativeTransport(target=self._settings.endpoint, roots=roots, server_name=name)

    def _web(self, seconds: float) -> Transport:
        from roxctl.transport.web import WebTransport  # noqa: PLC0415 - httpx is slow to import

        settings = self._settings
        if settings.plaintext:
            return WebTransport(url=settings.url, verify=None, server_name="")
        made = tls.context(settings, b"" if settings.skip_verify else tls.pool(settings))
        name = tls.trusted_name(settings, made, seconds)
        return WebTransport(url=settings.url, verify=made, server_name=name)
