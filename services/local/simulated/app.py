"""The composition root of the simulated process: every object is made here, once.

One process serves the API server, the registry and the feeder, because they share the
images' digests and the pods' container ids, and because one interpreter holds less
memory than three.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyrox.clock import Clock
from pyrox.k8s import kinds
from pyrox.mtls.reload import CertFiles, ServerTls
from pyrox.rpc.front import Endpoint, Front
from pyrox.service import Component
from services.local.places import Places
from services.local.simulated import images
from services.local.simulated.api import Api
from services.local.simulated.controllers import Controllers
from services.local.simulated.feeder import Feeder
from services.local.simulated.memory import Memory, stamp_of
from services.local.simulated.registry import Registry
from services.local.simulated.store import Store
from services.local.simulated.webhooks import Webhooks
from services.local.simulated.world import World, webhook_configuration

CLUSTER = "simulated"


@dataclass(frozen=True, slots=True)
class Config:
    """What the process is told."""

    places: Places
    registry: str
    """`host:port` of the registry."""
    kubernetes: str
    """`host:port` of the API server; empty when a real cluster is watched."""
    sensor: str = ""
    services: Mapping[str, str] = field(default_factory=dict)
    """Where services of the cluster really are: `namespace/name` to `host:port`."""
    deployments: int = 0


def build(config: Config, clock: Clock) -> tuple[Component, ...]:
    """Make everything and fill the store; open nothing."""
    built = images.build()
    tls = ServerTls(
        certificates=[CertFiles.in_directory(config.places.secrets / "simulated" / "web")],
        alpn=("http/1.1",),
    )
    registry = _front("registry", config.registry, tls, Registry(built), clock)
    if not config.kubernetes:
        return (registry,)
    store = Store(clock=clock)
    controllers = Controllers(store=store, digest_of=built.digest_of)
    memory = _fill(config, store, controllers, clock)
    api = Api(
        store=store,
        controllers=controllers,
        webhooks=Webhooks(store=store, services=config.services),
        token=(config.places.secrets / "simulated" / "token").read_text().strip(),
    )
    return (
        registry,
        _front("kubernetes", config.kubernetes, tls, api, clock),
        memory,
        Feeder(
            store=store,
            sensor=config.sensor,
            certs=config.places.secrets / "collector" / "certs",
            clock=clock,
        ),
    )


def _fill(config: Config, store: Store, controllers: Controllers, clock: Clock) -> Memory:
    """The world as it was left, or a new one."""
    ca_pem = (config.places.secrets / "ca" / "ca.pem").read_bytes()
    world = list(World(registry=config.registry).objects(deployments=config.deployments))
    world.append(webhook_configuration(ca_pem))
    memory = Memory(
        path=config.places.state / "cluster.json", store=store, clock=clock, stamp=stamp_of(world)
    )
    objects = memory.load()
    # Nodes and namespaces first, since pods are placed at once.
    first = (kinds.NODE, kinds.NAMESPACE)
    for kind, value in sorted(objects or world, key=lambda pair: pair[0] not in first):
        controllers.settle(kind, store.put(kind, value))
    store.oldest = store.version
    return memory


def _front(name: str, address: str, tls: ServerTls, app: Api | Registry, clock: Clock) -> Front:
    host, _, port = address.rpartition(":")
    return Front(endpoints=[Endpoint(host, int(port), tls)], app=app, peers=None, clock=clock, name=name)


def kubeconfig(config: Config) -> str:
    """A kubeconfig that leads to the simulated API server, as JSON, which YAML readers take."""
    ca = config.places.secrets / "ca" / "ca.pem"
    token = (config.places.secrets / "simulated" / "token").read_text().strip()
    cluster = {"server": f"https://{config.kubernetes}", "certificate-authority": str(ca)}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CLUSTER,
            "contexts": [{"name": CLUSTER, "context": {"cluster": CLUSTER, "user": "simulated-admin"}}],
            "clusters": [{"name": CLUSTER, "cluster": cluster}],
            "users": [{"name": "simulated-admin", "user": {"token": token}}],
        },
        indent=1,
    )
