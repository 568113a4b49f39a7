"""The one TLS port with real clients: gRPC, HTTP, raw TLS and people who speak neither."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from websockets.asyncio.client import connect

from pyrox.clock import SystemClock
from pyrox.mtls.ca import ServiceTrust
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER
from pyrox.mtls.reload import PURE_GRPC, CertFiles, CertificateWatch, ClientTls, ServerTls
from pyrox.rpc import methods
from pyrox.rpc.asgi import Receive, Scope, Send
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.client import ChannelOptions, Channels, Target, http_client, secure_channel
from pyrox.rpc.connection import PREFACE, Limits
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.peers import Peers, peer_of
from pyrox.rpc.server import RpcOptions, RpcServer
from pyrox.service import Supervisor
from tests.support import echo
from tests.support.pki import COLLECTOR, SENSOR, Pki

MEBI = 1024 * 1024
LIMITS = Limits()
OPTIONS = RpcOptions()


async def who(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the common name of the client certificate, or echoes a WebSocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        name = b"" if peer_of(scope).certificate is None else b"known "
        await send({"type": "websocket.send", "bytes": name + message["bytes"]})
        await send({"type": "websocket.close"})
        return
    certificate = peer_of(scope).certificate
    body = b"nobody" if certificate is None else certificate.subject.rfc4514_string().encode()
    headers = [(b"content-length", str(len(body)).encode()), (b"x-scheme", scope["scheme"].encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Site:
    """A running server and what its clients need."""

    pki: Pki
    echo: echo.Echo
    front: Front
    tls: ServerTls
    server_files: CertFiles

    @property
    def port(self) -> int:
        return self.front.addresses[0][1]

    @property
    def target(self) -> Target:
        return Target(f"127.0.0.1:{self.port}", CENTRAL.hostname)

    def client(self, files: CertFiles | None = None) -> ClientTls:
        return ClientTls(authorities=[self.pki.ca_file], certificate=files)

    def context(self, alpn: Sequence[str] = (), files: CertFiles | None = None) -> ssl.SSLContext:
        context = self.client(files).context()
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    async def raw(
        self, context: ssl.SSLContext | None, name: str = CENTRAL.hostname
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname=name if context else None
        )


@asynccontextmanager
async def site(
    directory: Path,
    *,
    require_client: bool = False,
    plain: bool = False,
    limits: Limits = LIMITS,
    options: RpcOptions = OPTIONS,
) -> AsyncIterator[Site]:
    echo.declare()
    pki, clock, peers, servicer = Pki(directory / "pki"), SystemClock(), Peers(), echo.Echo()
    files = pki.files(CENTRAL)
    tls = ServerTls(certificates=[files], client_authorities=[pki.ca_file], require_client=require_client)
    rpc = RpcServer(
        methods=methods.table([servicer]),
        authenticator=ServiceAuthenticator(trust=ServiceTrust([pki.ca.certificate], clock)),
        peers=peers,
        clock=clock,
        options=options,
    )
    front = Front(
        endpoints=[Endpoint("127.0.0.1", 0, None if plain else tls)],
        app=who,
        peers=peers,
        clock=clock,
        limits=limits,
    )
    async with Supervisor([rpc, front]).running() as died:
        yield Site(pki, servicer, front, tls, files)
        assert not died.done()
    await _until_empty(front)
    assert len(peers) == 0


def method(channel: grpc.aio.Channel, name: str) -> Any:
    return channel.unary_unary(
        f"/{echo.NAME}/{name}",
        request_serializer=BytesValue.SerializeToString,
        response_deserializer=BytesValue.FromString,
    )


def stream(channel: grpc.aio.Channel, name: str) -> Any:
    return channel.stream_stream(
        f"/{echo.NAME}/{name}",
        request_serializer=BytesValue.SerializeToString,
        response_deserializer=BytesValue.FromString,
    )


async def test_unary_with_client_certificate_carries_the_service_identity(tmp_path: Path) -> None:
    async with (
        site(tmp_path) as server,
        secure_channel(server.target, tls=server.client(server.pki.files(SENSOR))) as channel,
    ):
        answer = await method(channel, "One")(BytesValue(value=b"hello "), timeout=60)
        assert answer.value.decode() == f"hello {SENSOR.common_name}"
        call = server.echo.calls[0]
        assert call.method == f"/{echo.NAME}/One"
        assert call.identity.service is not None
        assert (call.identity.service.type, call.identity.service.id) == (SENSOR.type, SENSOR.id)
        assert call.deadline is not None
        assert 0 < call.deadline - SystemClock().monotonic() <= 60
        assert call.peer.startswith("127.0.0.1:")


async def test_service_cert_header_alone_carries_the_identity(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        files = server.pki.files(SENSOR)
        with_key = server.client(files)
        async with secure_channel(server.target, tls=with_key, service_cert=SystemClock()) as channel:
            await method(channel, "Open")(BytesValue())
        token = server.echo.calls[0].metadata["authorization"]
        assert token.startswith("ServiceCert ")
        async with secure_channel(server.target, tls=server.client()) as channel:
            answer = await method(channel, "One")(BytesValue(), metadata=(("authorization", token),))
            assert answer.value.decode() == SENSOR.common_name


REFUSALS = {
    "nobody": (None, grpc.StatusCode.UNAUTHENTICATED, "credentials not found"),
    "collector": (
        COLLECTOR,
        grpc.StatusCode.PERMISSION_DENIED,
        "not authorized: only specific service identities may call this method",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_unary_by_somebody_else_is_refused(case: str, tmp_path: Path) -> None:
    subject, code, text = REFUSALS[case]
    async with site(tmp_path) as server:
        files = None if subject is None else server.pki.files(subject)
        async with secure_channel(server.target, tls=server.client(files)) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(channel, "One")(BytesValue())
    assert (caught.value.code(), caught.value.details()) == (code, text)
    assert server.echo.calls == []


async def test_open_method_with_bad_credentials_still_answers(tmp_path: Path) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        answer = await method(channel, "Open")(
            BytesValue(value=b"x"), metadata=(("authorization", "ServiceCert nonsense"),)
        )
        assert answer.value == b"x"
        assert server.echo.calls[0].identity.anonymous


@pytest.mark.parametrize(
    ("name", "request_bytes", "code", "text"),
    [
        ("Open", b"invalid", grpc.StatusCode.INVALID_ARGUMENT, "name: too long"),
        ("Open", b"crash", grpc.StatusCode.INTERNAL, "internal error: the server's log has the details"),
        (
            "Later",
            b"",
            grpc.StatusCode.UNIMPLEMENTED,
            "method Later of service tests.echo.Echo is not implemented",
        ),
        ("Never", b"", grpc.StatusCode.UNIMPLEMENTED, "unknown method Never for service tests.echo.Echo"),
    ],
)
async def test_unary_failure_has_code_and_text_and_no_secret(
    name: str, request_bytes: bytes, code: grpc.StatusCode, text: str, tmp_path: Path
) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(channel, name)(BytesValue(value=request_bytes))
    assert caught.value.code() is code
    assert (caught.value.details() or "").startswith(text)
    assert "secret" not in (caught.value.details() or "")


async def test_unknown_service_is_named(tmp_path: Path) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/no.Such/Thing", bytes, bytes)(b"")
    assert (caught.value.code(), caught.value.details()) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "unknown service no.Such",
    )


async def test_socket_that_the_front_did_not_open_is_refused(tmp_path: Path) -> None:
    echo.declare()
    peers, clock, servicer = Peers(), SystemClock(), echo.Echo()
    trust = ServiceTrust([Pki(tmp_path).ca.certificate], clock)
    rpc = RpcServer(
        methods=methods.table([servicer]),
        authenticator=ServiceAuthenticator(trust=trust),
        peers=peers,
        clock=clock,
    )
    async with (
        Supervisor([rpc]).running(),
        grpc.aio.insecure_channel(f"unix:{peers.grpc_socket}") as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(channel, "Open")(BytesValue())
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert servicer.calls == []


async def test_plain_address_serves_anonymous_callers(tmp_path: Path) -> None:
    echo.declare()
    clock, servicer = SystemClock(), echo.Echo()
    rpc = RpcServer(
        methods=methods.table([servicer]),
        authenticator=ServiceAuthenticator(trust=ServiceTrust([Pki(tmp_path).ca.certificate], clock)),
        peers=Peers(),
        clock=clock,
        plain_address="127.0.0.1:0",
    )
    async with (
        Supervisor([rpc]).running(),
        grpc.aio.insecure_channel(f"127.0.0.1:{rpc.plain_port}") as channel,
    ):
        assert (await method(channel, "Open")(BytesValue(value=b"x"))).value == b"x"


async def test_client_asks_by_service_name_where_the_host_is_not_in_the_certificate(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        endpoint = f"localhost:{server.port}"
        by_host = Target(endpoint, CENTRAL.hostname)
        by_service = Target(endpoint, CENTRAL.hostname, by_service_name=True)
        async with http_client(by_host, tls=server.client()) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("/")
        async with http_client(by_service, tls=server.client()) as client:
            assert (await client.get("/")).status_code == 200
        async with secure_channel(by_service, tls=server.client()) as channel:
            await method(channel, "Open")(BytesValue(), timeout=60)


async def test_unary_with_a_request_that_is_no_message_is_invalid(tmp_path: Path) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/{echo.NAME}/Open", bytes, bytes)(b"\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "google.protobuf.BytesValue" in (caught.value.details() or "")


async def test_two_authorization_headers_are_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(channel, "One")(
                BytesValue(), metadata=(("authorization", "Bearer a"), ("authorization", "Bearer b"))
            )
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_stream_sends_headers_first_and_ends_after_half_close(tmp_path: Path) -> None:
    async with (
        site(tmp_path) as server,
        secure_channel(server.target, tls=server.client(), gzip=True) as channel,
    ):
        chat = stream(channel, "Chat")()
        assert ("rox-sensor-hello", "true") in tuple(await chat.initial_metadata())
        for text in (b"one", b"two"):
            await chat.write(BytesValue(value=text))
            assert (await chat.read()).value == text
        await chat.done_writing()
        assert (await chat.read()).value == b"end"
        assert not await chat.read()
        assert await chat.code() is grpc.StatusCode.OK


async def test_stream_cancelled_by_the_client_ends_the_servicer(tmp_path: Path) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        chat = stream(channel, "Chat")()
        await chat.initial_metadata()
        chat.cancel()
        assert await asyncio.wait_for(server.echo.closed.wait(), 10)


async def test_streams_of_one_direction_pass_all_messages(tmp_path: Path) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        many = channel.unary_stream(
            f"/{echo.NAME}/Many",
            request_serializer=BytesValue.SerializeToString,
            response_deserializer=BytesValue.FromString,
        )(BytesValue(value=b"3000"))
        assert sum([len(message.value) async for message in many]) == 3_000_000
        collect = channel.stream_unary(
            f"/{echo.NAME}/Collect",
            request_serializer=BytesValue.SerializeToString,
            response_deserializer=BytesValue.FromString,
        )(BytesValue(value=bytes(1000)) for _ in range(500))
        assert len((await collect).value) == 500_000


@pytest.mark.parametrize("gzip", [False, True])
async def test_message_of_twenty_mebibytes_comes_back(gzip: bool, tmp_path: Path) -> None:
    big = BytesValue(value=bytes(range(256)) * (20 * MEBI // 256))
    options = RpcOptions(gzip_methods=frozenset({f"/{echo.NAME}/Open"}))
    async with (
        site(tmp_path, options=options) as server,
        secure_channel(server.target, tls=server.client(), gzip=gzip) as channel,
    ):
        assert await method(channel, "Open")(big) == big


async def test_message_above_the_limit_is_refused_as_exhausted(tmp_path: Path) -> None:
    async with site(tmp_path) as server, secure_channel(server.target, tls=server.client()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(channel, "Open")(BytesValue(value=bytes(24 * MEBI)))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await method(channel, "Open")(BytesValue(value=b"next"))).value == b"next"


async def test_two_hundred_connections_at_once_are_each_served_under_their_own_name(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        known, unknown = server.client(server.pki.files(SENSOR)), server.client()

        async def call(number: int) -> str:
            tls = known if number % 2 else unknown
            async with secure_channel(server.target, tls=tls) as channel:
                answer = await method(channel, "Open")(BytesValue(value=b"who"), timeout=60)
                return str(answer.value.decode())

        names = await asyncio.gather(*(call(number) for number in range(200)))
    assert names == [SENSOR.common_name if number % 2 else "" for number in range(200)]


ALPN = {
    "roxctl": ([PURE_GRPC, "h2", "http/1.1"], PURE_GRPC),
    "browser": (["h2", "http/1.1"], "http/1.1"),
    "grpc client": (["h2"], "h2"),
    "none": ([], None),
    "unknown": (["spdy/3"], None),
}


@pytest.mark.parametrize("case", ALPN)
async def test_handshake_selects_by_the_servers_order(case: str, tmp_path: Path) -> None:
    offered, selected = ALPN[case]
    async with site(tmp_path) as server:
        _, writer = await server.raw(server.context(offered))
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == selected
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("alpn", [[], ["http/1.1"], [PURE_GRPC], ["h2"]])
async def test_http2_preface_reaches_grpc_whatever_was_negotiated(alpn: list[str], tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        reader, writer = await server.raw(server.context(alpn))
        for part in (PREFACE[:5], PREFACE[5:], bytes.fromhex("000000040000000000")):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        frame = await asyncio.wait_for(reader.readexactly(9), 10)
        assert frame[3] == 4  # a SETTINGS frame
        writer.close()
        await writer.wait_closed()


async def test_http_request_sees_the_certificate_of_its_own_connection(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        files = server.pki.files(SENSOR)
        async with (
            http_client(server.target, tls=server.client(files)) as known,
            http_client(server.target, tls=server.client()) as unknown,
        ):
            for _ in range(3):
                answer = await known.get("/v1/ping")
                assert f"CN={SENSOR.common_name}" in answer.text
                assert (await unknown.get("/v1/ping")).text == "nobody"
        assert answer.headers["x-scheme"] == "https"
        assert "server" not in answer.headers
        assert answer.headers["date"].endswith("GMT")


async def test_websocket_upgrade_keeps_the_peer_and_is_counted_until_it_ends(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        context = server.context(files=server.pki.files(SENSOR))
        url = f"wss://{CENTRAL.hostname}:{server.port}/"
        async with connect(url, ssl=context, host="127.0.0.1", port=server.port) as client:
            assert server.front.connections == 1
            await client.send(b"hello")
            assert await client.recv() == b"known hello"
        await _until_empty(server.front)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        ),
        (PREFACE, bytes.fromhex("0000000400000000000000080700000000000000000000 00000c".replace(" ", ""))),
    ],
)
async def test_plaintext_on_the_tls_port_is_told_so(sent: bytes, answer: bytes, tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        reader, writer = await server.raw(None)
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 10) == answer
        writer.close()
        await writer.wait_closed()
        await _until_empty(server.front)


BAD_CERTIFICATES = ["foreign", "expired"]


@pytest.mark.parametrize("case", BAD_CERTIFICATES)
async def test_bad_client_certificate_is_refused_and_others_go_on(case: str, tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        stranger = Pki(tmp_path / "stranger")
        files = stranger.files(SENSOR) if case == "foreign" else server.pki.expired(SENSOR)
        async with http_client(server.target, tls=server.client(files)) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/")
        async with secure_channel(server.target, tls=server.client(files)) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(channel, "Open")(BytesValue(), timeout=60)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        async with http_client(server.target, tls=server.client()) as client:
            assert (await client.get("/")).text == "nobody"


async def test_required_client_certificate_shuts_the_others_out(tmp_path: Path) -> None:
    async with site(tmp_path, require_client=True) as server:
        async with http_client(server.target, tls=server.client()) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/")
        async with secure_channel(server.target, tls=server.client(server.pki.files(SENSOR))) as channel:
            await method(channel, "One")(BytesValue())


async def test_client_refuses_a_server_with_another_name(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        target = Target(server.target.endpoint, SCANNER_V4_INDEXER.hostname)
        async with secure_channel(target, tls=server.client()) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(channel, "Open")(BytesValue(), timeout=60)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        async with http_client(target, tls=server.client()) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("/")


async def test_silent_and_slow_clients_are_closed_while_others_are_served(tmp_path: Path) -> None:
    limits = Limits(handshake_seconds=0.3, first_byte_seconds=0.3, header_seconds=0.3)
    async with site(tmp_path, limits=limits) as server:
        silent = await server.raw(None)
        mute = await server.raw(server.context())
        slow = await server.raw(server.context())
        slow[1].write(b"GET / HTTP/1.1\r\n")
        async with http_client(server.target, tls=server.client()) as client:
            assert (await client.get("/")).status_code == 200
        assert await asyncio.wait_for(silent[0].read(), 10) == b""
        assert await asyncio.wait_for(mute[0].read(), 10) == b""
        assert (await asyncio.wait_for(slow[0].read(), 10)).startswith(b"HTTP/1.1 400")
        for _, writer in (silent, mute, slow):
            writer.close()
        await _until_empty(server.front)


async def test_connections_above_the_cap_wait_until_one_ends(tmp_path: Path) -> None:
    async with site(tmp_path, limits=Limits(connections=1)) as server:
        _, first = await server.raw(server.context())
        async with http_client(server.target, tls=server.client()) as client:
            waiting = asyncio.create_task(client.get("/"))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            first.close()
            assert (await waiting).status_code == 200


async def test_endless_request_head_is_cut_off(tmp_path: Path) -> None:
    async with site(tmp_path, limits=Limits(header_bytes=10_000)) as server:
        reader, writer = await server.raw(server.context())
        writer.write(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(40):
            writer.write(b"a" * 4096)
            await asyncio.sleep(0)
        assert (await asyncio.wait_for(reader.read(4096), 10)).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_plaintext_endpoint_serves_both_kinds_without_identity(tmp_path: Path) -> None:
    async with site(tmp_path, plain=True) as server:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{server.port}/")
            assert (answer.text, answer.headers["x-scheme"]) == ("nobody", "http")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            assert (await method(channel, "Open")(BytesValue(value=b"x"))).value == b"x"


async def test_certificate_replaced_on_disk_is_served_and_shown_without_restart(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        client = server.client(server.pki.files(SENSOR))
        watch = CertificateWatch(watched=[server.tls, client], clock=SystemClock())
        channels = Channels(server.target, tls=client)
        chat = stream(await channels.channel(), "Chat")()
        await chat.initial_metadata()
        old = await _served(server)

        server.pki.files(CENTRAL)
        server.pki.files(SENSOR)
        watch.poll()

        new = await _served(server)
        assert new != old
        await method(await channels.channel(), "One")(BytesValue())
        serials = {call.identity.uid for call in server.echo.calls}
        assert len(serials) == 2
        await chat.write(BytesValue(value=b"the old stream lives"))
        assert (await chat.read()).value == b"the old stream lives"
        await channels.close()


async def test_half_written_certificate_leaves_the_old_one_in_use(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        old = await _served(server)
        server.server_files.cert.write_bytes(b"-----BEGIN CERT")
        CertificateWatch(watched=[server.tls], clock=SystemClock()).poll()
        assert await _served(server) == old


async def test_sni_chooses_between_default_and_service_certificate(tmp_path: Path) -> None:
    pki, other = Pki(tmp_path / "pki"), Pki(tmp_path / "user")
    default = other.files(SENSOR, extra_names=("rox.example.com", "*.apps.example.com"))
    service = pki.files(CENTRAL)
    tls = ServerTls(certificates=[default, service], client_authorities=[pki.ca_file])
    front = Front(endpoints=[Endpoint("127.0.0.1", 0, tls)], app=who, peers=None, clock=SystemClock())
    async with Supervisor([front]).running():
        expected = {
            "rox.example.com": (other, default),
            "a.apps.example.com": (other, default),
            "a.b.apps.example.com": (other, default),
            "central.stackrox": (pki, service),
            "central.stackrox.svc": (pki, service),
            "unknown.name": (other, default),
        }
        for name, (issuer, files) in expected.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(issuer.ca_file)
            _, writer = await asyncio.open_connection(*front.addresses[0], ssl=context, server_hostname=name)
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            assert shown == ssl.PEM_cert_to_DER_cert(files.cert.read_text()), name
            writer.close()
            await writer.wait_closed()


async def test_front_without_grpc_closes_http2(tmp_path: Path) -> None:
    front = Front(endpoints=[Endpoint("127.0.0.1", 0)], app=who, peers=None, clock=SystemClock())
    async with Supervisor([front]).running():
        reader, writer = await asyncio.open_connection(*front.addresses[0])
        writer.write(PREFACE)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_stop_ends_streams_as_unavailable_and_lets_requests_finish(tmp_path: Path) -> None:
    async with site(tmp_path) as server:
        channel = secure_channel(server.target, tls=server.client())
        chat = stream(channel, "Chat")()
        await chat.initial_metadata()
    assert await asyncio.wait_for(chat.code(), 10) is grpc.StatusCode.UNAVAILABLE
    assert await chat.details() == "the server is shutting down"
    await channel.close(None)


async def test_keepalive_pings_of_upstreams_client_are_accepted(tmp_path: Path) -> None:
    options = ChannelOptions(keepalive_seconds=0.5)
    # The server allows one ping in half the client's interval, as upstream allows 5 s of 10 s.
    async with (
        site(tmp_path, options=RpcOptions(min_ping_interval_seconds=0.25)) as server,
        secure_channel(server.target, tls=server.client(), options=options) as channel,
    ):
        chat = stream(channel, "Chat")()
        await chat.initial_metadata()
        await asyncio.sleep(3)
        await chat.write(BytesValue(value=b"still here"))
        assert (await chat.read()).value == b"still here"


async def _served(server: Site) -> bytes:
    _, writer = await server.raw(server.context())
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert isinstance(der, bytes)
    return der


async def _until_empty(front: Front) -> None:
    async with asyncio.timeout(60):
        while front.connections:  # noqa: ASYNC110 - the front has no event for it
            await asyncio.sleep(0.01)
