"""The config controller's way in: the login of its service account, kept in order.

A component of Central where Central runs in a cluster. As upstream does at each start
(central/auth/datastore/datastore_impl.go), it makes the configuration for the cluster's
issuer or adds the controller's mapping to the one that is there, so that a login that
somebody broke works again after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import RoxError
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.traits_pb2 import Traits
from services.central.machines.cluster import ClusterIssuer
from services.central.machines.store import MachineStore

_LOG = log.get(__name__)
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 60.0
# Upstream's names.
_ACCOUNT, _ROLE = "config-controller", "Configuration Controller"


class ControllerLogin:
    """Sees to it that the config controller can log in."""

    name = "controller-login"

    def __init__(self, *, cluster: ClusterIssuer, store: MachineStore, namespace: str, clock: Clock) -> None:
        self._cluster = cluster
        self._store = store
        self._namespace = namespace
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Write the configuration, however often that must be tried; nobody waits for it."""
        ready()
        try:
            await self._ensured()
            await asyncio.Event().wait()
        finally:
            await self._cluster.close()

    async def _ensured(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self.ensure()
            except RoxError as error:
                _LOG.warning("login of the config controller is not set up, trying on", error=error.message)
            else:
                return
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE)

    async def ensure(self) -> None:
        """Write the configuration if it lacks the mapping. Raises `RoxError`."""
        issuer = await self._cluster.issuer()
        config = await self._store.of_issuer(issuer) or _new(issuer)
        wanted = AuthMachineToMachineConfig.Mapping(
            key="sub", value_expression=f"system:serviceaccount:{self._namespace}:{_ACCOUNT}", role=_ROLE
        )
        if wanted not in config.mappings:
            config.mappings.append(wanted)
            await self._store.put(config)
            _LOG.info("config controller may log in", issuer=issuer)


def controller_logins(
    cluster: ClusterIssuer | None, store: MachineStore, namespace: str, clock: Clock
) -> tuple[ControllerLogin, ...]:
    """The component, or none outside a cluster."""
    if cluster is None:
        return ()
    return (ControllerLogin(cluster=cluster, store=store, namespace=namespace or "stackrox", clock=clock),)


def _new(issuer: str) -> AuthMachineToMachineConfig:
    return AuthMachineToMachineConfig(
        id=str(uuid4()),
        type=AuthMachineToMachineConfig.KUBE_SERVICE_ACCOUNT,
        token_expiration_duration="1h",  # noqa: S106 - a duration
        issuer=issuer,
        traits=Traits(origin=Traits.DEFAULT),
    )
