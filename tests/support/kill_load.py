"""A bounded load on a local installation, which notes what was acknowledged to it.

Workloads change through the API server and so through the webhook, process signals
stream to Sensor, images are scanned, and Central is read and written over REST. Errors
are expected while processes die; they are counted and nothing is assumed of them.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx

from pyrox.errors import RoxError
from pyrox.mtls.reload import CertFiles, ClientTls
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.internalapi.sensor.signal_iservice_pb2_grpc import SignalServiceStub
from pyrox.rpc.client import Target, secure_channel
from tests.support.end_state import FORM, Acknowledged, indicators
from tests.support.installation import Clients, Json

SPACE = "shop"
_COLLECTION = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
# Admission refuses privileged workloads only here.
_GUARDED = "/apis/apps/v1/namespaces/default/deployments"
_LIVING = 12
_LIVING_POLICIES = 25
_DRAIN_SECONDS = 20
_IMAGES = ("shop/catalog:1.9.0", "shop/cart:latest", "edge/nginx:1.21", "data/redis:6.2")
_READS = (
    "/v1/alertscount",
    "/v1/alerts?pagination.limit=50",
    "/v1/deployments?query=Namespace:shop",
    "/v1/images?pagination.limit=20",
    "/v1/policies",
    "/v1/clusters",
)
_NOT_ANSWERED = (httpx.HTTPError, grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError)
Form = dict[str, Any]
FORMS: dict[str, Form] = {
    "plain": {"image": "shop/catalog:1.9.0"},
    "latest": {"image": "shop/cart:latest"},
    "mighty": {"image": "edge/nginx:1.21", "securityContext": {"privileged": True}},
}
"""Each has a twin from before the first kill."""


def workload(name: str, form: str, registry: str) -> Json:
    """A Deployment of a form."""
    container = {"name": "main", **FORMS[form]}
    container["image"] = f"{registry}/{container['image']}"
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {FORM: form}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


class Load:
    """The load of one test."""

    def __init__(self, clients: Clients, acknowledged: Acknowledged, chance: random.Random) -> None:
        self.clients = clients
        self.acknowledged = acknowledged
        self.done: Counter[str] = Counter()
        self.sent: defaultdict[str, list[str]] = defaultdict(list)
        """Ids of signals that the transport took, in their order, by container."""
        self._chance = chance
        # Another load of the same site must not repeat names.
        self._numbers = itertools.count(chance.randrange(10**9))
        self._living: list[str] = []
        self._policies: deque[tuple[str, str]] = deque()
        """Id and name of those that were made and not unmade."""
        self._ended = False
        self._registry = f"{clients.site.network}.5:5000"

    async def prepare(self) -> None:
        """Make the twins, whose alerts say what each form has."""
        for form in FORMS:
            body = workload(f"twin-{form}", form, self._registry)
            (await self.clients.cluster.post(_COLLECTION, json=body)).raise_for_status()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load while the block runs."""
        work = (
            self._change,
            self._refuse,
            self._scan,
            self._read,
            self._write_policy,
            self._write_token,
            self._resolve,
        )
        tasks = [asyncio.create_task(self._often(one)) for one in (*work, self.note_indicators)]
        stream = asyncio.create_task(self._often(self._stream))
        try:
            yield
            for task in (*tasks, stream):
                assert not task.done(), task.exception()
            # What the transport has taken is read to its end.
            self._ended = True
            await asyncio.wait({stream}, timeout=_DRAIN_SECONDS)
        finally:
            for task in (*tasks, stream):
                task.cancel()
            await asyncio.gather(*tasks, stream, return_exceptions=True)

    async def _often(self, work: Callable[[], Awaitable[None]]) -> None:
        while not self._ended:
            try:
                await work()
            except _NOT_ANSWERED:
                self.done[f"{work.__name__.strip('_')}: no answer"] += 1
            except RoxError:
                self.done[f"{work.__name__.strip('_')}: error"] += 1
            await asyncio.sleep(self._chance.uniform(0.05, 0.4))

    def _note(self, what: str, answer: httpx.Response) -> bool:
        self.done[f"{what}: {answer.status_code}"] += 1
        return answer.is_success

    async def _change(self) -> None:
        """Create, change or delete a workload."""
        cluster, form = self.clients.cluster, self._chance.choice(list(FORMS))
        if len(self._living) < _LIVING:
            name = f"churn-{next(self._numbers)}"
            self._living.append(name)
            self._note("create", await cluster.post(_COLLECTION, json=workload(name, form, self._registry)))
            return
        name = self._chance.choice(self._living)
        if self._chance.random() < 0.5:
            body = workload(name, form, self._registry)
            answer = await cluster.put(f"{_COLLECTION}/{name}", json=body)
            self._note("change", answer)
        else:
            answer = await cluster.delete(f"{_COLLECTION}/{name}")
            if self._note("delete", answer):
                self._living.remove(name)
        # The simulated cluster writes what it knows once a second, and forgets the last one.
        if answer.status_code == httpx.codes.NOT_FOUND:
            self._living.remove(name)

    async def _refuse(self) -> None:
        """Apply what Admission refuses, which is let through while it is away."""
        name = f"refused-{next(self._numbers)}"
        answer = await self.clients.cluster.post(_GUARDED, json=workload(name, "mighty", self._registry))
        self._note("privileged in default", answer)

    async def remaining(self) -> list[str]:
        """Delete what Admission would have refused; what is left of it."""
        found = [one["metadata"]["name"] for one in await self.clients.listed(_GUARDED)]
        found = [name for name in found if name.startswith("refused-")]
        for name in found:
            await self.clients.cluster.delete(f"{_GUARDED}/{name}")
        return found

    async def _scan(self) -> None:
        body = {"imageName": f"{self._registry}/{self._chance.choice(_IMAGES)}", "force": True}
        self._note("scan", await self.clients.central.post("/v1/images/scan", json=body, timeout=30))

    async def _read(self) -> None:
        self._note("read", await self.clients.central.get(self._chance.choice(_READS)))

    async def _write_policy(self) -> None:
        """Make a policy, and unmake the oldest of many; each makes Sensor judge everything anew."""
        central, known = self.clients.central, self.acknowledged
        name = f"Kill nine {next(self._numbers)}"
        made = await central.post("/v1/policies", json=_policy(name))
        if self._note("policy", made):
            known.policies.add(name)
            self._policies.append((made.json()["id"], name))
        if len(self._policies) > _LIVING_POLICIES:
            key, name = self._policies.popleft()
            # Without an answer it may be there or not.
            known.policies.remove(name)
            if self._note("policy deleted", await central.delete(f"/v1/policies/{key}")):
                known.policies_gone.add(name)

    async def _write_token(self) -> None:
        """Make a token, and now and then revoke it."""
        await asyncio.sleep(1)
        central, known, number = self.clients.central, self.acknowledged, next(self._numbers)
        body = {"name": f"Kill nine {number}", "roles": ["Analyst"]}
        token = await central.post("/v1/apitokens/generate", json=body)
        if self._note("token", token):
            key = token.json()["metadata"]["id"]
            known.tokens[key] = token.json()["token"]
            if number % 3 == 0 and self._note(
                "token revoked", await central.patch(f"/v1/apitokens/revoke/{key}", json={})
            ):
                known.tokens_revoked.add(key)

    async def _resolve(self) -> None:
        """Resolve an alert of runtime."""
        await asyncio.sleep(2)
        query = "query=Violation State:ACTIVE%2BLifecycle Stage:RUNTIME&pagination.limit=50"
        found = (await self.clients.get(f"/v1/alerts?{query}"))["alerts"]
        if found:
            key = self._chance.choice(found)["id"]
            if self._note("resolve", await self.clients.central.patch(f"/v1/alerts/{key}/resolve", json={})):
                self.acknowledged.resolved.add(key)

    async def note_indicators(self) -> None:
        """Remember the process indicators that Central shows."""
        self.acknowledged.indicators |= {one["id"] for one in await indicators(self.clients)}

    async def _stream(self) -> None:
        """Send process signals of the twins' containers until the stream ends."""
        containers = await self.containers()
        async with self.signals() as call:
            self.done["signal streams"] += 1
            while not call.done() and not self._ended:
                await self._send(call, self._chance.choice(containers))
                await asyncio.sleep(0.05)
            await call.done_writing()
            async for _ in call:
                pass

    async def burst(self, number: int) -> set[str]:
        """Send that many signals at once, which Sensor has read then; their ids."""
        containers = await self.containers()
        async with self.signals() as call:
            sent = {await self._send(call, self._chance.choice(containers)) for _ in range(number)}
            await call.done_writing()
            async for _ in call:
                pass
        return sent

    @asynccontextmanager
    async def signals(self) -> AsyncIterator[Any]:
        """An open stream to Sensor, with Collector's certificate."""
        certs = self.clients.site.places.secrets / "collector" / "certs"
        tls = ClientTls(authorities=[certs / "ca.pem"], certificate=CertFiles.in_directory(certs))
        target = Target(f"{self.clients.site.network}.6:8443", "sensor.stackrox")
        async with secure_channel(target, tls=tls) as channel:
            stub: Any = SignalServiceStub(channel)
            call = stub.PushSignals()
            try:
                yield call
            finally:
                call.cancel()

    async def containers(self) -> list[str]:
        """Short ids of the twins' containers."""
        return [
            status["containerID"].rpartition("/")[2][:12]
            for pod in await self.clients.listed(f"/api/v1/namespaces/{SPACE}/pods")
            if pod["metadata"]["name"].startswith("twin-")
            for status in pod["status"].get("containerStatuses", [])
        ]

    async def _send(self, call: Any, container: str) -> str:
        """One signal of a program that never ran before."""
        number = next(self._numbers)
        message = SignalStreamMessage()
        signal = message.signal.process_signal
        signal.id = str(uuid.uuid4())
        signal.container_id, signal.pid = container, number
        signal.name, signal.exec_file_path = f"probe-{number}", f"/opt/kill-nine/probe-{number}"
        signal.time.GetCurrentTime()
        await call.write(message)
        self.sent[container].append(signal.id)
        return str(signal.id)


def _policy(name: str) -> Json:
    """A policy that concerns no workload, so that it changes no alerts."""
    return {
        "name": name,
        "severity": "LOW_SEVERITY",
        "categories": ["Privileges"],
        "lifecycleStages": ["DEPLOY"],
        "policyVersion": "1.1",
        "scope": [{"namespace": "nowhere-at-all"}],
        "policySections": [
            {"policyGroups": [{"fieldName": "Privileged Container", "values": [{"value": "true"}]}]}
        ],
    }
