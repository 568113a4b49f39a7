"""One policy changes while a Sensor knows 5,000 deployments: `python -m tests.bench.policy_change`.

Called by `make bench`. Real Central on PostgreSQL and a real Sensor on a simulated API
server. A policy that one deployment in ten violates is edited by the API so that others
violate it; measured are the time until exactly the right alerts are active, and how long
requests to the API take meanwhile, beside what they take at rest. Another edit is timed
until a real Admission refuses by it, which hears of it from Sensor.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvloop

from pyrox import log
from pyrox.k8s import kinds
from pyrox.mtls.identity import Subject
from tests.bench.admission import Connection, admission, until_ready
from tests.support import pg
from tests.support.central import RunningCentral, running_central
from tests.support.fake_k8s import FakeKubernetes
from tests.support.pg import free_port
from tests.support.process import Process
from tests.support.sensor import workload

DEPLOYMENTS = int(os.environ.get("PYROX_BENCH_DEPLOYMENTS", "5000"))
LIMIT_SECONDS, LIMIT_RATIO, LIMIT_REACH = 20.0, 2.0, 2.0
_REST_SECONDS = 8.0
_PATIENCE = 300.0
_PATHS = (
    "/v1/alertscount",
    "/v1/policies",
    "/v1/deployments?pagination.limit=50",
    "/v1/alerts?pagination.limit=50",
)
_PAUSE = 0.02
_NAME, _REVIEWED = "Bench: container of that name", "reviewed"
_SAFE: dict[str, Any] = {
    "securityContext": {"privileged": False, "allowPrivilegeEscalation": False},
    "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}},
}


def policy(digit: int) -> dict[str, Any]:
    """The policy that a container violates whose name ends with the digit."""
    groups = [{"fieldName": "Container Name", "values": [{"value": f"main-.*{digit}"}]}]
    return {
        "name": _NAME,
        "severity": "LOW_SEVERITY",
        "categories": ["Kubernetes"],
        "lifecycleStages": ["DEPLOY"],
        "policyVersion": "1.1",
        "policySections": [{"policyGroups": groups}],
    }


def enforced(digit: int) -> dict[str, Any]:
    """The same for another namespace, where Admission refuses and nothing runs."""
    return {
        **policy(digit),
        "name": f"{_NAME}, refused",
        "scope": [{"namespace": _REVIEWED}],
        "enforcementActions": ["SCALE_TO_ZERO_ENFORCEMENT"],
    }


def review(digit: int) -> bytes:
    """The review of a Deployment that violates the enforced policy of that digit."""
    made = workload("asked", image="registry.example/app:1")
    made["apiVersion"], made["metadata"]["namespace"] = "apps/v1", _REVIEWED
    made["spec"]["template"]["spec"]["containers"][0]["name"] = f"main-{digit}"
    request = {
        "uid": "u",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "name": "asked",
        "namespace": _REVIEWED,
        "operation": "CREATE",
        "userInfo": {"username": "bob"},
        "object": made,
    }
    document = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return json.dumps(document).encode()


def violating(digit: int) -> set[str]:
    """The deployments that violate it."""
    return {f"app-{number}" for number in range(DEPLOYMENTS) if number % 10 == digit}


class Api:
    """Central's API as a user calls it."""

    def __init__(self, central: RunningCentral) -> None:
        self._central = central

    def get(self, path: str) -> Any:
        """The answer."""
        with self._central.client() as client:
            return client.get(path).raise_for_status().json()

    def alerted(self) -> set[str]:
        """The deployments with an active alert of the policy."""
        found: set[str] = set()
        while True:
            path = f"/v1/alerts?query=Policy:{_NAME}&pagination.limit=1000&pagination.offset={len(found)}"
            page = self.get(path)["alerts"]
            found |= {alert["deployment"]["name"] for alert in page}
            if len(page) < 1000:
                return found

    def create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Create the policy."""
        with self._central.client() as client:
            answer: dict[str, Any] = client.post("/v1/policies", json=wanted).raise_for_status().json()
        return answer

    def edit(self, policy_id: str, wanted: dict[str, Any]) -> None:
        """Replace the policy."""
        with self._central.client() as client:
            client.put(f"/v1/policies/{policy_id}", json={"id": policy_id, **wanted}).raise_for_status()


class Prober:
    """A user who asks one thing after the other, and how long each takes."""

    def __init__(self, central: RunningCentral) -> None:
        self._central = central
        self._stop = threading.Event()
        self.spent: list[float] = []

    @contextmanager
    def asking(self) -> Iterator[Prober]:
        """Ask while the block runs."""
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(timeout=60)

    def _ask(self) -> None:
        with self._central.client() as client:
            while not self._stop.is_set():
                for path in _PATHS:
                    begin = time.perf_counter()
                    client.get(path).raise_for_status()
                    self.spent.append(time.perf_counter() - begin)
                    time.sleep(_PAUSE)

    @property
    def p95_ms(self) -> float:
        """Milliseconds that one request in twenty takes longer than."""
        return statistics.quantiles(self.spent, n=20)[-1] * 1000


async def eventually(holds: Callable[[], object], what: str) -> float:
    """Seconds until it holds."""
    begin = time.perf_counter()
    while not await asyncio.to_thread(holds):
        if time.perf_counter() - begin > _PATIENCE:
            raise SystemExit(f"not within {_PATIENCE:.0f} s: {what}")
        await asyncio.sleep(0.1)
    return time.perf_counter() - begin


def fill(kube: FakeKubernetes) -> None:
    """The cluster's objects."""
    kube.put(kinds.NAMESPACE, {"metadata": {"name": "shop", "uid": str(uuid.UUID(int=1))}})
    for number in range(DEPLOYMENTS):
        made = workload(
            f"app-{number}",
            uid=str(uuid.UUID(int=1000 + number)),
            image=f"registry.example/app-{number % 20}:1.{number % 20}",
            **_SAFE,
        )
        made["spec"]["template"]["spec"]["automountServiceAccountToken"] = False
        made["spec"]["template"]["spec"]["containers"][0]["name"] = f"main-{number}"
        kube.put(kinds.DEPLOYMENT, made)


def sensor(
    central: RunningCentral, kube: FakeKubernetes, directory: Path, cluster_id: str, port: int
) -> Process:
    """The process of Sensor."""
    files = central.pki.files(Subject("SENSOR_SERVICE", cluster_id))
    environment = {
        "ROX_CENTRAL_ENDPOINT": f"127.0.0.1:{central.port}",
        "ROX_MTLS_CERT_FILE": str(files.cert),
        "ROX_MTLS_KEY_FILE": str(files.key),
        "ROX_MTLS_CA_FILE": str(central.pki.ca_file),
        "KUBECONFIG": str(kube.kubeconfig(directory)),
        "ROX_METRICS_PORT": "127.0.0.1:0",
        "LOGLEVEL": "warn",
    }
    arguments = ["--listen", f"127.0.0.1:{port}", "--secrets", str(directory / "secrets")]
    return Process(
        "sensor", [*arguments, "--cache", str(directory / "cache")], environment, directory / "log"
    )


async def measure(central: RunningCentral, directory: Path) -> int:
    """Print the figures; 1 when one is beyond its limit."""
    api = Api(central)
    with central.client() as client:
        body = {"name": "bench", "type": "KUBERNETES_CLUSTER", "mainImage": "main"}
        cluster_id = client.post("/v1/clusters", json=body).raise_for_status().json()["cluster"]["id"]
    made, refusing = api.create(policy(1)), api.create(enforced(1))
    async with FakeKubernetes().running() as kube:
        fill(kube)
        ports = free_port(), free_port()
        process = sensor(central, kube, directory, cluster_id, ports[0])
        guard = admission(central.pki, directory, f"127.0.0.1:{ports[0]}", ports[1], cluster_id)
        process.start()
        try:
            first = await eventually(lambda: api.alerted() == violating(1), "the first alerts")
            sys.stdout.write(f"{DEPLOYMENTS:,} deployments known and judged after {first:.1f} s\n")
            assert process.process is not None
            guard.start()
            failed = await _edit(central, api, made["id"], process.process.pid)
            return await _reach(central, api, refusing["id"], ports[1], guard) or failed
        except (SystemExit, httpx.HTTPError):
            sys.stderr.write(process.log.read_text()[-2000:])
            raise
        finally:
            guard.stop()
            process.stop()


async def _reach(central: RunningCentral, api: Api, policy_id: str, port: int, guard: Process) -> int:
    """How long an edit takes to be in force at Admission."""
    context = ssl.create_default_context(cafile=str(central.pki.ca_file))
    context.check_hostname = False
    await until_ready(port, context, guard)
    connection = await Connection.open(port, context)
    await _until_refused(connection, 1)
    worst = 0.0
    for digit in (2, 3, 4):
        begin = time.perf_counter()
        await asyncio.to_thread(api.edit, policy_id, enforced(digit))
        await _until_refused(connection, digit)
        worst = max(worst, time.perf_counter() - begin)
    connection.close()
    sys.stdout.write(
        f"one policy changed, in force at Admission by way of Sensor: {worst:.2f} s, the longest of three, "
        f"limit {LIMIT_REACH:.0f} s, ratio {worst / LIMIT_REACH:.2f}\n"
    )
    return 1 if worst > LIMIT_REACH else 0


async def _until_refused(connection: Connection, digit: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not await connection.refused(review(digit)):  # noqa: ASYNC110 - asked as the API server asks
            await asyncio.sleep(_PAUSE)


def cpu_seconds(pid: int) -> float:
    """What the process has used of processors."""
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


async def _edit(central: RunningCentral, api: Api, policy_id: str, sensor_pid: int) -> int:
    # What follows the first alerts (risk, counts) is no part of the rest.
    await asyncio.sleep(_REST_SECONDS / 2)
    rest, busy = Prober(central), Prober(central)
    with rest.asking():
        await asyncio.sleep(_REST_SECONDS)
    pids = {"Sensor": sensor_pid, "Central": central.process.pid}
    with busy.asking():
        used = {name: cpu_seconds(pid) for name, pid in pids.items()}
        begin = time.perf_counter()
        await asyncio.to_thread(api.edit, policy_id, policy(2))
        await eventually(lambda: api.alerted() == violating(2), "the alerts of the edited policy")
        took = time.perf_counter() - begin
        spent = {name: cpu_seconds(pid) - used[name] for name, pid in pids.items()}
    ratio = busy.p95_ms / rest.p95_ms
    sys.stdout.write(
        f"one policy changed, {DEPLOYMENTS:,} deployments, {len(violating(1))} alerts end and "
        f"{len(violating(2))} begin: all right after {took:.1f} s, limit {LIMIT_SECONDS:.0f} s, "
        f"ratio {took / LIMIT_SECONDS:.2f}; CPU of Sensor {spent['Sensor']:.1f} s, of Central "
        f"{spent['Central']:.1f} s, its answers to who asks meanwhile included\n"
        f"API p95 meanwhile {busy.p95_ms:.1f} ms, at rest {rest.p95_ms:.1f} ms, "
        f"limit {LIMIT_RATIO:.0f} times, ratio {ratio / LIMIT_RATIO:.2f}\n"
    )
    return 1 if took > LIMIT_SECONDS or ratio > LIMIT_RATIO else 0


def main() -> int:
    """Measure on a database and a Central of its own."""
    with tempfile.TemporaryDirectory() as name, pg.running_server() as server:
        directory = Path(name)
        with running_central(directory / "central", server.database()) as central:
            return uvloop.run(measure(central, directory))


if __name__ == "__main__":
    log.setup(process="bench", level="error")
    sys.exit(main())
