"""The webhook's HTTP side: `/validate`, `/events` and `/ready`.

The API server calls it. Answers and errors are upstream's byte for byte. It must not
know policies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pyrox import log
from pyrox.errors import Invalid, RoxError
from pyrox.rpc.asgi import Receive, Scope, Send
from services.admission import review
from services.admission.policies import Ruling
from services.admission.review import MAX_BYTES, Review

_LOG = log.get(__name__)
Answer = Callable[[Review, Ruling], Awaitable[bytes]]
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_NOSNIFF = (b"x-content-type-options", b"nosniff")


class Webhook:
    """The ASGI app."""

    def __init__(self, *, ruling: Callable[[], Ruling | None], validate: Answer, events: Answer) -> None:
        """`ruling` gives None until there are settings."""
        self._ruling = ruling
        self._routes = {"/validate": validate, "/events": events}
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        route = self._routes.get(path)
        if path == "/ready":
            ready = self._ruling() is not None and not self.stopping
            await _send(send, 200 if ready else 503, "ok\n" if ready else "not ready\n")
        elif route is None:
            await _error(send, 404, "404 page not found")
        elif method == "GET":
            await _send(send, 200, "{}\n")
        elif method != "POST":
            await _error(send, 400, "Endpoint only supports GET and POST requests")
        else:
            await self._review(route, receive, send)

    async def _review(self, route: Answer, receive: Receive, send: Send) -> None:
        ruling = self._ruling()
        if ruling is None:
            text = "No settings are available. Not ready to handle admission controller requests"
            await _error(send, 503, text)
            return
        try:
            asked = review.read(await _body(receive))
        except Invalid as error:
            _LOG.warning("review not readable", error=error.message)
            await _error(send, 400, error.message)
            return
        try:
            answer = await route(asked, ruling)
        except RoxError as error:
            _LOG.error("review not decided", namespace=asked.namespace, name=asked.name, error=error.message)
            await _error(send, 500, error.message)
            return
        await _send(send, 200, answer)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BYTES:
            raise Invalid(f"reading request body: longer than {MAX_BYTES} bytes")
        parts.append(part)
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)


async def _error(send: Send, status: int, text: str) -> None:
    await _send(send, status, f"{text}\n", extra=(_NOSNIFF,))


async def _send(
    send: Send, status: int, body: str | bytes, *, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    data = body.encode() if isinstance(body, str) else body
    headers = [_TEXT, *extra, (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
