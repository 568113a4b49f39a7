"""`v1.ClusterInitService`: init bundles and cluster registration secrets.

Only administrators may call it, since what it issues can register clusters.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import ClassVar, Protocol
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.mtls import bundle as bundles
from pyrox.mtls.ca import CertificateAuthority, Profile
from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb
from pyrox.pb.api.v1 import empty_pb2
from pyrox.pb.storage.cluster_init_pb2 import InitBundleMeta
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.user_pb2 import User
from pyrox.rpc.authz import ADMIN, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.cluster_init.store import BundleStore, Kind

# Upstream central/clusterinit: the characters that a bundle's name may have.
_NAME = re.compile(r"[A-Za-z0-9._-]+")
MAX_REGISTRATIONS = 100


class Clusters(Protocol):
    """Which clusters use which bundle."""

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        """All clusters."""


class ClusterInitService:
    """`v1.ClusterInitService`."""

    SERVICE: ClassVar[str] = "v1.ClusterInitService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "RevokeInitBundle": ADMIN,
        "RevokeCRS": ADMIN,
        "GetCAConfig": ADMIN,
        "GetInitBundles": ADMIN,
        "GetCRSs": ADMIN,
        "GenerateInitBundle": ADMIN,
        "GenerateCRS": ADMIN,
        "GenerateCRSExtended": ADMIN,
    }

    def __init__(
        self, *, store: BundleStore, clusters: Clusters, ca: CertificateAuthority, clock: Clock
    ) -> None:
        self._store = store
        self._clusters = clusters
        self._ca = ca
        self._clock = clock

    async def GetCAConfig(self, _: empty_pb2.Empty, __: Call) -> pb.GetCAConfigResponse:
        """Helm values with the CA alone."""
        return pb.GetCAConfigResponse(helm_values_bundle=bundles.ca_config(self._ca.cert_pem))

    async def GetInitBundles(self, _: empty_pb2.Empty, __: Call) -> pb.InitBundleMetasResponse:
        """Valid init bundles with the clusters that use them."""
        impacted = await self._impacted()
        answer = pb.InitBundleMetasResponse()
        for meta in await self._store.valid(Kind.INIT_BUNDLE):
            answer.items.append(_bundle_meta(meta, impacted[meta.id]))
        return answer

    async def GetCRSs(self, _: empty_pb2.Empty, __: Call) -> pb.CRSMetasResponse:
        """Valid registration secrets."""
        return pb.CRSMetasResponse(items=[_crs_meta(meta) for meta in await self._store.valid(Kind.CRS)])

    async def GenerateInitBundle(
        self, request: pb.InitBundleGenRequest, call: Call
    ) -> pb.InitBundleGenResponse:
        """A new bundle in both forms; it is shown only now."""
        made = bundles.init_bundle(
            self._ca, bundle_id=str(uuid4()), name=_checked(request.name), created_at=self._clock.now()
        )
        meta = self._meta(made.label, Kind.INIT_BUNDLE, call)
        await self._store.add(meta)
        return pb.InitBundleGenResponse(
            meta=_bundle_meta(meta, []), helm_values_bundle=made.helm_values, kubectl_bundle=made.kubectl
        )

    async def GenerateCRS(self, request: pb.CRSGenRequest, call: Call) -> pb.CRSGenResponse:
        """A new registration secret that is valid for a day."""
        return await self._generate_crs(request.name, Profile.REGISTRATION.value, 0, call)

    async def GenerateCRSExtended(self, request: pb.CRSGenRequestExtended, call: Call) -> pb.CRSGenResponse:
        """A new registration secret with a validity and a number of clusters of its own."""
        if request.max_registrations > MAX_REGISTRATIONS:
            raise Invalid.because(
                f"max_registrations {request.max_registrations} exceeds {MAX_REGISTRATIONS}"
            )
        return await self._generate_crs(
            request.name, self._lifetime(request), request.max_registrations, call
        )

    async def RevokeInitBundle(
        self, request: pb.InitBundleRevokeRequest, _: Call
    ) -> pb.InitBundleRevokeResponse:
        """Revoke bundles; one in use only when all its clusters are confirmed."""
        impacted = await self._impacted()
        confirmed = set(request.confirm_impacted_clusters_ids)
        answer = pb.InitBundleRevokeResponse()
        for bundle_id in request.ids:
            meta = await self._store.get(bundle_id, Kind.INIT_BUNDLE)
            users = impacted[bundle_id]
            unconfirmed = [cluster.id for cluster in users if cluster.id not in confirmed]
            if meta is None or unconfirmed:
                why = (
                    f'init bundle "{bundle_id}": not found'
                    if meta is None
                    else "not all clusters were confirmed"
                )
                answer.init_bundle_revocation_errors.append(
                    pb.InitBundleRevokeResponse.InitBundleRevocationError(
                        id=bundle_id, error=why, impacted_clusters=_impacted_clusters(users)
                    )
                )
                continue
            await self._store.revoke(meta.id)
            answer.init_bundle_revoked_ids.append(bundle_id)
        return answer

    async def RevokeCRS(self, request: pb.CRSRevokeRequest, _: Call) -> pb.CRSRevokeResponse:
        """Revoke registration secrets; registered clusters keep their certificates."""
        answer = pb.CRSRevokeResponse()
        for crs_id in request.ids:
            meta = await self._store.get(crs_id, Kind.CRS)
            if meta is None:
                answer.crs_revocation_errors.add(id=crs_id, error=f'CRS "{crs_id}": not found')
                continue
            await self._store.revoke(meta.id)
            answer.revoked_ids.append(crs_id)
        return answer

    async def _generate_crs(
        self, name: str, lifetime: timedelta, limit: int, call: Call
    ) -> pb.CRSGenResponse:
        made = bundles.registration(
            self._ca,
            crs_id=str(uuid4()),
            name=_checked(name),
            created_at=self._clock.now(),
            lifetime=lifetime,
        )
        meta = self._meta(made.label, Kind.CRS, call)
        meta.max_registrations = limit
        await self._store.add(meta)
        return pb.CRSGenResponse(meta=_crs_meta(meta), crs=made.manifest)

    def _lifetime(self, request: pb.CRSGenRequestExtended) -> timedelta:
        if request.HasField("valid_until") and request.HasField("valid_for"):
            raise Invalid.because("valid_until and valid_for exclude each other")
        if not request.HasField("valid_for") and not request.HasField("valid_until"):
            return Profile.REGISTRATION.value
        now = self._clock.now()
        try:
            lifetime = (
                request.valid_for.ToTimedelta()
                if request.HasField("valid_for")
                else request.valid_until.ToDatetime(UTC) - now
            )
            now + lifetime
        except (ValueError, OverflowError) as err:
            raise Invalid.because("the CRS would be valid beyond the year 9999") from err
        if lifetime <= timedelta(0):
            raise Invalid.because("the CRS would have expired already")
        return lifetime

    def _meta(self, label: bundles.Label, kind: Kind.ValueType, call: Call) -> InitBundleMeta:
        meta = InitBundleMeta(id=label.id, name=label.name, version=kind)
        meta.created_at.FromDatetime(label.created_at)
        meta.expires_at.FromDatetime(label.expires_at)
        meta.created_by.CopyFrom(User(id=call.identity.uid, auth_provider_id=call.identity.auth_provider))
        for key, values in sorted(call.identity.attributes.items()):
            for value in values:
                meta.created_by.attributes.add(key=key, value=value)
        return meta

    async def _impacted(self) -> Mapping[str, list[Cluster]]:
        impacted: dict[str, list[Cluster]] = defaultdict(list)
        for cluster in await self._clusters.find(scope=EVERYTHING):
            if cluster.init_bundle_id:
                impacted[cluster.init_bundle_id].append(cluster)
        return impacted


def _checked(name: str) -> str:
    if not name:
        raise Invalid.because("name must not be empty")
    if not _NAME.fullmatch(name):
        raise Invalid.because(
            f'invalid name "{name}", only alphanumeric characters, ".", "-", and "_" are allowed (no spaces)'
        )
    return name


def _impacted_clusters(clusters: Sequence[Cluster]) -> list[pb.InitBundleMeta.ImpactedCluster]:
    return [pb.InitBundleMeta.ImpactedCluster(name=found.name, id=found.id) for found in clusters]


def _bundle_meta(meta: InitBundleMeta, users: Sequence[Cluster]) -> pb.InitBundleMeta:
    return pb.InitBundleMeta(
        id=meta.id,
        name=meta.name,
        impacted_clusters=_impacted_clusters(users),
        created_at=meta.created_at,
        created_by=meta.created_by,
        expires_at=meta.expires_at,
    )


def _crs_meta(meta: InitBundleMeta) -> pb.CRSMeta:
    return pb.CRSMeta(
        id=meta.id,
        name=meta.name,
        created_at=meta.created_at,
        created_by=meta.created_by,
        expires_at=meta.expires_at,
        max_registrations=meta.max_registrations,
        registrations_initiated=meta.registrations_initiated,
        registrations_completed=meta.registrations_completed,
    )
