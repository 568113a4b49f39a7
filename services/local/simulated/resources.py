"""Which resources the simulated API server serves, and how paths name them.

The table that discovery, routing and the store share. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from pyrox.k8s import kinds
from pyrox.k8s.kinds import Kind


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind with what discovery says of it."""

    kind: Kind
    namespaced: bool = True
    short: tuple[str, ...] = ()
    scalable: bool = False

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return self.kind.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version without its group."""
        return self.kind.api_version.rpartition("/")[2]


WEBHOOKS = Kind(
    "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"
)
RESOURCES = (
    Resource(kinds.NAMESPACE, namespaced=False, short=("ns",)),
    Resource(kinds.NODE, namespaced=False, short=("no",)),
    Resource(kinds.SECRET),
    Resource(kinds.CONFIG_MAP, short=("cm",)),
    Resource(kinds.SERVICE_ACCOUNT, short=("sa",)),
    Resource(kinds.SERVICE, short=("svc",)),
    Resource(kinds.POD, short=("po",)),
    Resource(kinds.EVENT, short=("ev",)),
    Resource(kinds.REPLICATION_CONTROLLER, short=("rc",), scalable=True),
    Resource(kinds.DEPLOYMENT, short=("deploy",), scalable=True),
    Resource(kinds.REPLICA_SET, short=("rs",), scalable=True),
    Resource(kinds.STATEFUL_SET, short=("sts",), scalable=True),
    Resource(kinds.DAEMON_SET, short=("ds",)),
    Resource(kinds.JOB),
    Resource(kinds.CRON_JOB, short=("cj",)),
    Resource(kinds.NETWORK_POLICY, short=("netpol",)),
    Resource(kinds.ROLE),
    Resource(kinds.ROLE_BINDING),
    Resource(kinds.CLUSTER_ROLE, namespaced=False),
    Resource(kinds.CLUSTER_ROLE_BINDING, namespaced=False),
    Resource(WEBHOOKS, namespaced=False),
)
BY_KIND = MappingProxyType({resource.kind: resource for resource in RESOURCES})
_BY_PLACE = {(resource.kind.api_version, resource.kind.plural): resource for resource in RESOURCES}
_BY_NAME = {(resource.kind.api_version, resource.kind.name): resource for resource in RESOURCES}


@dataclass(frozen=True, slots=True)
class Address:
    """What a path means."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def of_manifest(api_version: str, kind: str) -> Resource | None:
    """The resource of a manifest's head."""
    return _BY_NAME.get((api_version, kind))


def parse(path: str) -> Address | None:
    """The address of a path below `/api` or `/apis`; None when nothing is served there."""
    words = [word for word in path.split("/") if word]
    if len(words) < 3 or words[0] not in {"api", "apis"}:
        return None
    depth = 2 if words[0] == "api" else 3
    version, rest = "/".join(words[1:depth]), words[depth:]
    if len(rest) >= 3 and rest[0] == "namespaces":
        found = _BY_PLACE.get((version, rest[2]))
        if found is not None and found.namespaced:
            return _address(found, rest[1], rest[3:])
    found = _BY_PLACE.get((version, rest[0])) if rest else None
    if found is None or (found.namespaced and len(rest) > 1):
        return None
    return _address(found, "", rest[1:])


def _address(resource: Resource, namespace: str, rest: list[str]) -> Address | None:
    if len(rest) > 2:
        return None
    return Address(resource, namespace, *rest)
