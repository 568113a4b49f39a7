"""gRPC-Web over HTTP/1.1: for proxies that break HTTP/2, and where a certificate is not checked."""

from __future__ import annotations

import ssl

import httpx

from pyrox.errors import RoxError
from pyrox.rpc import frames
from roxctl.errors import CallFailed
from roxctl.product import user_agent
from roxctl.transport import MAX_ANSWER_BYTES, Metadata

_HEADERS = {
    "content-type": "application/grpc",
    "accept": "application/grpc-web",
    "grpc-web-only": "true",
    "accept-encoding": "identity",
}
# How gRPC maps an HTTP status that no gRPC server sent (doc/http-grpc-status-mapping.md).
_CODES = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
_SHOWN_BODY = 300
# Known codes have two; a number without end would be work without end.
_MAX_STATUS_DIGITS = 9


class WebTransport:
    """Calls as POST requests."""

    def __init__(self, *, url: str, verify: ssl.SSLContext | None, server_name: str) -> None:
        self._client = httpx.Client(
            base_url=url, verify=True if verify is None else verify, headers={"user-agent": user_agent()}
        )
        self._extensions = {"sni_hostname": server_name} if verify is not None else {}

    def unary(self, path: str, request: bytes, metadata: Metadata, seconds: float) -> bytes:
        """The answer's bytes. Raises `CallFailed`."""
        headers = {**_HEADERS, **dict(metadata), "grpc-timeout": f"{max(int(seconds * 1000), 1)}m"}
        if len(headers["grpc-timeout"]) > 9:  # at most 8 digits, gRPC's PROTOCOL-HTTP2
            headers["grpc-timeout"] = f"{int(seconds)}S"
        try:
            with self._client.stream(
                "POST", path, content=frames.frame(request), headers=headers, timeout=seconds,
                extensions=self._extensions,
            ) as answer:  # fmt: skip
                return _answered(answer)
        except httpx.TimeoutException as err:
            raise CallFailed("DeadlineExceeded", "context deadline exceeded") from err
        except httpx.HTTPError as err:
            raise CallFailed("Unavailable", f"transport: {str(err) or type(err).__name__}") from err

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()


def _answered(answer: httpx.Response) -> bytes:
    body = _bounded(answer)
    if answer.status_code != httpx.codes.OK:
        text = body[:_SHOWN_BODY].decode("utf-8", "replace").strip()
        raise CallFailed.numbered(
            _CODES.get(answer.status_code, 2), f"unexpected HTTP status {answer.status_code}: {text}"
        )
    if not answer.headers.get("content-type", "").startswith("application/grpc"):
        raise _not_grpc()
    trailers = {key.lower(): value for key, value in answer.headers.items()}
    messages: list[bytes] = []
    try:
        for flag, payload in frames.frames(body, MAX_ANSWER_BYTES):
            if flag & frames.METADATA:
                trailers.update(frames.parse_block(payload))
            else:
                encoding = answer.headers.get("grpc-encoding", "identity")
                messages.append(frames.message_bytes(flag, payload, encoding, MAX_ANSWER_BYTES))
    except RoxError as err:
        raise CallFailed("Internal", f"transport: {err}") from err
    _check(trailers)
    if len(messages) != 1:
        raise CallFailed("Internal", f"the answer has {len(messages)} messages instead of one")
    return messages[0]


def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise CallFailed("ResourceExhausted", str(frames.too_large(len(body), MAX_ANSWER_BYTES)))
    return bytes(body)


def _check(trailers: dict[str, str]) -> None:
    status = trailers.get("grpc-status", "")
    if not status.isdecimal() or len(status) > _MAX_STATUS_DIGITS:
        raise _not_grpc()
    if int(status):
        message = frames.decode_message(trailers.get("grpc-message", ""))
        raise CallFailed.numbered(int(status), message)


def _not_grpc() -> CallFailed:
    return CallFailed("Internal", "transport: the answer is not gRPC-Web; is this Central's address?")
