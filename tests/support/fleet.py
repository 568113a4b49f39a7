"""A small fleet in Central's database: every kind of object in every place, told apart by name.

Each text of an object holds the name of its place, so that a leak shows in any answer.
Tests of scopes, searches and aggregates write it through the stores.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import Message

from pyrox.clock import SystemClock
from pyrox.pb.storage.alert_pb2 import Alert, ViolationState
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment, Pod
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.namespace_metadata_pb2 import NamespaceMetadata
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.policy_pb2 import Severity
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.pb.storage.rbac_pb2 import K8sRole, K8sRoleBinding, SubjectKind
from pyrox.pb.storage.secret_pb2 import ListSecret, Secret
from pyrox.pb.storage.service_account_pb2 import ServiceAccount
from pyrox.pg.pool import Pool
from pyrox.workload.images import id_v2
from services.central.alerts.store import AlertStore
from services.central.db import tables
from services.central.db.catalog import AnyTable
from services.central.db.store import ListedStore, ListForm, ProtoStore
from services.central.deployments.digest import digest as deployment_digest
from services.central.images.store import ImageStore
from services.central.secrets.digest import digest as secret_digest

SHARED_CVE = "CVE-2024-0001"
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _id(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(parts)))


@dataclass(frozen=True)
class Place:
    """One namespace of one cluster, and the ids of what is in it."""

    cluster: str
    name: str
    severity: VulnerabilitySeverity.ValueType = VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY

    @property
    def cluster_id(self) -> str:
        return _id("cluster", self.cluster)

    def id(self, kind: str) -> str:
        return _id(kind, self.cluster, self.name)

    @property
    def cve(self) -> str:
        """A CVE that only this place has."""
        return f"CVE-2024-{self.name}"

    @property
    def digest(self) -> str:
        return "sha256:" + uuid.uuid5(uuid.NAMESPACE_OID, self.name).hex * 2

    @property
    def image(self) -> str:
        return f"registry.example/{self.name}-image:1"

    @property
    def image_id(self) -> str:
        return id_v2(self.image, self.digest)


RED = Place("alpha", "red", VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY)
BLUE = Place("alpha", "blue", VulnerabilitySeverity.MODERATE_VULNERABILITY_SEVERITY)
GREEN = Place("beta", "green")
PLACES = (RED, BLUE, GREEN)
KINDS = (
    "namespace",
    "deployment",
    "pod",
    "secret",
    "account",
    "role",
    "binding",
    "networkpolicy",
    "process",
    "alert",
)


@dataclass
class Fleet:
    """Writes the objects of places."""

    pool: Pool
    places: tuple[Place, ...] = PLACES

    async def clear(self) -> None:
        """Take everything away that any fleet may have written."""
        written = (
            "clusters nodes namespaces deployments pods secrets service_accounts k8s_roles role_bindings"
            " networkpolicies process_indicators alerts images images_v2 image_component_v2 image_cves_v2"
        )
        await self.pool.execute(f"TRUNCATE {', '.join(written.split())} CASCADE")

    async def write(self) -> None:
        """Write everything; writing again changes nothing."""
        images = ImageStore(pool=self.pool, clock=SystemClock())
        for place in self.places:
            cluster = Cluster(id=place.cluster_id, name=place.cluster)
            await ProtoStore(pool=self.pool, table=tables.CLUSTERS).upsert(cluster)
            node = Node(
                id=_id("node", place.cluster),
                name=f"{place.cluster}-node",
                cluster_id=place.cluster_id,
                cluster_name=place.cluster,
            )
            await ProtoStore(pool=self.pool, table=tables.NODES).upsert(node)
            await self._write_place(place)
            await images.put(image(place))
            await AlertStore(pool=self.pool).put([alert(place)])

    async def _write_place(self, place: Place) -> None:
        deployments: ListedStore[Deployment, ListDeployment] = ListedStore(
            pool=self.pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, deployment_digest)
        )
        secrets: ListedStore[Secret, ListSecret] = ListedStore(
            pool=self.pool, table=tables.SECRETS, list_form=ListForm(ListSecret, secret_digest)
        )
        await deployments.upsert(deployment(place))
        await secrets.upsert(Secret(id=place.id("secret"), name=f"{place.name}-secret", **_in(place)))
        stored: list[tuple[AnyTable, Message]] = [
            (tables.NAMESPACES, namespace(place)),
            (tables.PODS, pod(place)),
            (
                tables.SERVICE_ACCOUNTS,
                ServiceAccount(id=place.id("account"), name=f"{place.name}-account", **_in(place)),
            ),
            (tables.K8S_ROLES, K8sRole(id=place.id("role"), name=f"{place.name}-role", **_in(place))),
            (tables.ROLE_BINDINGS, binding(place)),
            (
                tables.NETWORK_POLICIES,
                NetworkPolicy(id=place.id("networkpolicy"), name=f"{place.name}-policy", **_in(place)),
            ),
            (tables.PROCESS_INDICATORS, process(place)),
        ]
        for table, message in stored:
            await ProtoStore(pool=self.pool, table=table).upsert(message)


def _in(place: Place) -> dict[str, Any]:
    return {"namespace": place.name, "cluster_id": place.cluster_id, "cluster_name": place.cluster}


def namespace(place: Place) -> NamespaceMetadata:
    return NamespaceMetadata(
        id=place.id("namespace"), name=place.name, cluster_id=place.cluster_id, cluster_name=place.cluster
    )


def deployment(place: Place) -> Deployment:
    made = Deployment(
        id=place.id("deployment"),
        name=f"{place.name}-web",
        type="Deployment",
        namespace_id=place.id("namespace"),
        service_account=f"{place.name}-account",
        labels={"team": place.name},
        **_in(place),
    )
    container = made.containers.add(name=f"{place.name}-container")
    container.image.id, container.image.id_v2 = place.digest, place.image_id
    container.image.name.full_name = place.image
    container.secrets.add(name=f"{place.name}-secret", path="/secret")
    made.created.FromDatetime(CREATED)
    return made


def pod(place: Place) -> Pod:
    return Pod(
        id=place.id("pod"),
        name=f"{place.name}-pod",
        deployment_id=place.id("deployment"),
        namespace=place.name,
        cluster_id=place.cluster_id,
    )


def binding(place: Place) -> K8sRoleBinding:
    made = K8sRoleBinding(
        id=place.id("binding"), name=f"{place.name}-binding", role_id=place.id("role"), **_in(place)
    )
    made.subjects.add(kind=SubjectKind.USER, name=f"{place.name}-user")
    made.subjects.add(kind=SubjectKind.SERVICE_ACCOUNT, name=f"{place.name}-account", namespace=place.name)
    return made


def process(place: Place) -> ProcessIndicator:
    made = ProcessIndicator(
        id=place.id("process"),
        deployment_id=place.id("deployment"),
        container_name=f"{place.name}-container",
        namespace=place.name,
        cluster_id=place.cluster_id,
    )
    made.signal.name = f"{place.name}-tool"
    made.signal.exec_file_path = f"/bin/{place.name}-tool"
    made.signal.container_id = "0123456789ab"
    made.signal.time.FromDatetime(CREATED)
    return made


def alert(place: Place) -> Alert:
    made = Alert(
        id=place.id("alert"),
        state=ViolationState.ACTIVE,
        namespace_id=place.id("namespace"),
        **_in(place),
    )
    made.policy.id, made.policy.name = place.id("policy"), f"{place.name}-rule"
    made.policy.severity = Severity.HIGH_SEVERITY
    made.policy.categories.append(f"{place.name}-category")
    made.deployment.id, made.deployment.name = place.id("deployment"), f"{place.name}-web"
    made.time.FromDatetime(CREATED)
    return made


def image(place: Place) -> Image:
    """Two components: one with a CVE of its own, one with a CVE that all places share."""
    made = Image(id=place.digest)
    made.name.registry, made.name.remote, made.name.tag = "registry.example", f"{place.name}-image", "1"
    made.name.full_name = place.image
    made.metadata.v1.created.FromDatetime(datetime.now(UTC) - timedelta(days=100))
    made.metadata.v1.layers.add(instruction="RUN", value=f"install {place.name}-lib")
    made.scan.operating_system = f"{place.name}-os:1"
    made.scan.scan_time.FromDatetime(CREATED)
    made.scan.data_source.name = "Scanner V4"
    own = made.scan.components.add(name=f"{place.name}-lib", version="1.0", layer_index=0)
    vuln = own.vulns.add(cve=place.cve, severity=place.severity, cvss=7.5, fixed_by="1.1")
    vuln.summary, vuln.link = f"{place.name} can be broken", "https://example.org/own"
    vuln.epss.epss_probability = 0.25
    common = made.scan.components.add(name="common", version="2.0")
    shared = common.vulns.add(cve=SHARED_CVE, severity=place.severity, cvss=5.0)
    shared.summary = f"shared, seen in {place.name}"
    return made
