"""gRPC-Web answers, good and bad."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import httpx
import pytest

from pyrox.rpc import frames
from roxctl.errors import CallFailed
from roxctl.transport import web
from roxctl.transport.web import WebTransport

OK = frames.block([("grpc-status", "0")])
GRPC = {"content-type": "application/grpc-web+proto"}


def transport(answer: Callable[[httpx.Request], httpx.Response]) -> WebTransport:
    made = WebTransport(url="http://c:80", verify=None, server_name="")
    made.close()
    made._client = httpx.Client(base_url="http://c:80", transport=httpx.MockTransport(answer))
    return made


def ask(body: bytes = b"", status: int = 200, seconds: float = 5, **headers: str) -> bytes:
    given = {**GRPC, **{key.replace("_", "-"): value for key, value in headers.items()}}
    wire = transport(lambda _: httpx.Response(status, content=body, headers=given))
    return wire.unary("/v1.PingService/Ping", b"q", [("a", "b")], seconds)


def test_request_is_a_frame_with_upstreams_headers() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=frames.frame(b"x") + OK, headers=GRPC)

    assert transport(answer).unary("/v1.PingService/Ping", b"q", [("a", "b")], 1.5) == b"x"
    (request,) = seen
    assert (request.method, request.url.path, request.content) == (
        "POST",
        "/v1.PingService/Ping",
        b"\0\0\0\0\x01q",
    )
    assert {
        key: request.headers[key] for key in ("content-type", "accept", "grpc-web-only", "a", "grpc-timeout")
    } == {
        "content-type": "application/grpc",
        "accept": "application/grpc-web",
        "grpc-web-only": "true",
        "a": "b",
        "grpc-timeout": "1500m",
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0001, "1m"), (60, "60000m"), (99_999.999, "99999999m"), (100_000, "100000S")]
)
def test_timeout_has_at_most_eight_digits(seconds: float, text: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["grpc-timeout"])
        return httpx.Response(200, content=frames.frame(b"") + OK, headers=GRPC)

    transport(answer).unary("/x", b"", [], seconds)
    assert seen == [text]


def test_compressed_message_is_unpacked() -> None:
    body = frames.frame(gzip.compress(b"hello"), frames.COMPRESSED) + OK
    assert ask(body, grpc_encoding="gzip") == b"hello"


@pytest.mark.parametrize(
    ("trailer", "text"),
    [
        ([("grpc-status", "7"), ("grpc-message", "no%20right")], "code = PermissionDenied desc = no right"),
        ([("grpc-status", "99")], "code = Code(99) desc = "),
        ([("Grpc-Status", "16")], "code = Unauthenticated"),
        ([("grpc-message", "x")], "the answer is not gRPC-Web"),
        ([("grpc-status", "x")], "the answer is not gRPC-Web"),
        ([("grpc-status", "-1")], "the answer is not gRPC-Web"),
        ([("grpc-status", "9" * 5000)], "the answer is not gRPC-Web"),
    ],
)
def test_status_of_the_trailer_is_the_failure(trailer: list[tuple[str, str]], text: str) -> None:
    with pytest.raises(CallFailed) as caught:
        ask(frames.frame(b"x") + frames.block(trailer))
    assert text in str(caught.value)


def test_status_in_the_headers_is_enough() -> None:
    with pytest.raises(CallFailed, match="code = NotFound desc = gone"):
        ask(b"", grpc_status="5", grpc_message="gone")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (OK, "the answer has 0 messages instead of one"),
        (frames.frame(b"a") * 2 + OK, "the answer has 2 messages instead of one"),
        (frames.frame(b"x"), "the answer is not gRPC-Web"),
        (frames.frame(b"abc")[:-1], "a gRPC frame announces 3 bytes and 2 follow"),
        (b"\0\0", "unexpected EOF in the header"),
        (b"\0\xff\xff\xff\xff", "received message larger than max"),
        (frames.frame(b"x", frames.COMPRESSED) + OK, "Decompressor is not installed"),
    ],
)
def test_frames_that_are_broken_are_internal_errors(body: bytes, text: str) -> None:
    with pytest.raises(CallFailed) as caught:
        ask(body)
    assert (caught.value.code, text in str(caught.value)) == ("Internal", True)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "Internal"), (401, "Unauthenticated"), (403, "PermissionDenied"), (404, "Unimplemented"),
        (429, "Unavailable"), (502, "Unavailable"), (503, "Unavailable"), (504, "Unavailable"),
        (500, "Unknown"), (302, "Unknown"),
    ],
)  # fmt: skip
def test_http_status_becomes_a_code_with_part_of_the_body(status: int, code: str) -> None:
    with pytest.raises(CallFailed) as caught:
        ask(b"x" * 5000 + b"end", status)
    assert caught.value.code == code
    assert f"unexpected HTTP status {status}: xxx" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("kind", ["text/html", "", "application/json"])
def test_page_of_a_web_server_is_no_answer(kind: str) -> None:
    with pytest.raises(CallFailed, match="is this Central's address"):
        ask(b"<html>", content_type=kind)


def test_answer_over_the_bound_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_ANSWER_BYTES", 100)
    with pytest.raises(CallFailed, match=r"larger than max \(101 vs. 100\)") as caught:
        ask(bytes(101))
    assert caught.value.code == "ResourceExhausted"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (httpx.ReadTimeout(""), "DeadlineExceeded", "context deadline exceeded"),
        (httpx.ConnectTimeout("x"), "DeadlineExceeded", "context deadline exceeded"),
        (httpx.ConnectError("refused"), "Unavailable", "transport: refused"),
        (httpx.RemoteProtocolError(""), "Unavailable", "transport: RemoteProtocolError"),
    ],
)
def test_network_failure_is_a_status(error: httpx.HTTPError, code: str, text: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(CallFailed, match=text) as caught:
        transport(answer).unary("/x", b"", [], 5)
    assert caught.value.code == code
