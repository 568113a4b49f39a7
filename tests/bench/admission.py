"""Admission under load: `python -m tests.bench.admission`.

Called by `make bench`. The real process behind a real Sensor, with every enabled deploy-time
default enforced and the images of all reviews warm. Every body is different; the client
speaks HTTP over TLS on keep-alive connections. Open loop: reviews are due at fixed moments,
and their time counts from then on, however late they are sent.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import orjson
import uvloop

from pyrox import log
from pyrox.k8s import kinds
from pyrox.mtls.identity import Subject
from pyrox.pb.api.v1.image_service_pb2 import ScanImageInternalRequest
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import defaults
from services.local.processes import memory
from tests.bench.workloads import Workloads
from tests.support.central_link import CentralLinkServer
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pg import free_port
from tests.support.pki import CLUSTER_ID, Pki
from tests.support.process import Process
from tests.support.sensor import running_sensor

RATE, CONNECTIONS = 300, 100
SECONDS = float(os.environ.get("PYROX_BENCH_ADMISSION_SECONDS", "10"))
CLOSED_SECONDS = 3.0
LIMIT_MS = 50.0
IMAGES, COMPONENTS, VULNS = 40, 75, 150
# One review in so many is refused.
_REFUSED = 10
_MEBI = 1024 * 1024


def enforced() -> list[Policy]:
    """The enabled deploy-time defaults, each with enforcement."""
    wanted = [
        one for one in defaults.load() if not one.disabled and policy_pb2.DEPLOY in one.lifecycle_stages
    ]
    for policy in wanted:
        policy.enforcement_actions.append(policy_pb2.SCALE_TO_ZERO_ENFORCEMENT)
    return wanted


def images() -> dict[str, Image]:
    """Large images that violate no policy, by name."""
    made = {}
    for number in range(IMAGES):
        image = Workloads(number).image(number, COMPONENTS, VULNS)
        image.name.registry, image.name.remote, image.name.tag = "quay.io", f"acme/app-{number}", "1.2"
        image.name.full_name = f"quay.io/acme/app-{number}:1.2"
        image.metadata.v1.user = "1001"
        image.scan.scan_time.GetCurrentTime()
        image.metadata.v1.created.GetCurrentTime()
        image.metadata.v1.layers[-1].value = "/bin/sh -c true"
        for component in image.scan.components:
            component.name = f"lib-{component.name}"
            for vuln in component.vulns:
                vuln.fixed_by, vuln.cve = "", f"CVE-2024-{vuln.cve[-4:]}"
        made[image.name.full_name] = image
    return made


def body(number: int, *, refused: bool) -> bytes:
    """The review of a Deployment that is like no other."""
    security = {"privileged": refused, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
    containers = [
        {
            "name": f"main-{half}",
            "image": f"quay.io/acme/app-{(2 * number + half) % IMAGES}:1.2",
            "securityContext": security,
            "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "256Mi"}},
            "env": [{"name": f"SETTING_{at}", "value": str(number + at)} for at in range(8)],
        }
        for half in range(2)
    ]
    labels = {"app": f"app-{number}"}
    pod = {"containers": containers, "serviceAccountName": "app", "automountServiceAccountToken": False}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"app-{number}", "namespace": "shop", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    request = {
        "uid": f"u{number}",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "name": f"app-{number}",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "bob"},
        "object": deployment,
    }
    return orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})


@asynccontextmanager
async def running_admission() -> AsyncIterator[tuple[Process, int, ssl.SSLContext]]:
    """The process with settings and policies, its port, and what a client trusts."""
    known = images()

    def scan(request: ScanImageInternalRequest) -> Image:
        return known[request.image.name.full_name]

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        pki = Pki(directory / "pki")
        central = CentralLinkServer(pki, enforced())
        central.scan, first = scan, central.first_messages
        central.first_messages = lambda: _scanning(first())
        async with FakeKubernetes().running() as kube:
            kube.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": "ns-shop"}})
            async with central.running(), running_sensor(kube, central, pki, directory) as sensor:
                await central.synced()
                port = free_port()
                address = f"127.0.0.1:{sensor.front.addresses[0][1]}"
                process = admission(pki, directory, address, port, CLUSTER_ID)
                process.start()
                try:
                    context = ssl.create_default_context(cafile=str(pki.ca_file))
                    context.check_hostname = False
                    await until_ready(port, context, process)
                    yield process, port, context
                finally:
                    process.stop()


def _scanning(messages: list[MsgToSensor]) -> list[MsgToSensor]:
    for message in messages:
        if message.HasField("cluster_config"):
            config = message.cluster_config.config.admission_controller_config
            config.scan_inline, config.timeout_seconds = True, 10
    return messages


def admission(pki: Pki, directory: Path, sensor: str, port: int, cluster_id: str) -> Process:
    """The process, to be started."""
    files = pki.files(Subject("ADMISSION_CONTROL_SERVICE", cluster_id))
    (files.cert.parent / "ca.pem").write_bytes(pki.ca_file.read_bytes())
    arguments = ["--listen", f"127.0.0.1:{port}", "--certs", str(files.cert.parent), "--drain", "10ms"]
    arguments += ["--state", str(directory / "state"), "--mounted", str(directory / "mounted")]
    environment = {"ROX_SENSOR_ENDPOINT": sensor, "ROX_METRICS_PORT": "127.0.0.1:0", "LOGLEVEL": "warn"}
    return Process("admission", arguments, environment, directory / "admission.log")


async def until_ready(port: int, context: ssl.SSLContext, process: Process) -> None:
    """Return when the process has settings to decide by."""
    for _ in range(600):
        if not process.alive():
            raise SystemExit(f"admission ended: {process.log.read_text()[-2000:]}")
        try:
            connection = await Connection.open(port, context)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        status, _answer = await connection.ask(b"GET /ready HTTP/1.1\r\nHost: admission\r\n\r\n")
        connection.close()
        if status == 200:
            return
        await asyncio.sleep(0.1)
    raise SystemExit("admission never became ready")


@dataclass(frozen=True, slots=True)
class Connection:
    """One keep-alive connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int, context: ssl.SSLContext) -> Connection:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; status and body of the answer."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return int(head[9:12]), await self.reader.readexactly(int(length))

    async def review(self, number: int) -> None:
        """Ask for a review and look at the answer."""
        refused = number % _REFUSED == 0
        assert await self.refused(body(number, refused=refused)) is refused

    async def refused(self, content: bytes) -> bool:
        """What the review of a body ends with."""
        head = (
            b"POST /validate?timeout=10s HTTP/1.1\r\nHost: admission\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
        )
        status, answer = await self.ask(head + content)
        assert status == 200, answer
        return b'"allowed":true' not in answer

    def close(self) -> None:
        """Close it."""
        self.writer.close()


@asynccontextmanager
async def connections(many: int, port: int, context: ssl.SSLContext) -> AsyncIterator[list[Connection]]:
    """So many open connections."""
    opened = [await Connection.open(port, context) for _ in range(many)]
    try:
        yield opened
    finally:
        for one in opened:
            one.close()


async def open_loop(opened: list[Connection], numbers: Iterator[int], seconds: float) -> list[float]:
    """Seconds from the moment that each review was due to its answer."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for one in opened:
        free.put_nowait(one)
    spent: list[float] = []

    async def review(due: float) -> None:
        connection = await free.get()
        await connection.review(next(numbers))
        spent.append(time.perf_counter() - due)
        free.put_nowait(connection)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for at in range(int(seconds * RATE)):
            due = begin + at / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(review(due))
    return sorted(spent)


async def closed_loop(opened: list[Connection], numbers: Iterator[int], seconds: float) -> list[float]:
    """Seconds of each review, with one under way on each connection all the time."""
    spent: list[float] = []
    end = time.perf_counter() + seconds

    async def drive(connection: Connection) -> None:
        while (begin := time.perf_counter()) < end:
            await connection.review(next(numbers))
            spent.append(time.perf_counter() - begin)

    await asyncio.gather(*map(drive, opened))
    return sorted(spent)


def _percentile(spent: list[float], part: float) -> float:
    return spent[min(int(len(spent) * part), len(spent) - 1)] * 1000


async def run() -> int:
    """Print the figures; 1 when the open loop is beyond its limit."""
    numbers = count(1)
    async with running_admission() as (process, port, context):
        assert process.process is not None
        async with connections(1, port, context) as (one,):
            for _ in range(2 * IMAGES):
                await one.review(next(numbers))
        before = memory(process.process.pid) / _MEBI
        async with connections(CONNECTIONS, port, context) as opened:
            spent = await open_loop(opened, numbers, SECONDS)
        p99 = _percentile(spent, 0.99)
        sys.stdout.write(
            f"admission, {len(enforced())} policies enforced, images warm, bodies all different, "
            f"{CONNECTIONS} connections, open loop at {RATE}/s for {SECONDS:.0f} s: "
            f"p50 {_percentile(spent, 0.5):.1f} ms, p99 {p99:.1f} ms, limit {LIMIT_MS:.0f} ms, "
            f"ratio {p99 / LIMIT_MS:.2f}\n"
        )
        for many in (1, 8, CONNECTIONS):
            async with connections(many, port, context) as opened:
                spent = await closed_loop(opened, numbers, CLOSED_SECONDS)
            sys.stdout.write(
                f"admission, closed loop of {many}: {len(spent) / CLOSED_SECONDS:,.0f} reviews/s, "
                f"p50 {_percentile(spent, 0.5):.1f} ms, p99 {_percentile(spent, 0.99):.1f} ms\n"
            )
        after = memory(process.process.pid) / _MEBI
        sys.stdout.write(f"admission, memory: {before:.0f} MiB before, {after:.0f} MiB after\n")
    return 0 if p99 <= LIMIT_MS else 1


if __name__ == "__main__":
    log.setup(process="bench", level="error")
    sys.exit(uvloop.run(run()))
