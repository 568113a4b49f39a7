"""One servicer behind the real front: the same answer over gRPC, REST, gRPC-Web and a WebSocket."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from websockets.asyncio.client import connect

from pyrox.pb.api.v1 import common_pb2, ping_service_pb2, pod_service_pb2, policy_service_pb2
from pyrox.pb.storage import policy_pb2
from pyrox.rpc import frames
from tests.support.fake_central import FakeCentral
from tests.support.servicers import open_servicer, servicer

LOADED = (ping_service_pb2, pod_service_pb2, policy_service_pb2)
WEB = {"Content-Type": "application/grpc", "Accept": "application/grpc-web"}
LIMIT = 10**8


class Policies:
    """Answers with a policy of the wanted size."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.peers: list[str] = []

    async def get(self, request: common_pb2.ResourceByID, call: Any) -> policy_pb2.Policy:
        self.peers.append(call.peer)
        policy = policy_pb2.Policy(id=request.id, name="näme")
        policy.categories.extend("c" * 100 for _ in range(int(request.id)))
        return policy

    async def export(self, request: Any, call: Any) -> AsyncIterator[pod_service_pb2.ExportPodResponse]:
        try:
            while True:
                yield pod_service_pb2.ExportPodResponse()
                await asyncio.sleep(0.01)
        finally:
            self.left.set()


@pytest.fixture
def policies() -> Policies:
    return Policies()


@pytest.fixture
async def central(tmp_path: Path, policies: Policies) -> AsyncIterator[FakeCentral]:
    fake = FakeCentral(
        tmp_path,
        [
            open_servicer("v1.PolicyService", GetPolicy=policies.get),
            open_servicer("v1.PodService", ExportPods=policies.export),
            servicer("v1.PingService", Ping=policies.get),
        ],
    )
    ready, stop = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(fake.serve(ready.set, stop))
        await ready.wait()
        yield fake
        stop.set()


def context(central: FakeCentral) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(central.pki.ca_file))


@pytest.fixture
async def http(central: FakeCentral) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"https://{central.endpoint}", verify=context(central), headers={"Host": "central.stackrox"}
    ) as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


SNI = {"sni_hostname": "central.stackrox"}


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("size", [1, 20_000])
async def test_rest_answers_over_tls(http: httpx.AsyncClient, encoding: str, size: int) -> None:
    answer = await http.get(f"/v1/policies/{size}", headers={"Accept-Encoding": encoding}, extensions=SNI)
    assert (answer.status_code, answer.json()["name"], len(answer.json()["categories"])) == (
        200,
        "näme",
        size,
    )


async def test_connection_stays_usable_after_refusals(http: httpx.AsyncClient, policies: Policies) -> None:
    for path, status in [
        ("/v1/policies/1", 200),
        ("/v1/nosuch", 404),
        ("/v1/ping", 401),
        ("/v1/policies/2", 200),
    ]:
        assert (await http.get(path, extensions=SNI)).status_code == status
    refused = await http.post("/v1/ping", content=b"x" * 100_000, extensions=SNI)
    assert refused.status_code == 501
    assert (await http.get("/v1/policies/3", extensions=SNI)).status_code == 200


async def test_grpc_answers_the_same(central: FakeCentral, http: httpx.AsyncClient) -> None:
    credentials = grpc.ssl_channel_credentials(central.pki.ca_file.read_bytes())
    options = [("grpc.ssl_target_name_override", "central.stackrox")]
    async with grpc.aio.secure_channel(central.endpoint, credentials, options=options) as channel:
        get: Any = channel.unary_unary(
            "/v1.PolicyService/GetPolicy",
            request_serializer=common_pb2.ResourceByID.SerializeToString,
            response_deserializer=policy_pb2.Policy.FromString,
        )
        over_grpc = await get(common_pb2.ResourceByID(id="5"))
    body = frames.frame(common_pb2.ResourceByID(id="5").SerializeToString())
    web = await http.post("/v1.PolicyService/GetPolicy", content=body, headers=WEB, extensions=SNI)
    [(_, payload), (flag, trailers)] = frames.frames(web.content, LIMIT)
    assert policy_pb2.Policy.FromString(payload) == over_grpc
    assert (flag, frames.parse_block(trailers)) == (frames.METADATA, {"grpc-status": "0"})


async def test_websocket_answers_the_same(central: FakeCentral) -> None:
    async with connect(
        f"wss://{central.endpoint}/v1.PolicyService/GetPolicy",
        ssl=context(central),
        server_hostname="central.stackrox",
        subprotocols=["grpc-ws"],  # type: ignore[list-item]  # a NewType of str
        compression=None,
        proxy=None,
    ) as socket:
        await socket.send(frames.frame(common_pb2.ResourceByID(id="5").SerializeToString()))
        await socket.send(frames.END_OF_STREAM)
        received = [message async for message in socket]
    kinds = [
        next(iter(frames.frames(message, LIMIT)))[0] for message in received if isinstance(message, bytes)
    ]
    assert kinds == [frames.METADATA, 0, frames.METADATA]


async def test_client_that_hangs_up_ends_the_export(http: httpx.AsyncClient, policies: Policies) -> None:
    async with http.stream("GET", "/v1/export/pods", extensions=SNI) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == '{"result":{"pod":null}}'
    async with asyncio.timeout(60):
        await policies.left.wait()


async def test_plaintext_endpoint_serves_rest(central: FakeCentral) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{central.plain_port}") as client:
        assert (await client.get("/v1/policies/1")).status_code == 200
