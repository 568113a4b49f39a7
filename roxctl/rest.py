"""Plain HTTP requests to Central: bundles and logins, which are not gRPC."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from roxctl import tls
from roxctl.central_client import Timer
from roxctl.errors import CliError
from roxctl.product import user_agent
from roxctl.settings import Settings

# Upstream's retryable client: ROX_CLIENT_MAX_RETRIES and its first wait.
DEFAULT_RETRIES = 3
_FIRST_WAIT = 10.0
_MAX_BODY = 512 * 1024 * 1024
_NOT_IMPLEMENTED = 501
_PIECE = 1 << 18


class Broken(CliError):
    """The connection failed before the whole answer was there."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the server sent back."""

    headers: Mapping[str, str]
    body: bytes


class Rest:
    """HTTP to one Central."""

    def __init__(
        self,
        *,
        settings: Settings,
        headers: Mapping[str, str],
        timer: Timer,
        retries: int = DEFAULT_RETRIES,
        pause: float | None = None,
    ) -> None:
        """`pause` is the time between all tries; without it each wait is longer than the one before."""
        self._settings = settings
        self._headers = {**headers, "user-agent": user_agent()}
        self._timer = timer
        self._retries = retries
        self._pause = pause

    def request(
        self,
        verb: str,
        path: str,
        *,
        seconds: float,
        body: bytes | Path = b"",
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """The answer when its status is 200. Raises `CliError` that shows any other answer.

        A path as the body is a file that is sent as it is read, once for each attempt.
        """
        wait = _FIRST_WAIT if self._pause is None else self._pause
        for number in range(self._retries + 1):
            last = number == self._retries
            try:
                status, answer = self._once(verb, path, seconds, body, headers or {})
            except httpx.HTTPError as err:
                if last:
                    reason = str(err) or type(err).__name__
                    raise CliError(
                        f"error when doing http request: {verb} {self._settings.url}{path}: {reason}"
                    ) from err
            else:
                if last or not _retryable(status):
                    return _checked(status, answer)
            self._timer.sleep(wait)
            wait *= 2 if self._pause is None else 1
        raise CliError("no request was made; ROX_CLIENT_MAX_RETRIES must not be negative")

    @contextmanager
    def stream(
        self, verb: str, path: str, *, connect: float, read: float | None, body: Iterable[bytes] = ()
    ) -> Iterator[httpx.Response]:
        """One try: the answer, whatever its status, before its body is read.

        The body is sent as it comes. Raises `Broken` when the connection fails, also while
        the answer is read inside the block.
        """
        try:
            verify, name = self._tls(connect)
            with (
                httpx.Client(base_url=self._settings.url, verify=verify, headers=self._headers) as client,
                client.stream(
                    verb, path, content=body or None, timeout=httpx.Timeout(read, connect=connect),
                    extensions={"sni_hostname": name} if name else {},
                ) as answer,
            ):  # fmt: skip
                yield answer
        except httpx.HTTPError as err:
            reason = str(err) or type(err).__name__
            where = f"{self._settings.url}{path.partition('?')[0]}"
            raise Broken(f"error when doing http request: {verb} {where}: {reason}") from err

    def _once(
        self, verb: str, path: str, seconds: float, body: bytes | Path, headers: Mapping[str, str]
    ) -> tuple[int, HttpAnswer]:
        verify, name = self._tls(seconds)
        content, extra = (body, {}) if isinstance(body, bytes) else _sent(body)
        with (
            httpx.Client(base_url=self._settings.url, verify=verify, headers=self._headers) as client,
            client.stream(
                verb, path, content=content, headers={**headers, **extra}, timeout=seconds,
                extensions={"sni_hostname": name} if name else {},
            ) as answer,
        ):  # fmt: skip
            lowered = {key.lower(): value for key, value in answer.headers.items()}
            return answer.status_code, HttpAnswer(headers=lowered, body=_read(answer))

    def _tls(self, seconds: float) -> tuple[ssl.SSLContext | bool, str]:
        settings = self._settings
        if settings.plaintext:
            return True, ""
        made = tls.context(settings, b"" if settings.skip_verify else tls.pool(settings))
        return made, tls.trusted_name(settings, made, seconds)


def _sent(path: Path) -> tuple[Iterator[bytes], dict[str, str]]:
    """A file in pieces, and the headers that say how long it is."""

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    return pieces(), {"content-length": str(path.stat().st_size)}


def refusal(answer: httpx.Response) -> CliError:
    """What an answer that is no success says, in the words of upstream's `ResponseToError`."""
    text = _read(answer).decode("utf-8", "replace").strip()
    status = f"{answer.status_code} {answer.reason_phrase}".strip()
    return CliError(f"received response code {status}, but expected 2xx; error message: {text}")


def _read(answer: httpx.Response) -> bytes:
    content = bytearray()
    for part in answer.iter_bytes():
        content += part
        if len(content) > _MAX_BODY:
            raise CliError(f"the answer is larger than {_MAX_BODY} bytes; is this Central's address?")
    return bytes(content)


def _retryable(status: int) -> bool:
    return status == httpx.codes.TOO_MANY_REQUESTS or (status >= 500 and status != _NOT_IMPLEMENTED)


def _checked(status: int, answer: HttpAnswer) -> HttpAnswer:
    if status != httpx.codes.OK:
        text = answer.body.decode("utf-8", "replace").strip()
        raise CliError(f"expected status code 200, but received {status}. Response Body: {text}")
    return answer
