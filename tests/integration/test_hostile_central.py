"""Hostile requests to a real Central process: bodies, policies, searches, gRPC, connections, Sensors.

Each gets an answer with the right code and a clear text; afterwards the same process
answers as before, and has not grown.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import httpx
import pytest

from pyrox.pb.internalapi.central.sensor_events_pb2 import SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor
from pyrox.pg.settings import Settings
from tests.integration.test_link_stream import eventually, hello, stream
from tests.support.central import ADMIN, PASSWORD, RunningCentral, running_central
from tests.support.link import ID, event, synced
from tests.support.rpc_caller import channel
from tests.support.vitals import sockets, unharmed

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.timeout(120)]
GROWTH_MIB = 96
MEBI = 1 << 20
DEEP = 200_000
CODE = grpc.StatusCode


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    directory = tmp_path_factory.mktemp("central")
    with running_central(directory, database, environment={"ROX_SCANNER_V4": "false"}) as running:
        assert normal_day(running) == NORMAL_DAY
        yield running


NORMAL_DAY: tuple[bool, object, int] = (True, {"deployments": []}, 200)


def normal_day(central: RunningCentral) -> tuple[bool, object, int]:
    """What becomes of a list that is not empty, a search, and a policy that is checked."""
    with central.client() as client:
        policies = client.get("/v1/policies").json()["policies"]
        found = client.get("/v1/deployments", params={"query": "Namespace:shop"}).json()
        made = client.post("/v1/policies", json=policy("latest"))
    return bool(policies), found, made.status_code


@contextmanager
def unmoved(central: RunningCentral, mib: float = GROWTH_MIB) -> Iterator[None]:
    with unharmed(central.process, mib=mib):
        yield
        assert normal_day(central) == NORMAL_DAY


def section(values: Iterable[str], field: str = "Image Tag") -> dict[str, object]:
    return {"policyGroups": [{"fieldName": field, "values": [{"value": value} for value in values]}]}


def policy(value: str, field: str = "Image Tag", **changes: object) -> dict[str, object]:
    return {
        "name": f"policy {uuid4()}",
        "severity": "LOW_SEVERITY",
        "categories": ["Test"],
        "lifecycleStages": ["DEPLOY"],
        "policyVersion": "1.1",
        "policySections": [section([value], field)],
        **changes,
    }


def nested(depth: int = DEEP) -> bytes:
    return b"[" * depth + b"]" * depth


# REST bodies.

LAUGHS = "\n".join(
    ["apiVersion: v1", "kind: List", "l0: &l0 [a, a, a, a, a, a, a, a, a]"]
    + [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
)
BODIES: Mapping[str, tuple[str, Callable[[], bytes], int, str]] = {
    "deep arrays": ("/v1/policies", lambda: b'{"name":' + nested() + b"}", 400, "proto:"),
    "deep objects": ("/v1/policies", lambda: b'{"x":' * DEEP + b"1" + b"}" * DEEP, 400, ""),
    "deep and cut": ("/v1/policies", lambda: b'{"a":[' * DEEP, 400, "unexpected EOF"),
    "cut": ("/v1/policies", lambda: b'{"name": "abc', 400, "unexpected EOF"),
    "array": ("/v1/policies", lambda: b"[]", 400, "proto:\u00a0syntax error (line 1:1): unexpected token ["),
    "not JSON": ("/v1/policies", lambda: b"{bad", 400, "invalid character 'b' looking for beginning"),
    "invalid UTF-8": ("/v1/policies", lambda: b'{"name": "\xff\xfe"}', 400, "invalid UTF-8"),
    "half a surrogate": ("/v1/policies", lambda: b'{"name": "\\ud800"}', 400, ""),
    "number without end": ("/v1/policies", lambda: b'{"severity": 1' + b"0" * 100_000 + b"}", 400, "proto:"),
    "number too large": ("/v1/policies", lambda: b'{"severity": 1e999}', 400, "proto:"),
    "number for a text": ("/v1/policies", lambda: b'{"name":5}', 400, "value for string field name: 5"),
    "object for a list": ("/v1/policies", lambda: b'{"categories": {"a": 1}}', 400, "proto:"),
    "time of no year": ("/v1/policies", lambda: b'{"lastUpdated": "9999999-01-01T00:00:00Z"}', 400, "proto:"),
    "a million keys": (
        "/v1/policies",
        lambda: b"{" + b",".join(b'"k%d":1' % n for n in range(1_000_000)) + b"}",
        400,
        "policy",
    ),
    "oversized": (
        "/v1/policies",
        lambda: b'{"name":"' + b"x" * (25 * MEBI) + b'"}',
        429,
        "received message larger than max (26214411 vs. 25165824)",
    ),
    "NUL in a name": ("/v1/policies", lambda: json.dumps(policy("a", name="no\0body")).encode(), 400, ""),
    "YAML that laughs": (
        "/v1/detect/deploy/yaml",
        lambda: json.dumps({"yaml": LAUGHS}).encode(),
        400,
        "could not parse yaml",
    ),
    "YAML in depth": (
        "/v1/detect/deploy/yaml",
        lambda: json.dumps({"yaml": "a: " + "[" * 100_000}).encode(),
        400,
        "could not parse yaml",
    ),
    "YAML with a tag": (
        "/v1/detect/deploy/yaml",
        lambda: json.dumps({"yaml": "!!python/object/apply:os.system [id]"}).encode(),
        400,
        "could not parse yaml",
    ),
    "YAML of many documents": (
        "/v1/detect/deploy/yaml",
        lambda: json.dumps({"yaml": "---\na: 1\n" * 20_000}).encode(),
        400,
        "could not parse yaml",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES, ids=str)
def test_hostile_body_is_refused(central: RunningCentral, case: str) -> None:
    path, make, status, words = BODIES[case]
    with unmoved(central), central.client() as client:
        answer = client.post(path, content=make(), headers={"content-type": "application/json"})
        body = answer.json()
        assert (answer.status_code, words in body["message"]) == (status, True), answer.text[:500]
        assert "internal error" not in body["message"]
        assert len(body["message"]) < 5000


PATHS = (
    ("/v1/policies/%00", 404),
    ("/v1/policies/%ff%fe", 404),
    ("/v1/alerts/%27%3B%20DROP%20TABLE%20alerts%3B--", 404),
    ("/v1/policies/" + "a" * 60_000, 404),
    ("/v1/%2e%2e/%2e%2e/etc/passwd", 404),
    ("/../../../../etc/passwd", 200),
    ("/static/..%2f..%2f..%2fetc/passwd", 404),
    ("/v1/policies?pagination.limit=1e9", 400),
    ("/v1/policies?pagination.limit=-1", 400),
    ("/v1/policies?pagination.offset=-1", 400),
    ("/v1/policies?pagination.sortOption.field=%00", 400),
    ("/v1/policies?nosuch=1&query=%00", 400),
    ("/v1/policies?" + "&".join(f"a{n}=1" for n in range(8_000)), 400),
)


@pytest.mark.parametrize(("path", "status"), PATHS, ids=[path[:40] for path, _ in PATHS])
def test_hostile_address_is_answered(central: RunningCentral, path: str, status: int) -> None:
    with unmoved(central), central.client() as client:
        answer = client.get(httpx.URL(central.url).copy_with(raw_path=path.encode()))
        assert answer.status_code == status, answer.text[:500]
        assert "root:" not in answer.text
        assert "internal error" not in answer.text


# Policies.

POLICIES: Mapping[str, tuple[Callable[[], dict[str, object]], int, str]] = {
    "bad expression": (lambda: policy("("), 400, "Image Tag"),
    "look-behind": (lambda: policy("(?<=a)b"), 400, "Image Tag"),
    "expression that grows": (lambda: policy("((x{1000}){1000}){1000}"), 400, "Image Tag"),
    "expression of a megabyte": (lambda: policy("a|" * 500_000), 400, "Image Tag"),
    "expression that backtracks elsewhere": (lambda: policy("(a+)+$"), 200, ""),
    "unknown criterion": (lambda: policy("x", "No Such"), 400, "No Such"),
    "number that is none": (lambda: policy("nan", "CVSS"), 400, "CVSS"),
    "values without end": (
        lambda: policy("a", policySections=[section(f"v{n}" for n in range(100_000))]),
        400,
        "more than 10000 values",
    ),
    "sections without end": (
        lambda: policy("a", policySections=[section("a")] * 100_000),
        400,
        "more than 1000 sections",
    ),
    "scope that does not compile": (
        lambda: policy("a", scope=[{"namespace": "("}]), 400, "could not compile scope"
    ),
    "id of somebody else": (lambda: policy("a", id="../../x"), 400, "Id field should be empty"),
    "enum from the future": (lambda: policy("a", severity="WORST"), 400, "a policy must have a severity"),
}  # fmt: skip


@pytest.mark.parametrize("case", POLICIES, ids=str)
def test_hostile_policy_is_judged(central: RunningCentral, case: str) -> None:
    make, status, words = POLICIES[case]
    with unmoved(central), central.client() as client:
        answer = client.post("/v1/policies", json=make())
        assert (answer.status_code, words in answer.text) == (status, True), answer.text[:800]
        assert len(answer.text) < 10_000 or status == 200
        if status == 200:
            assert client.delete(f"/v1/policies/{answer.json()['id']}").status_code == 200


def test_import_takes_the_good_ones_only(central: RunningCentral) -> None:
    bad = [make() for make, status, _ in POLICIES.values() if status == 400]
    documents = [*bad, policy("latest", id="no uuid"), policy("latest", nosuch={"a": 1})]
    with unmoved(central), central.client() as client:
        answer = client.post("/v1/policies/import", json={"policies": documents}).json()
        assert not answer["allSucceeded"]
        found = {one["policy"]["name"]: one for one in answer["responses"]}
        for one in bad:
            taken = found[str(one["name"])]
            # An import ignores the id of the file's author when nobody else has it.
            assert taken["succeeded"] == ("id" in one), one
        assert found[str(documents[-1]["name"])]["succeeded"]
        for raw in (b"{}", b'{"policies": null}', b'{"policies": [null]}', b'{"policies": {"a": 1}}'):
            answer_ = client.post("/v1/policies/import", content=raw)
            assert answer_.status_code in {200, 400}, answer_.text


# Searches.

SEARCHES: Mapping[str, Callable[[], str]] = {
    "terms without end": lambda: "+".join(f"Namespace:n{n}" for n in range(3_000)),
    "values without end": lambda: "Namespace:" + ",".join("v" for _ in range(10_000)),
    "one long word": lambda: "Namespace:" + "a" * 60_000,
    "expression that grows": lambda: "Namespace:r/((x{1000}){1000}){1000}",
    "expression that backtracks elsewhere": lambda: "Namespace:r/(a+)+$",
    "statement": lambda: "Namespace:x' OR '1'='1'; DROP TABLE deployments; --",
    "pattern": lambda: "Namespace:" + "%" * 1000,
    "field that is none": lambda: "No Such Field:x",
}


@pytest.mark.parametrize("case", SEARCHES, ids=str)
@pytest.mark.parametrize("path", ["/v1/deployments", "/v1/alerts", "/v1/search", "/v1/images"])
def test_hostile_search_is_answered(central: RunningCentral, path: str, case: str) -> None:
    with unmoved(central), central.client() as client:
        answer = client.get(path, params={"query": SEARCHES[case]()})
        assert answer.status_code in {200, 400}, answer.text[:500]
        assert "internal error" not in answer.text
        assert answer.status_code == 200 or len(answer.json()["message"]) < 2000


# gRPC.


def sent(opened: grpc.Channel, path: str) -> Any:
    """A call of raw bytes."""
    return opened.unary_unary(path, request_serializer=None, response_deserializer=None)


def test_grpc_garbage_is_refused(central: RunningCentral) -> None:
    cases = (
        ("/v1.PolicyService/GetPolicy", b"\xff" * 100_000, {CODE.INVALID_ARGUMENT, CODE.INTERNAL}),
        ("/v1.PolicyService/GetPolicy", b"x" * (25 * MEBI), {CODE.RESOURCE_EXHAUSTED}),
        ("/v1.PolicyService/NoSuch", b"", {CODE.UNIMPLEMENTED}),
        ("/no.such.Service/" + "x" * 5000, b"", {CODE.UNIMPLEMENTED}),
        ("/", b"", {CODE.UNIMPLEMENTED}),
    )
    basic = base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
    with unmoved(central), channel(central) as opened:
        for path, body, codes in cases:
            with pytest.raises(grpc.RpcError) as caught:
                sent(opened, path)(body, timeout=60, metadata=[("authorization", f"Basic {basic}")])
            assert caught.value.code() in codes, (path, caught.value.details())
            assert len(caught.value.details() or "") < 9000


def peak_mib(central: RunningCentral) -> float:
    status = Path(f"/proc/{central.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def test_grpc_message_that_unpacks_to_too_much_is_refused(central: RunningCentral) -> None:
    """A bomb of 300 MiB in 300 KiB is refused before it is in memory, whoever sends it."""
    before = peak_mib(central)
    with unmoved(central), channel(central) as opened:
        with pytest.raises(grpc.RpcError) as caught:
            sent(opened, "/v1.PingService/Ping")(
                bytes(300 * MEBI), timeout=30, compression=grpc.Compression.Gzip
            )
        assert caught.value.code() is CODE.RESOURCE_EXHAUSTED
        assert caught.value.details() == "Decompressed message larger than max"
    assert peak_mib(central) - before < 150


@pytest.mark.parametrize(
    "frame",
    [b"\x00\xff\xff\xff\xffx", b"\x01" + gzip.compress(b"x"), b"\xff", b"", b"\x00\x00\x00\x00\x02\xff\xff"],
    ids=["length that lies", "compressed", "cut", "empty", "no message"],
)
def test_grpc_web_garbage_is_refused(central: RunningCentral, frame: bytes) -> None:
    with unmoved(central), central.client() as client:
        for kind in ("application/grpc-web", "application/grpc-web-text", "application/grpc"):
            headers = {"content-type": kind, "accept": "application/grpc-web"}
            answer = client.post("/v1.PolicyService/GetPolicy", content=frame, headers=headers)
            assert answer.status_code in {200, 405}, answer.text
            assert answer.headers.get("grpc-status", "") != "0"
            assert "internal error" not in f"{answer.headers} {answer.text}"


# Connections on the one port.


# Central may open one or two to its database at any time.
SPARE = 2


def left_open(central: RunningCentral, before: int) -> int:
    """How many sockets more than before the process has, once the spare ones at most are left."""
    for _ in range(200):
        if (left := sockets(central.process.pid) - before) <= SPARE:
            break
        time.sleep(0.05)
    return left


def tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


HELD: Mapping[str, bytes | None] = {
    "nothing at all": None,
    "nothing after the handshake": b"",
    "half a preface": b"PRI * HTTP/2.0\r\n\r\nS",
    "half a head": b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "half a body": b"POST /v1/policies HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{",
    "HTTP/2 without settings": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("case", HELD, ids=str)
def test_held_connections_do_not_keep_others_out(central: RunningCentral, case: str) -> None:
    """Two hundred of them; how long each may last has tests of its own, with shorter limits."""
    said = HELD[case]
    before = sockets(central.process.pid)
    with unmoved(central), ExitStack() as stack:
        context = tls()
        for _ in range(200):
            raw = socket.create_connection(("127.0.0.1", central.port), timeout=60)
            if said is None:
                stack.enter_context(raw)
                continue
            wrapped = stack.enter_context(context.wrap_socket(raw))
            wrapped.sendall(said)
        assert normal_day(central) == NORMAL_DAY
    assert left_open(central, before) <= SPARE


def http(head: str, body: bytes = b"") -> bytes:
    """A request: its lines separated by `|`."""
    return head.replace("|", "\r\n").encode() + b"\r\n\r\n" + body


H2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes.fromhex("000000040000000000")
PING = bytes.fromhex("000008060000000000") + bytes(8)
BROKEN: Mapping[str, bytes] = {
    "noise": bytes(range(256)) * 300,
    "request without a version": http("GET /v1/policies"),
    "two lengths": http("POST /v1/ping HTTP/1.1|Host: x|Content-Length: 5|Content-Length: 6", b"abcdef"),
    "length and chunks": http(
        "POST /v1/ping HTTP/1.1|Host: x|Content-Length: 5|Transfer-Encoding: chunked",
        b"0\r\n\r\n" + http("GET /v1/policies HTTP/1.1|Host: x"),
    ),
    "chunk that lies": http("POST /v1/ping HTTP/1.1|Host: x|Transfer-Encoding: chunked", b"f" * 18 + b"\r\n"),
    "head without end": b"GET /v1/ping HTTP/1.1\r\nX: " + b"y" * (2 * MEBI),
    "upgrade to anything": http(
        "GET /v1/policies HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: h2c|HTTP2-Settings: AAAA"
    ),
    "bad WebSocket": http(
        "GET /v1.PingService/Ping HTTP/1.1|Host: x|Connection: Upgrade|Upgrade: websocket"
        "|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: no"
    ),
    "HTTP/2 noise": H2 + b"\xff" * 10_000,
    "HTTP/2 frame of 16 MiB": H2 + SETTINGS + bytes.fromhex("ffffff000000000001") + b"x" * 100_000,
    "HTTP/2 flood of pings": H2 + SETTINGS + PING * 100_000,
}


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_broken_protocol_ends_its_connection_only(central: RunningCentral, case: str) -> None:
    before = sockets(central.process.pid)
    with unmoved(central):
        raw = socket.create_connection(("127.0.0.1", central.port), timeout=60)
        with tls().wrap_socket(raw) as connection:
            try:
                connection.sendall(BROKEN[case])
                said = connection.recv(65536)
            except (OSError, TimeoutError):
                said = b""
        assert not said.startswith(b"HTTP/1.1 2")
        assert b'"policies"' not in said
    assert left_open(central, before) <= SPARE


# A hostile Sensor.


@pytest.fixture
def cluster(central: RunningCentral) -> str:
    with central.client() as client:
        body = {"name": f"c-{uuid4()}", "type": "KUBERNETES_CLUSTER"}
        return str(client.post("/v1/clusters", json=body).json()["cluster"]["id"])


def nonsense() -> Iterator[MsgFromSensor | SensorEvent]:
    """Messages that no Sensor sends."""
    yield MsgFromSensor()
    yield SensorEvent()
    yield SensorEvent(id="x" * 10_000)
    removal = event("deployment", 9, action=99)
    removal.id = "'; DROP TABLE deployments; --"
    yield removal
    for name in ("no\0body", "\U0001f600" * 1000, "x" * 200_000):
        yield event("deployment", 2, name)
        yield event("namespace", 2, name)
        yield event("pod", 2, name)
        yield event("secret", 2, name)
    foreign = event("deployment", 3, "foreign")
    foreign.deployment.cluster_id, foreign.deployment.cluster_name = str(uuid4()), "another"
    yield foreign
    unlike = event("deployment", 4, "unlike")
    unlike.deployment.id = "no uuid"
    yield unlike
    other = event("deployment", 5, "other")
    other.deployment.id = ID(6)
    yield other
    alerts = SensorEvent(id="")
    alerts.alert_results.alerts.add(id="no uuid").policy.name = "x"
    yield alerts
    strange = SensorEvent(id=ID(7))
    strange.process_indicator.id = "\0"
    strange.process_indicator.signal.args = "y" * 1_000_000
    yield strange
    for hash_ in (0, 2**64 - 1, 1, 1):
        yield event("deployment", 8, "hashed", hash_=hash_)
    answer = MsgFromSensor()
    answer.deployment_enhancement_response.msg.id = "nobody asked"
    yield answer


async def test_hostile_sensor_spoils_only_what_it_sends(central: RunningCentral, cluster: str) -> None:
    with unmoved(central):
        async with stream(central, cluster, hello()) as opened:
            opened.say(*nonsense())
            await opened.answered()
            opened.say(event("deployment", 1, "web"))
            await opened.answered()
            found = await settled(central, cluster)
    assert found[ID(1)] == "web"
    # What names another cluster is filed under the certificate's own.
    assert found[ID(3)] == "foreign"
    with central.client() as client:
        assert len(client.get("/v1/clusters").json()["clusters"]) >= 1


async def settled(central: RunningCentral, cluster: str) -> dict[str, str]:
    """The deployments of the cluster, once the good one is among them."""

    def ask() -> dict[str, str]:
        with central.client() as client:
            found = client.get("/v1/deployments", params={"query": f"Cluster ID:{cluster}"}).json()
        return {one["id"]: one["name"] for one in found["deployments"]}

    for _ in range(100):
        if ID(1) in (found := await asyncio.to_thread(ask)):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("the good deployment never came")


async def test_ten_thousand_messages_at_once_are_all_taken(central: RunningCentral, cluster: str) -> None:
    wanted = {ID(n): f"d{n}" for n in range(50)}
    with unmoved(central):
        async with stream(central, cluster, hello()) as opened:
            opened.say(*(event("deployment", n % 50, f"d{n % 50}", hash_=n) for n in range(10_000)))
            opened.say(synced())
            await opened.answered()
            assert await eventually(central, cluster, wanted) == wanted


async def test_hello_of_another_cluster_is_refused(central: RunningCentral, cluster: str) -> None:
    told = hello()
    told.hello.helm_managed_config_init.cluster_id = str(uuid4())
    told.hello.helm_managed_config_init.cluster_name = "x" * 100_000
    with unmoved(central):
        async with stream(central, cluster, told) as opened:
            code, details = await opened.end()
    assert code in {CODE.INVALID_ARGUMENT, CODE.PERMISSION_DENIED, CODE.FAILED_PRECONDITION}, details
    assert len(details) < 2500
