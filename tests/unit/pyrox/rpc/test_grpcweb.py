"""gRPC-Web over an ASGI request: the dispatcher's rules, both answer forms, errors."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from pyrox.rpc import frames, methods
from pyrox.rpc.grpcweb import GrpcWeb
from tests.support import echo
from tests.support.asgi import Answer, no_fallback, request
from tests.support.pki import FixedClock
from tests.support.servicers import OnePassword

LIMIT = 10**6
WEB = {
    "Content-Type": "application/grpc",
    "Accept": "application/grpc, application/grpc-web",
    "TE": "trailers",
}


@pytest.fixture
def servicer() -> echo.Echo:
    echo.declare()
    return echo.Echo()


async def call(servicer: echo.Echo, name: str, value: bytes = b"x", **options: Any) -> Answer:
    app = GrpcWeb(
        methods=methods.table([servicer]),
        authenticator=OnePassword(),
        clock=FixedClock(),
        fallback=no_fallback,
    )
    body = options.pop("body", frames.frame(BytesValue(value=value).SerializeToString()))
    return await request(app, "POST", f"/{echo.NAME}/{name}", body=body, **{"headers": WEB, **options})


def parsed(answer: Answer) -> tuple[list[bytes], dict[str, str]]:
    """The messages and the trailers of an answer with a body."""
    *messages, (flag, trailers) = frames.frames(answer.body, LIMIT)
    assert flag == frames.METADATA
    assert all(flag == 0 for flag, _ in messages)
    return [BytesValue.FromString(payload).value for _, payload in messages], frames.parse_block(trailers)


@pytest.mark.parametrize(
    "content_type", ["application/grpc", "application/grpc+proto", "application/grpc-web+proto"]
)
async def test_unary_answer_is_a_frame_and_trailers(servicer: echo.Echo, content_type: str) -> None:
    answer = await call(servicer, "Open", b"hello", headers={**WEB, "Content-Type": content_type})
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type.replace("grpc-web", "grpc").replace(
        "grpc", "grpc-web"
    )
    assert "content-length" not in answer.headers
    assert parsed(answer) == ([b"hello"], {"grpc-status": "0"})


async def test_stream_answer_is_a_frame_for_each_message(servicer: echo.Echo) -> None:
    messages, trailers = parsed(await call(servicer, "Many", b"3"))
    assert (len(messages), trailers) == (3, {"grpc-status": "0"})


async def test_empty_stream_has_status_in_headers(servicer: echo.Echo) -> None:
    answer = await call(servicer, "Many", b"0")
    assert (answer.headers["grpc-status"], answer.body) == ("0", b"")


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("Open", b"invalid", "3", "name: too long"),
        ("One", b"x", "16", "credentials not found"),
        ("Later", b"x", "12", "method Later of service tests.echo.Echo is not implemented"),
        ("NoSuch", b"x", "12", "unknown method NoSuch for service tests.echo.Echo"),
    ],
)
async def test_error_is_http_200_with_status_headers(
    servicer: echo.Echo, name: str, value: bytes, code: str, message: str
) -> None:
    answer = await call(servicer, name, value)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["grpc-status"] == code
    assert frames.decode_message(answer.headers["grpc-message"]) == message


async def test_unexpected_error_does_not_leak(servicer: echo.Echo) -> None:
    answer = await call(servicer, "Open", b"crash")
    assert answer.headers["grpc-status"] == "13"
    assert "secret" not in answer.headers["grpc-message"]


async def test_error_inside_a_stream_is_in_the_trailers(servicer: echo.Echo) -> None:
    async def broken(request: Any, call: Any) -> Any:
        yield BytesValue(value=b"a")
        raise ValueError

    servicer.Many = broken  # type: ignore[method-assign]
    messages, trailers = parsed(await call(servicer, "Many"))
    assert (messages, trailers["grpc-status"]) == ([b"a"], "13")


async def test_compressed_request_is_unpacked(servicer: echo.Echo) -> None:
    packed = gzip.compress(BytesValue(value=b"hello").SerializeToString())
    headers = {**WEB, "grpc-encoding": "gzip"}
    messages, _ = parsed(await call(servicer, "Open", body=frames.frame(packed, 1), headers=headers))
    assert messages == [b"hello"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "13"),
        (frames.frame(b"") * 2, "13"),
        (b"\x00\x00", "3"),
        (frames.frame(b"\xff\xff"), "3"),
        (b"\x00\xff\xff\xff\xff", "8"),
    ],
    ids=["nothing", "two messages", "half a header", "not a message", "too long"],
)
async def test_bad_body_is_refused(servicer: echo.Echo, body: bytes, code: str) -> None:
    assert (await call(servicer, "Open", body=body)).headers["grpc-status"] == code
    assert servicer.calls == []


@pytest.mark.parametrize("name", ["Collect", "Chat"])
async def test_client_stream_cannot_be_downgraded(servicer: echo.Echo, name: str) -> None:
    answer = await call(servicer, name)
    assert (answer.status, answer.body) == (500, b"Method cannot be downgraded\n")


async def test_client_that_does_not_accept_grpc_web_is_refused(servicer: echo.Echo) -> None:
    answer = await call(servicer, "Open", headers={"Content-Type": "application/grpc"})
    assert (answer.status, answer.body) == (500, b"Client neither supports trailers nor gRPC web responses\n")


async def test_other_content_goes_to_the_fallback(servicer: echo.Echo) -> None:
    assert (await call(servicer, "Open", headers={"Content-Type": "application/json"})).status == 418


async def test_deadline_ends_the_call(servicer: echo.Echo) -> None:
    async def slow(request: Any, call: Any) -> Any:
        await FixedClock().sleep(0)
        await __import__("asyncio").Event().wait()

    servicer.Open = slow  # type: ignore[method-assign]
    answer = await call(servicer, "Open", headers={**WEB, "grpc-timeout": "10m"})
    assert (answer.headers["grpc-status"], answer.headers["grpc-message"]) == (
        "4",
        "context deadline exceeded",
    )


async def test_call_learns_who_asks_and_may_send_headers(servicer: echo.Echo) -> None:
    async def who(request: Any, call: Any) -> Any:
        await call.send_headers({"rox-extra": "1"})
        return BytesValue(value=call.identity.name.encode())

    servicer.Open = who  # type: ignore[method-assign]
    answer = await call(servicer, "Open", headers={**WEB, "Authorization": "Bearer admin"})
    assert answer.headers["rox-extra"] == "1"
    assert parsed(answer)[0] == [b"admin"]
