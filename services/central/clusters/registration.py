"""Which cluster a connecting Sensor guards: looked up, or made by its first connection.

The link asks for each new stream. Rules are upstream's
(`central/cluster/datastore`, LookupOrCreateClusterFromConfig). It must not know streams.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Protocol
from uuid import uuid4

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Exhausted, Invalid, NotAuthorized, NotFound
from pyrox.mtls.identity import EPHEMERAL_WILDCARD_ID, WILDCARD_ID
from pyrox.pb.internalapi.central.hello_pb2 import SensorHello
from pyrox.pb.storage.cluster_pb2 import (
    MANAGER_TYPE_MANUAL,
    Cluster,
    CompleteClusterConfig,
    SensorDeploymentIdentification,
)
from pyrox.rpc.call import ServiceIdentity
from pyrox.rpc.scope import EVERYTHING
from services.central.clusters import defaults
from services.central.clusters.store import ClusterStore

_LOG = log.get(__name__)
# Upstream: another installation may take a Helm cluster over only after this silence.
TAKE_OVER_AFTER = timedelta(minutes=3)
_WILDCARDS = frozenset({WILDCARD_ID, EPHEMERAL_WILDCARD_ID})
_REGISTRANT = "REGISTRANT_SERVICE"


class Secrets(Protocol):
    """How often registration secrets were used."""

    async def begin_registration(self, secret_id: str, cluster_name: str) -> None:
        """Count a cluster; raises `Exhausted` or `NotAuthorized` when it may not register."""

    async def complete_registration(self, secret_id: str, cluster_name: str) -> None:
        """Note that the cluster connected with certificates of its own."""


class Registration:
    """Finds or makes the cluster of a Sensor."""

    def __init__(self, *, store: ClusterStore, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock

    async def cluster_of(self, hello: SensorHello, identity: ServiceIdentity) -> Cluster:
        """The cluster, with what the hello says of it stored.

        Raises `NotFound` for a certificate of a deleted cluster, `Invalid` when the hello
        contradicts the certificate or the stored cluster, `Exhausted` when another
        installation of the cluster spoke moments ago or the registration secret is used
        up, `NotAuthorized` when a registration secret names a cluster that is in use.
        """
        if not hello.HasField("helm_managed_config_init"):
            known: Cluster | None = await self._by_certificate(identity)
        else:
            known = await self._by_config(hello, identity)
        if identity.type == _REGISTRANT:
            name = known.name if known is not None else hello.helm_managed_config_init.cluster_name
            await self._begin(known, name, identity)
        return await self._new(hello, identity) if known is None else await self._met(known, hello, identity)

    async def _new(self, hello: SensorHello, identity: ServiceIdentity) -> Cluster:
        cluster = Cluster(id=str(uuid4()), name=hello.helm_managed_config_init.cluster_name)
        _LOG.info("cluster registers", cluster=cluster.name, cluster_id=cluster.id)
        _learn(hello, identity, cluster)
        await self._store.put(cluster)
        return cluster

    async def _met(self, known: Cluster, hello: SensorHello, identity: ServiceIdentity) -> Cluster:
        cluster = await self._store.change(known.id, partial(_learn, hello, identity))
        if cluster is None:
            raise _gone(known.id)
        if known.init_bundle_id and not identity.init_bundle:
            await self._secrets.complete_registration(known.init_bundle_id, cluster.name)
        return cluster

    async def _begin(self, known: Cluster | None, name: str, identity: ServiceIdentity) -> None:
        """Let a registration secret make this cluster, once."""
        if known is not None and known.health_status.HasField("last_contact"):
            raise NotAuthorized.of(
                f'cluster "{name}" is registered already; a registration secret cannot take it over'
            )
        await self._secrets.begin_registration(identity.init_bundle, name)

    async def _by_certificate(self, identity: ServiceIdentity) -> Cluster:
        if identity.id in _WILDCARDS:
            raise Invalid(
                "a wildcard certificate needs Helm or Operator configuration: install with the "
                "secured-cluster-services chart, or make a bundle for one cluster by roxctl sensor generate"
            )
        cluster = await self._store.get(identity.id, scope=EVERYTHING)
        if cluster is None:
            raise _gone(identity.id)
        return cluster

    async def _by_config(self, hello: SensorHello, identity: ServiceIdentity) -> Cluster | None:
        """The cluster that the configuration speaks of; None when it is to be made."""
        init = hello.helm_managed_config_init
        wanted = init.cluster_id or ("" if identity.id in _WILDCARDS else identity.id)
        if identity.id not in _WILDCARDS and init.cluster_id not in {"", identity.id}:
            raise Invalid(f"cluster id {init.cluster_id} differs from the certificate's {identity.id}")
        known = await self._known(wanted, init.cluster_name)
        if known is not None:
            await self._may_take_over(known, hello.deployment_identification)
        return known

    async def _known(self, cluster_id: str, name: str) -> Cluster | None:
        if not cluster_id:
            if not name:
                raise Invalid("the Sensor sends no cluster name; set clusterName in its chart's values")
            return await self._store.by_name(name, scope=EVERYTHING)
        cluster = await self._store.get(cluster_id, scope=EVERYTHING)
        if cluster is None:
            raise _gone(cluster_id)
        if name not in {"", cluster.name}:
            raise Invalid(
                f'cluster name mismatch for {cluster_id}: known as "{cluster.name}", sent as "{name}"'
            )
        return cluster

    async def _may_take_over(self, cluster: Cluster, new: SensorDeploymentIdentification) -> None:
        if not cluster.HasField("most_recent_sensor_id") or not _differs(cluster.most_recent_sensor_id, new):
            return
        status = await self._store.health(cluster.id)
        if status is None or not status.HasField("last_contact"):
            return
        silent = self._clock.now() - status.last_contact.ToDatetime(self._clock.now().tzinfo)
        if silent < TAKE_OVER_AFTER:
            left = TAKE_OVER_AFTER - silent
            raise Exhausted(
                f"registering Helm-managed cluster is not allowed: cluster {cluster.name} was in contact "
                f"{silent.total_seconds():.0f} s ago from another installation; please wait for another "
                f"{left.total_seconds():.0f} s"
            )


def _gone(cluster_id: str) -> NotFound:
    """A deleted cluster does not come back by itself, whatever certificate its Sensor kept."""
    return NotFound.because(f'cluster "{cluster_id}" does not exist; it may have been deleted')


def _learn(hello: SensorHello, identity: ServiceIdentity, cluster: Cluster) -> None:
    """Put what the hello says into the cluster."""
    if hello.HasField("helm_managed_config_init"):
        init = hello.helm_managed_config_init
        cluster.managed_by = init.managed_by
        apply_config(cluster, init.cluster_config)
    cluster.sensor_capabilities[:] = sorted(hello.capabilities)
    if hello.HasField("deployment_identification"):
        cluster.most_recent_sensor_id.CopyFrom(hello.deployment_identification)
    cluster.status.sensor_version = hello.sensor_version
    cluster.init_bundle_id = identity.init_bundle


def _differs(old: SensorDeploymentIdentification, new: SensorDeploymentIdentification) -> bool:
    """Whether the identities cannot be of one installation (upstream CheckConnReplace)."""
    if old.app_namespace != new.app_namespace:
        return True
    pairs = (
        (old.system_namespace_id, new.system_namespace_id),
        (old.default_namespace_id, new.default_namespace_id),
    )
    return any(a and b and a != b for a, b in pairs)


def may_replace(
    old: SensorDeploymentIdentification | None, new: SensorDeploymentIdentification | None
) -> bool:
    """Whether a second stream of a cluster ends the first one, instead of being refused."""
    return old is None or new is None or not _differs(old, new)


def apply_config(cluster: Cluster, config: CompleteClusterConfig) -> None:
    """Put the configuration that a Helm or Operator install carries into the cluster."""
    if cluster.managed_by == MANAGER_TYPE_MANUAL:
        defaults.fill(cluster)
        return
    static = config.static_config
    cluster.type = static.type
    cluster.main_image = static.main_image
    cluster.central_api_endpoint = static.central_api_endpoint
    cluster.collection_method = static.collection_method
    cluster.collector_image = static.collector_image
    cluster.admission_controller = static.admission_controller
    cluster.admission_controller_updates = static.admission_controller_updates
    cluster.admission_controller_events = static.admission_controller_events
    cluster.admission_controller_fail_on_error = static.admission_controller_fail_on_error
    cluster.tolerations_config.CopyFrom(static.tolerations_config)
    cluster.dynamic_config.CopyFrom(config.dynamic_config)
    cluster.helm_config.CopyFrom(config)
    cluster.labels.clear()
    cluster.labels.update(config.cluster_labels)
    defaults.fill(cluster)
