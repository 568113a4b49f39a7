"""The `Call`: all that a servicer learns about one request besides the message.

Three adapters produce it (gRPC, REST, gRPC-Web); a servicer cannot tell which, and
must not try. A servicer's methods have one of these forms::

    async def GetAlert(self, request: ResourceByID, call: Call) -> Alert
    def ExportPods(self, request: ExportPodRequest, call: Call) -> AsyncIterator[ExportPodResponse]
    def Communicate(self, requests: AsyncIterator[M], call: Call) -> AsyncIterator[N]

Errors are raised from `pyrox.errors`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pyrox.errors import NotAuthorized
from pyrox.rpc.scope import Access, Grants, NoGrants, Scope


@dataclass(frozen=True, slots=True)
class ServiceIdentity:
    """Who a service certificate says its holder is."""

    type: str
    """The name in `storage.ServiceType`, such as `SENSOR_SERVICE`."""
    id: str
    """Cluster id for secured-cluster services, a fixed name for central ones."""
    init_bundle: str = ""
    """Id of the init bundle or CRS that the certificate came from, else empty."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes the call. `ANONYMOUS` when nobody said."""

    uid: str = ""
    name: str = ""
    friendly_name: str = ""
    grants: Grants = field(default_factory=NoGrants)
    service: ServiceIdentity | None = None
    auth_provider: str = ""
    """Id of the auth provider; for API tokens the token's id stands in `uid`."""
    expires: float | None = None
    """Unix seconds after which the credentials end, or None."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def anonymous(self) -> bool:
        """Whether no credentials were given."""
        return not self.uid


ANONYMOUS = Identity()

SendHeaders = Callable[[Mapping[str, str]], Awaitable[None]]


async def _no_headers(_: Mapping[str, str]) -> None:
    """For transports and tests without response headers."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way to a servicer."""

    method: str
    """Full gRPC path, `/v1.AlertService/ListAlerts`."""
    identity: Identity = ANONYMOUS
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Request headers, keys in lower case; of a repeated key the last value."""
    deadline: float | None = None
    """Monotonic seconds at which the caller stops waiting, or None."""
    peer: str = ""
    send_headers: SendHeaders = _no_headers
    """Sends response headers before the first message of a stream."""

    def scope(self, resource: str, access: Access = Access.READ_ACCESS) -> Scope:
        """Where the caller may touch the resource; stores need it for every query."""
        return self.identity.grants.scope(resource, access)

    def require(self, resource: str, access: Access, cluster_id: str = "", namespace: str = "") -> None:
        """Raise `NotAuthorized` unless the caller may touch an object there."""
        if not self.scope(resource, access).allows(cluster_id, namespace):
            raise NotAuthorized.of(f'"{access.name}" for "{resource}"')
