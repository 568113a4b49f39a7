"""The component that renews the certificates of this cluster's services.

While Central is there it looks at the seven secrets; when they are due it asks Central
for a new set and stores that. Pods take it over from their mounts. Only for clusters
that Helm or the operator manages, as others get their secrets by hand.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError, Unavailable
from pyrox.pb.internalapi.central.hello_pb2 import CentralHello
from pyrox.pb.internalapi.central.secured_cluster_cert_refresh_pb2 import (
    IssueSecuredClusterCertsRequest,
    IssueSecuredClusterCertsResponse,
)
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgFromSensor, MsgToSensor
from services.sensor.certificates.bundle import of_message
from services.sensor.certificates.schedule import Backoff, due
from services.sensor.certificates.store import CertificateStore
from services.sensor.link.outbox import Outbox

_LOG = log.get(__name__)
REISSUE = "SecuredClusterCertificatesReissue"
"""What Central must be able to do."""
_ANSWER_SECONDS = 300.0  # upstream's timeout of one request
_DAY = 86_400.0
# Of a Deployment that was just deleted: the garbage collector removes its secrets soon.
_FOREIGN_SECONDS = 60.0
# A Central that issues what is due at once again shall not be asked without a pause.
_AFTER_SECONDS = 600.0


class CertificateRefresh:
    """Looks, asks, stores, waits, while there is a connection."""

    name = "certificate-refresh"

    def __init__(
        self,
        *,
        store: CertificateStore,
        outbox: Outbox,
        surroundings: tuple[Clock, Callable[[], float]],
    ) -> None:
        """`surroundings` are the clock and a source of numbers from 0 to 1."""
        self._store = store
        self._outbox = outbox
        self._clock, self._random = surroundings
        self._backoff = Backoff(self._random)
        self._changed = asyncio.Event()
        self._active = False
        self._foreign = ""
        self._answer: asyncio.Future[IssueSecuredClusterCertsResponse] | None = None
        self._request_id = ""

    def on_online(self, hello: CentralHello) -> None:
        """Central is there: look at the certificates, if it can issue new ones."""
        self._active = REISSUE in hello.capabilities
        if not self._active:
            _LOG.info("Central does not renew this cluster's certificates")
        self._changed.set()

    def on_offline(self) -> None:
        """Central is gone; what was asked for is asked for again."""
        self._active = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unavailable("the connection to Central ended"))
        self._changed.set()

    def on_response(self, message: MsgToSensor) -> None:
        """Central's answer; one to an older request is left."""
        response = message.issue_secured_cluster_certs_response
        if self._answer is None or self._answer.done() or response.request_id != self._request_id:
            _LOG.warning("certificates that nobody waits for", request=response.request_id)
            return
        self._answer.set_result(response)

    async def run(self, ready: Callable[[], None]) -> None:
        """Work for ever."""
        ready()
        while True:
            self._changed.clear()
            pause = await self._look() if self._active else None
            await self._wait(pause)

    async def _wait(self, pause: float | None) -> None:
        """Until the connection changes, or so long."""
        if pause is None:
            await self._changed.wait()
            return
        sleeper = asyncio.ensure_future(self._clock.sleep(pause))
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeper, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            changed.cancel()

    async def _look(self) -> float:
        """Renew if it is time; seconds until the next look."""
        try:
            owner = await self._store.owner()
            stored = await self._store.read()
            plan = due(stored, owner["uid"] if owner else "", self._clock.now(), self._random)
            if plan.foreign:
                self._leave(plan.foreign)
                return _FOREIGN_SECONDS
            self._foreign = ""
            if plan.seconds:
                # A certificate that somebody replaces is seen at the latest a day later.
                return min(plan.seconds, _DAY)
            await self._store.write(of_message((await self._ask()).certificates), owner)
        except RoxError as err:
            pause = self._backoff.next()
            _LOG.warning("certificates not renewed, trying on", error=err.message, seconds=round(pause))
            return pause
        self._backoff.reset()
        _LOG.info("certificates renewed")
        return _AFTER_SECONDS

    def _leave(self, name: str) -> None:
        if name != self._foreign:
            _LOG.warning("certificates are not renewed: a secret belongs to others", name=name)
        self._foreign = name

    async def _ask(self) -> IssueSecuredClusterCertsResponse:
        """A new set from Central. Raises `Unavailable` when it refuses or does not answer."""
        self._request_id = str(uuid.uuid4())
        self._answer = asyncio.get_running_loop().create_future()
        request = IssueSecuredClusterCertsRequest(request_id=self._request_id)
        self._outbox.put(MsgFromSensor(issue_secured_cluster_certs_request=request))
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                response = await self._answer
        except TimeoutError as err:
            raise Unavailable(f"Central did not answer in {_ANSWER_SECONDS:.0f} s") from err
        finally:
            self._answer = None
        if response.WhichOneof("response") != "certificates":
            raise Unavailable(f"Central refused: {response.error.message or 'no reason given'}")
        return response
