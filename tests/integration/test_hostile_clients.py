"""Hostile callers of the other servers: Sensor, Admission, Indexer and Matcher, as real processes.

Bad certificates at every one of them, reviews that nobody can read, and a Collector that
tells nonsense. Each gets the right code; afterwards the same process works and has not grown.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio

from pyrox.k8s import kinds
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER, SCANNER_V4_MATCHER, Subject
from pyrox.mtls.reload import CertFiles, ClientTls
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.internalapi.sensor.signal_iservice_pb2_grpc import SignalServiceStub
from pyrox.pg.settings import Settings
from pyrox.rpc.client import Target, secure_channel
from tests.support import scanner
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pg import free_port
from tests.support.pki import CLUSTER_ID, COLLECTOR, SENSOR, Pki
from tests.support.sensor import pod, replica_set
from tests.support.sensor import workload as in_cluster
from tests.support.vitals import unharmed
from tests.support.waiting import until
from tests.unit.services.admission.builders import PRIVILEGED, on_request, workload

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
ROOT = Path(__file__).resolve().parents[2]
ADMISSION = Subject("ADMISSION_CONTROL_SERVICE", CLUSTER_ID)
CONTAINER = "ab" * 32
CODE = grpc.StatusCode
REFUSED = {CODE.UNAVAILABLE, CODE.UNAUTHENTICATED, CODE.PERMISSION_DENIED}
GROWTH_MIB = 160


@asynccontextmanager
async def process(name: str, *flags: str, **environment: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """One of our processes, ended at the end."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    command = [sys.executable, "-m", "services", name, *flags]
    running = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        command, cwd=ROOT, env={**inherited, **environment}
    )
    try:
        yield running
    finally:
        running.terminate()
        await asyncio.to_thread(running.wait, 30)


@dataclass(frozen=True)
class Site:
    """A Sensor and an Admission process between fake Kubernetes and fake Central."""

    sensor: subprocess.Popen[bytes]
    sensor_port: int
    admission: subprocess.Popen[bytes]
    admission_port: int
    central: CentralLinkServer
    pki: Pki

    def webhook(self) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.pki.ca_file))
        context.check_hostname = False
        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self.admission_port}", verify=context, timeout=30
        )

    async def judged(self) -> tuple[bool, bool]:
        """Whether Admission lets a bad workload pass, and a good one."""
        async with self.webhook() as client:
            bad, good = [
                await client.post("/validate", content=review(workload(privileged=privileged)))
                for privileged in (True, False)
            ]
        return bad.json()["response"]["allowed"], good.json()["response"]["allowed"]

    async def watched(self) -> bool:
        """Whether a process of a known container becomes an indicator; waits for it."""
        name = f"good-{len(self.central.events('process_indicator'))}"
        async with pushing(self) as stream:
            await stream.write(signal(name=name))
            with suppress(TimeoutError):
                await until(lambda: name in indicators(self.central))
        return name in indicators(self.central)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    pki = Pki(directory / "pki")
    sensor_files, admission_files = pki.files(SENSOR), pki.files(ADMISSION)
    (admission_files.cert.parent / "ca.pem").write_bytes(pki.ca_file.read_bytes())
    sensor_port, admission_port = free_port(), free_port()
    async with FakeKubernetes().running() as kube:
        kube.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "ns-shop"}})
        kube.put(kinds.DEPLOYMENT, in_cluster("web"))
        kube.put(kinds.REPLICA_SET, replica_set("web-rs", "web"))
        kube.put(kinds.POD, pod("web-1", "web-rs", container_id=CONTAINER))
        central = CentralLinkServer(pki, [PRIVILEGED, on_request("exec")])
        async with (
            central.running(),
            process(
                "sensor",
                "--listen",
                f"127.0.0.1:{sensor_port}",
                ROX_CENTRAL_ENDPOINT=f"127.0.0.1:{central.port}",
                ROX_MTLS_CERT_FILE=str(sensor_files.cert),
                ROX_MTLS_KEY_FILE=str(sensor_files.key),
                ROX_MTLS_CA_FILE=str(pki.ca_file),
                KUBECONFIG=str(kube.kubeconfig(directory)),
                ROX_DEDUPER_STATE_TIMEOUT="2s",
                ROX_METRICS_PORT=f"127.0.0.1:{free_port()}",
            ) as sensor,
        ):
            await until(lambda: central.connections)
            await central.synced()
            async with process(
                "admission",
                *("--listen", f"127.0.0.1:{admission_port}", "--certs", str(admission_files.cert.parent)),
                *("--drain", "10ms", "--state", str(directory / "state")),
                *("--mounted", str(directory / "mounted")),
                ROX_SENSOR_ENDPOINT=f"127.0.0.1:{sensor_port}",
                ROX_METRICS_PORT=f"127.0.0.1:{free_port()}",
            ) as admission:
                made = Site(sensor, sensor_port, admission, admission_port, central, pki)
                await ready(made)
                yield made


async def ready(site: Site) -> None:
    async with asyncio.timeout(60), site.webhook() as client:
        while True:
            try:
                if (await client.get("/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


# Certificates.


def outsiders(pki: Pki, directory: Path) -> Mapping[str, CertFiles | None]:
    """Whom every server must refuse."""
    foreign = Pki(directory / "foreign")
    return {
        "nobody": None,
        "expired": pki.expired(SENSOR),
        "foreign": foreign.files(SENSOR),
        "foreign Central": foreign.files(CENTRAL),
        "wrong service": pki.files(Subject("MONITORING_UI_SERVICE", CLUSTER_ID), "wrong"),
    }


async def ended(channel: Any, path: str, body: bytes) -> grpc.StatusCode:
    """How a call of one message ends.

    The message goes with the call: a stream's client that is refused before it writes
    calls that `INTERNAL`, whatever the server answered.
    """
    code: grpc.StatusCode = await channel.unary_stream(path)(body).code()
    return code


async def let_in(address: str, server: str, path: str, pki: Pki, directory: Path) -> Mapping[str, str]:
    """The outsiders who were not refused, with what they were answered."""
    answers = {}
    for who, files in outsiders(pki, directory).items():
        tls = ClientTls(authorities=[pki.ca_file], certificate=files)
        async with secure_channel(Target(address, server), tls=tls) as channel:
            answers[who] = await ended(channel, path, b"")
    assert len(answers) == 5
    return {who: code.name for who, code in answers.items() if code not in REFUSED}


@pytest.mark.parametrize(
    "path",
    [
        "/sensor.SignalService/PushSignals",
        "/sensor.AdmissionControlManagementService/Communicate",
        "/sensor.ImageService/GetImage",
        "/sensor.DeploymentService/GetDeploymentForPod",
    ],
)
async def test_sensor_refuses_outsiders(site: Site, path: str, tmp_path: Path) -> None:
    with unharmed(site.sensor, mib=GROWTH_MIB):
        address = f"127.0.0.1:{site.sensor_port}"
        assert await let_in(address, SENSOR.hostname, path, site.pki, tmp_path) == {}
        assert await site.watched()


@pytest.mark.needs("postgres")
async def test_scanners_refuse_outsiders(database: Settings, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    async with scanner.indexer(database, pki) as indexer, scanner.matcher(database, pki) as matcher:
        cases = (
            (indexer.front, SCANNER_V4_INDEXER, "/scanner.v4.Indexer/GetOrCreateIndexReport"),
            (indexer.front, SCANNER_V4_INDEXER, "/scanner.v4.Indexer/GetIndexReport"),
            (matcher.front, SCANNER_V4_MATCHER, "/scanner.v4.Matcher/GetVulnerabilities"),
            (matcher.front, SCANNER_V4_MATCHER, "/scanner.v4.Matcher/GetMetadata"),
        )
        for front, subject, path in cases:
            address = f"127.0.0.1:{front.addresses[0][1]}"
            assert await let_in(address, subject.hostname, path, pki, tmp_path) == {}
            tls = ClientTls(authorities=[pki.ca_file], certificate=pki.files(CENTRAL))
            async with secure_channel(Target(address, subject.hostname), tls=tls) as opened:
                channel: Any = opened
                call = channel.unary_unary(path)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call(b"\xff" * 1000)
                assert caught.value.code() == CODE.INVALID_ARGUMENT


# Reviews.


def review(value: object, **request: object) -> bytes:
    fields = {
        "uid": "u1",
        "kind": {"kind": value.get("kind", "") if isinstance(value, dict) else ""},
        "name": "web",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "bob"},
        "object": value,
    }
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": fields | request}
    return json.dumps(body).encode()


def nested(depth: int = 200_000) -> bytes:
    return b"[" * depth + b"]" * depth


PREFIX = "decoding v1 admission review: "
UNREADABLE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", PREFIX),
    "not JSON": (
        lambda: b"{bad",
        PREFIX
        + "couldn't get version/kind; json parse error: invalid character 'b' looking for beginning of "
        "object key string\n",
    ),
    "cut": (lambda: review(workload())[:-30], PREFIX),
    "deep": (lambda: b'{"request":' + nested() + b"}", PREFIX),
    "deep object": (
        lambda: review({"kind": "Pod"}).replace(b'"Pod"}', b'"Pod","x":' + nested() + b"}"),
        PREFIX,
    ),
    "array": (lambda: b"[]", PREFIX),
    "invalid UTF-8": (lambda: b'{"kind": "\xff"}', PREFIX),
    "half a surrogate": (lambda: review({"kind": "\ud800"}), PREFIX),
    "no review": (lambda: b'{"kind": "Pod", "apiVersion": "v1"}', PREFIX + "expected AdmissionReview"),
    "no request": (
        lambda: b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":[1]}',
        "invalid admission review, nil request\n",
    ),
    "huge": (lambda: b" " * (17 << 20), "reading request body: longer than 16777216 bytes\n"),
}


@pytest.mark.parametrize("case", UNREADABLE, ids=str)
async def test_unreadable_review_is_a_bad_request(site: Site, case: str) -> None:
    make, words = UNREADABLE[case]
    with unharmed(site.admission, mib=GROWTH_MIB):
        async with site.webhook() as client:
            for path in ("/validate", "/events"):
                answer = await client.post(path, content=make())
                assert (answer.status_code, answer.text[: len(words)]) == (400, words)
                assert len(answer.text) < 1000
        assert await site.judged() == (False, True)


def spec(**containers: object) -> dict[str, object]:
    return {"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": {"spec": containers}}}


READABLE: Mapping[str, Callable[[], bytes]] = {
    "object that is a text": lambda: review("x", kind={"kind": "Deployment"}),
    "kind that is a list": lambda: review(spec(), kind=["Deployment"]),
    "everything of a wrong type": lambda: review(
        spec(containers={"a": 1}, volumes="x", hostNetwork=[]), uid=7, name={}, userInfo=[], operation=None
    ),
    "containers that are texts": lambda: review(spec(containers=["x", 1, None, []])),
    "many containers": lambda: review(
        spec(containers=[{"name": f"c{n}", "image": "a:1"} for n in range(20_000)])
    ),
    "image of a megabyte": lambda: review(spec(containers=[{"name": "c", "image": "a/" * 500_000}])),
    "numbers without end": lambda: review(spec(containers=[{"ports": [{"containerPort": 10**300}]}])),
    "labels without end": lambda: review(
        {**spec(containers=[]), "metadata": {"labels": {f"k{n}": "v" * 60 for n in range(50_000)}}}
    ),
    "unknown kind": lambda: review({"kind": "\u202eKind"}),
}


@pytest.mark.parametrize("case", READABLE, ids=str)
async def test_review_of_nonsense_is_decided(site: Site, case: str) -> None:
    with unharmed(site.admission, mib=GROWTH_MIB):
        async with site.webhook() as client:
            for path in ("/validate", "/events"):
                answer = await client.post(path, content=READABLE[case]())
                assert answer.status_code in {200, 500}, answer.text
                assert len(answer.text) < 1000
                if answer.status_code == 200:
                    assert isinstance(answer.json()["response"]["allowed"], bool)
        assert await site.judged() == (False, True)


@pytest.mark.parametrize("which", ["sensor", "admission"])
@pytest.mark.parametrize(
    "said", [None, b"", b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n{"]
)
async def test_held_connections_do_not_keep_others_out(site: Site, which: str, said: bytes | None) -> None:
    running, port = getattr(site, which), getattr(site, f"{which}_port")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with unharmed(running, mib=GROWTH_MIB), ExitStack() as stack:
        for _ in range(100):
            raw = socket.create_connection(("127.0.0.1", port), timeout=60)
            if said is None:
                stack.enter_context(raw)
                continue
            wrapped = await asyncio.to_thread(context.wrap_socket, raw)
            stack.enter_context(wrapped)
            wrapped.sendall(said)
        assert await site.judged() == (False, True)
        assert await site.watched()


# A hostile Collector.


def signal(container: str = CONTAINER[:12], name: str = "cat", args: str = "x") -> SignalStreamMessage:
    message = SignalStreamMessage()
    told = message.signal.process_signal
    told.container_id, told.name, told.args, told.exec_file_path = container, name, args, f"/bin/{name}"
    return message


def indicators(central: CentralLinkServer) -> set[str]:
    return {event.process_indicator.signal.name for event in central.events("process_indicator")}


@asynccontextmanager
async def pushing(site: Site) -> AsyncIterator[Any]:
    """Collector's open stream."""
    tls = ClientTls(authorities=[site.pki.ca_file], certificate=site.pki.files(COLLECTOR))
    async with secure_channel(Target(f"127.0.0.1:{site.sensor_port}", SENSOR.hostname), tls=tls) as channel:
        stub: Any = SignalServiceStub(channel)
        stream = stub.PushSignals()
        await stream.initial_metadata()
        try:
            yield stream
        finally:
            stream.cancel()


async def test_nonsense_of_a_collector_is_dropped(site: Site) -> None:
    messages = [SignalStreamMessage()]
    messages += [signal(container) for container in ("", "x", "\0", "\u202e" * 5000, "'; --", "g" * 64)]
    messages += [signal(args=args) for args in ("\0", "\U0001f600" * 1000, "a " * 100_000)]
    odd = signal()
    process_ = odd.signal.process_signal
    process_.pid, process_.uid, process_.time.seconds = 2**32 - 1, 2**32 - 1, -(2**62)
    for _ in range(10_000):
        process_.lineage_info.add(parent_exec_file_path="/p" * 100)
    with unharmed(site.sensor, mib=GROWTH_MIB):
        async with pushing(site) as stream:
            for message in [*messages, odd]:
                await stream.write(message)
        assert await site.watched()
    told = [event.process_indicator for event in site.central.events("process_indicator")]
    assert all(len(one.signal.args) <= 1 << 14 and len(one.signal.lineage_info) <= 16 for one in told)


async def test_flood_of_a_collector_costs_a_bounded_memory(site: Site) -> None:
    """800 MiB of arguments and names, of containers that nobody knows and of one that is known."""
    huge = "y" * (1 << 20)
    with unharmed(site.sensor, mib=GROWTH_MIB) as vitals:
        async with pushing(site) as stream:
            for number in range(400):
                await stream.write(signal(f"{number:012x}", args=huge))
                await stream.write(signal(name=f"n{number}{huge}", args=""))
        assert await site.watched()
        assert vitals.grown_mib <= GROWTH_MIB


async def test_garbage_on_the_stream_is_invalid(site: Site) -> None:
    tls = ClientTls(authorities=[site.pki.ca_file], certificate=site.pki.files(COLLECTOR))
    target = Target(f"127.0.0.1:{site.sensor_port}", SENSOR.hostname)
    with unharmed(site.sensor, mib=GROWTH_MIB):
        for path, body, code in (
            ("/sensor.SignalService/PushSignals", b"\xff" * 1000, CODE.INVALID_ARGUMENT),
            ("/sensor.SignalService/PushSignals", b"\x00" * (25 << 20), CODE.RESOURCE_EXHAUSTED),
            ("/sensor.SignalService/NoSuch", b"", CODE.UNIMPLEMENTED),
            ("/no.Such/Service", b"", CODE.UNIMPLEMENTED),
        ):
            async with secure_channel(target, tls=tls) as channel:
                assert await ended(channel, path, body) == code, path
        assert await site.watched()
