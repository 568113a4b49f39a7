"""The controller's composition root: every object of the process is built here, once.

`build` constructs and opens nothing but the Kubernetes configuration; the components are
started by `main.py` in the order given here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import partial

from pyrox.clock import Clock
from pyrox.k8s.client import KubeClient, KubeSource
from pyrox.k8s.kinds import SECURITY_POLICY
from pyrox.k8s.watch import Reflector, Sink
from pyrox.mtls.identity import CENTRAL
from pyrox.mtls.reload import CertificateWatch, ClientTls
from pyrox.rpc.client import ChannelOptions, Channels, Target
from pyrox.rpc.front import Endpoint, Front
from pyrox.rpc.health import liveness, probe_app, readiness
from pyrox.service import Component
from pyrox.version import WIRE_VERSION
from services.config_controller.central import Central
from services.config_controller.config import Config
from services.config_controller.controller import Controller
from services.config_controller.reconcile import Reconciler
from services.config_controller.resources import Resources
from services.config_controller.view import View

_OPTIONS = ChannelOptions(user_agent=f"Rox Config Controller/{WIRE_VERSION} (linux; amd64)")


@dataclass(frozen=True, slots=True)
class App:
    """The built process."""

    components: tuple[Component, ...]
    front: Front
    channels: Channels
    kube: KubeClient

    async def close(self) -> None:
        """Close the connections."""
        await self.channels.close()
        await self.kube.close()


async def build(config: Config, clock: Clock) -> App:
    """Build the process from its settings. Raises `Invalid` without a Kubernetes configuration."""
    kube = await KubeClient.open(KubeSource(kubeconfig=config.kubeconfig))
    tls = ClientTls(authorities=[config.certs / "ca.pem"])
    channels = Channels(Target(config.central, CENTRAL.hostname), tls=tls, options=_OPTIONS)
    central = Central(channels=channels, token=config.token, clock=clock)
    view = View()
    reconciler = Reconciler(
        central=central,
        resources=Resources(client=kube, namespace=config.namespace),
        view=view,
        clock=clock,
    )
    controller = Controller(
        watch=partial(_watch, kube, config.namespace, clock),
        view=view,
        reconciler=reconciler,
        interval=config.interval,
        jitter=random.random,
        clock=clock,
    )

    async def settled() -> bool:
        return controller.listed

    front = Front(
        endpoints=[Endpoint(config.health.host, config.health.port)],
        app=probe_app({"/healthz": liveness, "/readyz": readiness(settled)}),
        peers=None,
        clock=clock,
        name="health",
    )
    return App((CertificateWatch(watched=[tls], clock=clock), front, controller), front, channels, kube)


def _watch(kube: KubeClient, namespace: str, clock: Clock, sink: Sink) -> Reflector:
    kind = replace(SECURITY_POLICY, only_in=namespace)
    return Reflector(client=kube, kind=kind, sink=sink, clock=clock, jitter=random.random)
