"""Central's side of the link to Sensor, speaking the recorded order over real TLS and gRPC.

It keeps what Sensor sent, answers image scans, and remembers hashes as Central does, so
that a second connection of the same Sensor is greeted with its dedupe state.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.serialization import Encoding

from pyrox.clock import SystemClock
from pyrox.mtls.ca import ServiceTrust, load_certificates, load_key
from pyrox.mtls.identity import CENTRAL
from pyrox.mtls.reload import ServerTls
from pyrox.mtls.servicecert import sign
from pyrox.pb.api.v1 import image_service_pb2
from pyrox.pb.api.v1.metadata_service_pb2 import TrustInfo
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.internalapi.central.sensor_events_pb2 import ResourceAction, SensorEvent
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import DeduperState, MsgFromSensor, MsgToSensor
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.rpc import methods
from pyrox.rpc.authn import ServiceAuthenticator
from pyrox.rpc.authz import UNSERVED, Services
from pyrox.rpc.call import Call
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.peers import Peers
from pyrox.rpc.server import RpcServer
from pyrox.service import Supervisor
from tests.support.pki import CLUSTER_ID, Pki
from tests.support.waiting import until

_SENSOR = Services.of("SENSOR_SERVICE")
_NEVER_REMEMBERED = {"node", "process_indicator", "synced"}


class CentralLinkServer:
    """The servicers, and the test's handle on them."""

    def __init__(self, pki: Pki, policies: Sequence[Policy] = ()) -> None:
        self.pki = pki
        self.policies = list(policies)
        self.capabilities = ["FlattenImageData", "InitContainerSupport", "SendDeduperStateOnReconnect"]
        self.connections: list[list[MsgFromSensor]] = []
        self.headers: list[dict[str, str]] = []
        self.http: list[str] = []
        self.scans: list[image_service_pb2.ScanImageInternalRequest] = []
        self.hashes: dict[str, int] = {}
        self.scan: Callable[[image_service_pb2.ScanImageInternalRequest], Image] = _unscanned
        self.may_scan = asyncio.Event()
        """Clear it to make scans take for ever."""
        self.may_scan.set()
        self.first_messages: Callable[[], list[MsgToSensor]] = self._in_order
        self.port = 0
        self._outgoing: asyncio.Queue[MsgToSensor | None] = asyncio.Queue()

    @property
    def received(self) -> list[MsgFromSensor]:
        """What the newest connection brought."""
        return self.connections[-1] if self.connections else []

    def events(self, arm: str) -> list[SensorEvent]:
        """Events of one kind on the newest connection."""
        return [m.event for m in self.received if m.HasField("event") and m.event.HasField(arm)]

    def send(self, message: MsgToSensor) -> None:
        """Send on the open stream."""
        self._outgoing.put_nowait(message)

    def hang_up(self) -> None:
        """End the open stream."""
        self._outgoing.put_nowait(None)

    def push_policies(self, policies: Sequence[Policy]) -> None:
        """Send the full list."""
        self.policies = list(policies)
        self.send(self._policy_sync())

    async def synced(self, connection: int = 1) -> None:
        """Return when that many connections were made and the newest is synced."""
        await until(lambda: len(self.connections) >= connection and self.events("synced"))

    def _policy_sync(self) -> MsgToSensor:
        message = MsgToSensor()
        message.policy_sync.policies.extend(self.policies)
        message.policy_sync.SetInParent()
        return message

    def _in_order(self) -> list[MsgToSensor]:
        hello = CentralHello(
            cluster_id=CLUSTER_ID, central_id="c", capabilities=self.capabilities, send_deduper_state=True
        )
        config, baselines, network = MsgToSensor(), MsgToSensor(), MsgToSensor()
        config.cluster_config.config.admission_controller_config.enabled = True
        baselines.baseline_sync.SetInParent()
        network.network_baseline_sync.SetInParent()
        state = DeduperState(resource_hashes=self.hashes, current=1, total=1)
        return [
            MsgToSensor(hello=hello),
            config,
            self._policy_sync(),
            baselines,
            network,
            MsgToSensor(deduper_state=state),
        ]

    def remember(self, message: MsgFromSensor) -> None:
        """Keep the hash as Central's dedupe store does."""
        event = message.event
        arm = event.WhichOneof("resource") if message.HasField("event") else None
        if arm is None or arm in _NEVER_REMEMBERED or (arm == "alert_results" and event.alert_results.stage):
            return
        key = "".join(part.capitalize() for part in arm.split("_")) + f":{event.id}"
        if event.action == ResourceAction.REMOVE_RESOURCE:
            self.hashes.pop(key, None)
        else:
            self.hashes[key] = event.sensor_hash

    async def communicate(
        self, requests: AsyncIterator[MsgFromSensor], call: Call
    ) -> AsyncIterator[MsgToSensor]:
        """One stream."""
        self.headers.append(dict(call.metadata))
        self._outgoing = asyncio.Queue()
        await call.send_headers({"rox-sensor-hello": "true"})
        received: list[MsgFromSensor] = []
        self.connections.append(received)
        async for message in requests:
            received.append(message)
            break
        reader = asyncio.create_task(self._read(requests, received))
        try:
            for message in self.first_messages():
                yield message
            while (message := await self._outgoing.get()) is not None:
                yield message
        finally:
            reader.cancel()

    async def _read(self, requests: AsyncIterator[MsgFromSensor], received: list[MsgFromSensor]) -> None:
        async for message in requests:
            received.append(message)
            self.remember(message)

    async def http_app(self, scope: Any, receive: Any, send: Any) -> None:
        """The three routes that Sensor calls."""
        self.http.append(scope["path"])
        body: Any = {"status": "ok"}
        if scope["path"] == "/v1/grpc-preferences":
            body = {"maxGrpcReceiveSizeBytes": "25165824"}
        elif scope["path"] == "/v1/tls-challenge":
            body = self._challenge(parse_qs(scope["query_string"].decode())["challengeToken"][0])
        raw = json.dumps(body).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    def _challenge(self, nonce: str) -> dict[str, str]:
        files = self.pki.files(CENTRAL)
        leaf = load_certificates(files.cert.read_bytes())[0]
        ca = load_certificates(self.pki.ca.cert_pem)[0]
        info = TrustInfo(
            cert_chain=[leaf.public_bytes(Encoding.DER), ca.public_bytes(Encoding.DER)],
            sensor_challenge=nonce,
        ).SerializeToString()
        signature = sign(load_key(files.key.read_bytes()), info)
        return {
            "trustInfoSerialized": base64.b64encode(info).decode(),
            "signature": base64.b64encode(signature).decode(),
        }

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[CentralLinkServer]:
        """Serve on a port of loopback."""
        clock, peers = SystemClock(), Peers()
        table = methods.table((_SensorService(self), _ImageService(self)))
        trust = ServiceTrust(load_certificates(self.pki.ca.cert_pem), clock)
        rpc = RpcServer(
            methods=table, authenticator=ServiceAuthenticator(trust=trust), peers=peers, clock=clock
        )
        tls = ServerTls(certificates=[self.pki.files(CENTRAL)], client_authorities=[self.pki.ca_file])
        front = Front(
            endpoints=[Endpoint("127.0.0.1", port, tls)], app=self.http_app, peers=peers, clock=clock
        )
        async with Supervisor([rpc, front]).running():
            self.port = front.addresses[0][1]
            yield self
        await until(lambda: not front.connections)
        # A TLS transport closes its socket one turn of the loop after it is lost.
        await asyncio.sleep(0.01)


def _unscanned(request: image_service_pb2.ScanImageInternalRequest) -> Image:
    return Image(id=request.image.id, name=request.image.name, notes=[Image.MISSING_SCAN_DATA])


class _SensorService:
    SERVICE: ClassVar[str] = "central.SensorService"
    AUTHZ: ClassVar[dict[str, Any]] = {"Communicate": _SENSOR}

    def __init__(self, server: CentralLinkServer) -> None:
        self.Communicate = server.communicate


class _ImageService:
    SERVICE: ClassVar[str] = "v1.ImageService"
    AUTHZ: ClassVar[dict[str, Any]] = {
        method.name: _SENSOR if method.name.startswith("ScanImageInternal") else UNSERVED
        for method in image_service_pb2.DESCRIPTOR.services_by_name["ImageService"].methods
    }

    def __init__(self, server: CentralLinkServer) -> None:
        self._server = server

    async def ScanImageInternal(
        self, request: image_service_pb2.ScanImageInternalRequest, call: Call
    ) -> image_service_pb2.ScanImageInternalResponse:
        """Answer as the test says."""
        self._server.scans.append(request)
        await self._server.may_scan.wait()
        image = self._server.scan(request)
        return image_service_pb2.ScanImageInternalResponse(image=image)

    ScanImageInternalForAdmission = ScanImageInternal
