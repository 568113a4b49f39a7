"""Init bundles and registration secrets: certificates that verify, revocation, limits, registration."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.errors import AlreadyExists, Exhausted, Invalid, NotAuthorized, NotFound, RoxError
from pyrox.mtls.bundle import read_crs
from pyrox.mtls.ca import CertificateAuthority, ServiceTrust, load_certificates, load_key
from pyrox.mtls.identity import WILDCARD_ID, Subject
from pyrox.pb.api.v1 import cluster_init_service_pb2 as pb
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.internalapi.central.hello_pb2 import SensorHello
from pyrox.pb.storage import cluster_pb2
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Call, Identity, ServiceIdentity
from pyrox.rpc.scope import EVERYTHING, FullGrants
from services.central.cluster_init.service import ClusterInitService
from services.central.cluster_init.store import REMEMBERED_SECONDS, BundleStore
from services.central.clusters.health import from_report
from services.central.clusters.registration import Registration
from services.central.clusters.store import ClusterStore
from tests.support.callers import ADMIN
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")
NO_ID = "00000000-0000-4000-8000-000000000000"
SERVICES = {"sensor": "SENSOR", "collector": "COLLECTOR", "admissionControl": "ADMISSION_CONTROL"}
ROOT = CertificateAuthority.create(clock=FixedClock())


class Site:
    """Cluster init and registration over an empty database, on a clock set by hand."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = FixedClock()
        self.ca = CertificateAuthority.load(ROOT.cert_pem, ROOT.key_pem, clock=self.clock)
        self.bundles = BundleStore(pool=pool, clock=self.clock)
        self.clusters = ClusterStore(pool=pool, on_change=lambda: None)
        self.service = ClusterInitService(
            store=self.bundles, clusters=self.clusters, ca=self.ca, clock=self.clock
        )
        self.registration = Registration(store=self.clusters, secrets=self.bundles, clock=self.clock)

    async def bundle(self, name: str = "prod", call: Call = ADMIN) -> pb.InitBundleGenResponse:
        return await self.service.GenerateInitBundle(pb.InitBundleGenRequest(name=name), call)

    async def crs(self, name: str = "prod", **fields: Any) -> pb.CRSGenResponse:
        return await self.service.GenerateCRSExtended(pb.CRSGenRequestExtended(name=name, **fields), ADMIN)

    async def crs_meta(self, name: str = "prod") -> pb.CRSMeta:
        listed = await self.service.GetCRSs(Empty(), ADMIN)
        return next(meta for meta in listed.items if meta.name == name)

    async def revoke(self, *ids: str, confirm: tuple[str, ...] = ()) -> pb.InitBundleRevokeResponse:
        request = pb.InitBundleRevokeRequest(ids=ids, confirm_impacted_clusters_ids=confirm)
        return await self.service.RevokeInitBundle(request, ADMIN)

    def subject(self, cert_pem: str | bytes, key_pem: str | bytes) -> Subject:
        """The subject of a certificate that the CA's trust accepts and whose key belongs to it."""
        cert, key = (text.encode() if isinstance(text, str) else text for text in (cert_pem, key_pem))
        leaf = load_certificates(cert)[0]
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        assert load_key(key).public_key().public_bytes(*form) == leaf.public_key().public_bytes(*form)
        return ServiceTrust([self.ca.certificate], self.clock).subject_of(leaf)

    async def registers(self, name: str, crs_id: str, **fields: Any) -> Cluster:
        return await self.registration.cluster_of(helm(name, **fields), registrant(crs_id))


def helm(name: str, cluster_id: str = "", namespace: str = "stackrox") -> SensorHello:
    """The hello of a Sensor that the chart installed."""
    hello = SensorHello(sensor_version="4.11.0", capabilities=["B", "A"])
    hello.deployment_identification.app_namespace = namespace
    init = hello.helm_managed_config_init
    init.cluster_name, init.cluster_id = name, cluster_id
    init.managed_by = cluster_pb2.MANAGER_TYPE_HELM_CHART
    return hello


def sensor(identifier: str = WILDCARD_ID, bundle: str = "") -> ServiceIdentity:
    return ServiceIdentity("SENSOR_SERVICE", identifier, bundle)


def registrant(crs_id: str) -> ServiceIdentity:
    return ServiceIdentity("REGISTRANT_SERVICE", WILDCARD_ID, crs_id)


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    for table in ("clusters", "cluster_health_statuses", "cluster_init_bundles"):
        await central_pool.execute(f"DELETE FROM {table}")  # noqa: S608 - our names
    return Site(central_pool)


async def test_bundle_has_three_certificates_that_verify(site: Site) -> None:
    made = await site.bundle()
    values = yaml.safe_load(made.helm_values_bundle)
    assert values["ca"]["cert"].encode() == site.ca.cert_pem
    assert set(values) == {"ca", *SERVICES}
    for key, kind in SERVICES.items():
        tls = values[key]["serviceTLS"]
        subject = site.subject(tls["cert"], tls["key"])
        assert (subject.type, subject.id) == (f"{kind}_SERVICE", WILDCARD_ID)
        assert subject.init_bundle == made.meta.id
        leaf = load_certificates(tls["cert"].encode())[0]
        assert leaf.not_valid_after_utc == site.clock.now() + timedelta(days=365)
    assert made.meta.expires_at.ToDatetime(UTC) == site.clock.now() + timedelta(days=365)


async def test_bundle_for_kubectl_holds_the_same_certificates(site: Site) -> None:
    made = await site.bundle()
    values = yaml.safe_load(made.helm_values_bundle)
    secrets = list(yaml.safe_load_all(made.kubectl_bundle))
    assert [secret["metadata"]["name"] for secret in secrets] == [
        "sensor-tls",
        "collector-tls",
        "admission-control-tls",
    ]
    for secret, key in zip(secrets, SERVICES, strict=True):
        slug = secret["metadata"]["name"].removesuffix("-tls")
        tls = values[key]["serviceTLS"]
        assert secret["stringData"] == {
            "ca.pem": values["ca"]["cert"],
            f"{slug}-cert.pem": tls["cert"],
            f"{slug}-key.pem": tls["key"],
        }
        annotations = secret["metadata"]["annotations"]
        assert annotations["init-bundle.stackrox.io/id"] == made.meta.id
        assert annotations["init-bundle.stackrox.io/name"] == "prod"


async def test_keys_are_shown_once_and_never_stored(site: Site) -> None:
    made = await site.bundle()
    secret = await site.crs("other")
    listed = await site.service.GetInitBundles(Empty(), ADMIN)
    assert [meta.id for meta in listed.items] == [made.meta.id]
    assert [meta.id for meta in (await site.service.GetCRSs(Empty(), ADMIN)).items] == [secret.meta.id]
    rows = await site.pool.fetch("SELECT serialized FROM cluster_init_bundles")
    assert len(rows) == 2
    assert not any(b"PRIVATE" in row[0] or b"BEGIN" in row[0] for row in rows)


async def test_bundle_remembers_who_made_it_and_when(site: Site) -> None:
    identity = Identity(
        uid="sso:1",
        grants=FullGrants(),
        auth_provider="p",
        attributes={"name": ("Eve",), "groups": ("a", "b")},
    )
    made = await site.bundle(call=Call(method="/", identity=identity))
    assert (made.meta.created_by.id, made.meta.created_by.auth_provider_id) == ("sso:1", "p")
    pairs = [(attribute.key, attribute.value) for attribute in made.meta.created_by.attributes]
    assert pairs == [("groups", "a"), ("groups", "b"), ("name", "Eve")]
    assert made.meta.created_at.ToDatetime(UTC) == site.clock.now()


@pytest.mark.parametrize("name", ["a", "A-b_c.9", "x" * 200])
async def test_name_of_letters_digits_and_marks_is_taken(site: Site, name: str) -> None:
    assert (await site.bundle(name)).meta.name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "name must not be empty: invalid arguments"),
        (
            "two words",
            'invalid name "two words", only alphanumeric characters, ".", "-", and "_" are allowed',
        ),
        ("a\n", "invalid name"),
        ("\u00e4", "invalid name"),
        ('x": y', "invalid name"),
        ("../x", "invalid name"),
    ],
)
async def test_name_of_anything_else_is_refused(site: Site, name: str, message: str) -> None:
    for make in (site.bundle, site.crs):
        with pytest.raises(Invalid) as caught:
            await make(name)
        assert caught.value.message.startswith(message)
    assert await site.pool.fetchval("SELECT count(*) FROM cluster_init_bundles") == 0


async def test_name_is_taken_once_over_both_kinds_until_revoked(site: Site) -> None:
    first = await site.bundle("prod")
    for make in (site.bundle, site.crs):
        with pytest.raises(AlreadyExists):
            await make("prod")
    await site.revoke(first.meta.id)
    assert (await site.crs("prod")).meta.name == "prod"
    with pytest.raises(AlreadyExists):
        await site.bundle("prod")


async def test_name_asked_for_at_the_same_time_is_given_once(site: Site) -> None:
    made = await asyncio.gather(*(site.bundle("prod") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, pb.InitBundleGenResponse) for one in made) == 1
    assert sum(isinstance(one, AlreadyExists) for one in made) == 4


async def test_ca_config_holds_the_ca_and_no_key(site: Site) -> None:
    answer = await site.service.GetCAConfig(Empty(), ADMIN)
    assert yaml.safe_load(answer.helm_values_bundle) == {"ca": {"cert": site.ca.cert_pem.decode()}}
    assert b"PRIVATE" not in answer.helm_values_bundle


async def test_crs_holds_a_registrants_certificate_that_verifies(site: Site) -> None:
    made = await site.service.GenerateCRS(pb.CRSGenRequest(name="prod"), ADMIN)
    secret = yaml.safe_load(made.crs)
    assert secret["metadata"]["name"] == "cluster-registration-secret"
    assert secret["metadata"]["annotations"]["crs.platform.stackrox.io/id"] == made.meta.id
    crs = read_crs(base64.b64decode(secret["data"]["crs"]))
    assert crs.authorities == (site.ca.cert_pem.decode(),)
    subject = site.subject(crs.cert_pem, crs.key_pem)
    assert (subject.type, subject.id, subject.init_bundle) == (
        "REGISTRANT_SERVICE",
        WILDCARD_ID,
        made.meta.id,
    )
    assert made.meta.expires_at.ToDatetime(UTC) == site.clock.now() + timedelta(hours=24)
    assert made.meta.max_registrations == 0


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({}, 24),
        ({"valid_for": Duration(seconds=3600)}, 1),
        ({"valid_until": Timestamp(seconds=int(datetime(2026, 11, 24, 15, tzinfo=UTC).timestamp()))}, 6),
    ],
)
async def test_crs_is_valid_as_long_as_asked(site: Site, fields: dict[str, Any], hours: int) -> None:
    made = await site.crs(**fields)
    crs = read_crs(base64.b64decode(yaml.safe_load(made.crs)["data"]["crs"]))
    ends = x509.load_pem_x509_certificate(crs.cert_pem.encode()).not_valid_after_utc
    assert ends == made.meta.expires_at.ToDatetime(UTC) == site.clock.now() + timedelta(hours=hours)
    site.clock.moment = ends + timedelta(seconds=1)
    with pytest.raises(RoxError, match="is valid from"):
        site.subject(crs.cert_pem, crs.key_pem)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"valid_for": Duration()}, "the CRS would have expired already"),
        ({"valid_for": Duration(seconds=-1)}, "the CRS would have expired already"),
        ({"valid_until": Timestamp(seconds=1)}, "the CRS would have expired already"),
        ({"valid_for": Duration(seconds=1 << 62)}, "the CRS would be valid beyond the year 9999"),
        ({"valid_for": Duration(seconds=300_000_000_000)}, "the CRS would be valid beyond the year 9999"),
        ({"valid_until": Timestamp(seconds=1 << 62)}, "the CRS would be valid beyond the year 9999"),
        ({"valid_until": Timestamp(seconds=-(1 << 62))}, "the CRS would be valid beyond the year 9999"),
        (
            {"valid_for": Duration(seconds=1), "valid_until": Timestamp(seconds=1)},
            "valid_until and valid_for exclude each other",
        ),
        ({"max_registrations": 101}, "max_registrations 101 exceeds 100"),
        ({"max_registrations": (1 << 64) - 1}, "max_registrations 18446744073709551615 exceeds 100"),
    ],
)
async def test_crs_that_makes_no_sense_is_refused(site: Site, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        await site.crs(**fields)
    assert await site.pool.fetchval("SELECT count(*) FROM cluster_init_bundles") == 0


async def test_revoked_bundle_is_gone_from_the_list_and_refused(site: Site) -> None:
    made, kept = await site.bundle("a"), await site.bundle("b")
    assert not await site.bundles.bundle_revoked(made.meta.id)
    answer = await site.revoke(made.meta.id)
    assert list(answer.init_bundle_revoked_ids) == [made.meta.id]
    assert not answer.init_bundle_revocation_errors
    assert await site.bundles.bundle_revoked(made.meta.id)
    assert not await site.bundles.bundle_revoked(kept.meta.id)
    listed = await site.service.GetInitBundles(Empty(), ADMIN)
    assert [meta.name for meta in listed.items] == ["b"]
    again = await site.revoke(made.meta.id)
    assert [error.error for error in again.init_bundle_revocation_errors] == [
        f'init bundle "{made.meta.id}": not found'
    ]


async def test_revocation_on_another_replica_is_seen_within_seconds(site: Site) -> None:
    made = await site.bundle()
    replica = BundleStore(pool=site.pool, clock=site.clock)
    assert not await replica.bundle_revoked(made.meta.id)
    await site.revoke(made.meta.id)
    site.clock.moment += timedelta(seconds=REMEMBERED_SECONDS)
    assert await replica.bundle_revoked(made.meta.id)


@pytest.mark.parametrize("bundle_id", ["", NO_ID, "no uuid", "a\0b"])
async def test_bundle_that_never_existed_counts_as_revoked(site: Site, bundle_id: str) -> None:
    assert await site.bundles.bundle_revoked(bundle_id)


async def test_bundle_in_use_is_revoked_only_when_all_its_clusters_are_confirmed(site: Site) -> None:
    made, unused = await site.bundle("used"), await site.bundle("unused")
    clusters = [
        await site.registration.cluster_of(helm(name), sensor(bundle=made.meta.id)) for name in ("a", "b")
    ]
    listed = await site.service.GetInitBundles(Empty(), ADMIN)
    assert {m.name: [c.name for c in m.impacted_clusters] for m in listed.items} == {
        "used": ["a", "b"],
        "unused": [],
    }
    answer = await site.revoke(made.meta.id, unused.meta.id, NO_ID, confirm=(clusters[0].id,))
    assert list(answer.init_bundle_revoked_ids) == [unused.meta.id]
    errors = {error.id: error for error in answer.init_bundle_revocation_errors}
    assert errors[made.meta.id].error == "not all clusters were confirmed"
    assert [c.name for c in errors[made.meta.id].impacted_clusters] == ["a", "b"]
    assert errors[NO_ID].error == f'init bundle "{NO_ID}": not found'
    assert not await site.bundles.bundle_revoked(made.meta.id)
    answer = await site.revoke(made.meta.id, confirm=tuple(cluster.id for cluster in clusters))
    assert list(answer.init_bundle_revoked_ids) == [made.meta.id]


async def test_each_kind_is_revoked_by_its_own_method(site: Site) -> None:
    bundle, secret = await site.bundle("a"), await site.crs("b")
    assert not (await site.revoke(secret.meta.id)).init_bundle_revoked_ids
    answer = await site.service.RevokeCRS(pb.CRSRevokeRequest(ids=[bundle.meta.id, secret.meta.id]), ADMIN)
    assert list(answer.revoked_ids) == [secret.meta.id]
    assert [e.error for e in answer.crs_revocation_errors] == [f'CRS "{bundle.meta.id}": not found']
    assert await site.bundles.bundle_revoked(secret.meta.id)


async def test_first_connection_with_a_bundle_makes_the_cluster(site: Site) -> None:
    made = await site.bundle()
    cluster = await site.registration.cluster_of(helm("prod"), sensor(bundle=made.meta.id))
    stored = await site.clusters.get(cluster.id, scope=EVERYTHING)
    assert stored is not None
    assert (stored.name, stored.init_bundle_id) == ("prod", made.meta.id)
    assert stored.managed_by == cluster_pb2.MANAGER_TYPE_HELM_CHART
    assert stored.status.sensor_version == "4.11.0"
    assert list(stored.sensor_capabilities) == ["A", "B"]
    again = await site.registration.cluster_of(helm("prod"), sensor(bundle=made.meta.id))
    assert again.id == cluster.id
    # Later the Sensor remembers its id, and connects with certificates of its own.
    own = await site.registration.cluster_of(helm("prod", cluster.id), sensor(cluster.id))
    assert (own.id, own.init_bundle_id) == (cluster.id, "")
    assert len(await site.clusters.find(scope=EVERYTHING)) == 1


async def test_certificate_of_one_cluster_needs_no_configuration(site: Site) -> None:
    cluster = await site.registration.cluster_of(helm("prod"), sensor())
    hello = SensorHello(sensor_version="4.10.0")
    found = await site.registration.cluster_of(hello, sensor(cluster.id))
    assert (found.id, found.status.sensor_version) == (cluster.id, "4.10.0")
    assert found.most_recent_sensor_id.app_namespace == "stackrox"


@pytest.mark.parametrize(
    ("hello", "identity", "kind", "message"),
    [
        (SensorHello(), sensor(), Invalid, "a wildcard certificate needs Helm or Operator configuration"),
        (SensorHello(), sensor(NO_ID), NotFound, f'cluster "{NO_ID}" does not exist'),
        (SensorHello(), sensor("no uuid"), NotFound, 'cluster "no uuid" does not exist'),
        (helm(""), sensor(), Invalid, "the Sensor sends no cluster name"),
        (helm("x", NO_ID), sensor(NO_ID[:-1] + "1"), Invalid, f"cluster id {NO_ID} differs from the"),
    ],
)
async def test_hello_that_contradicts_its_certificate_is_refused(
    site: Site, hello: SensorHello, identity: ServiceIdentity, kind: type[RoxError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        await site.registration.cluster_of(hello, identity)
    assert await site.clusters.find(scope=EVERYTHING) == []


@pytest.mark.parametrize("name", ["prod", ""])
async def test_deleted_cluster_does_not_come_back_by_its_own_certificate(site: Site, name: str) -> None:
    cluster = await site.registration.cluster_of(helm("prod"), sensor())
    await site.clusters.delete(cluster.id)
    for identity in (sensor(cluster.id), sensor()):
        with pytest.raises(NotFound, match=f'cluster "{cluster.id}" does not exist'):
            await site.registration.cluster_of(helm(name, cluster.id), identity)
    assert await site.clusters.find(scope=EVERYTHING) == []


async def test_settings_and_reports_of_other_hands_outlive_a_reconnect(site: Site) -> None:
    cluster = await site.registration.cluster_of(helm("prod"), sensor())

    def note(stored: Cluster) -> None:
        stored.audit_log_state["node"].collect_logs_since.seconds = 5

    await asyncio.gather(
        site.clusters.change(cluster.id, note), site.registration.cluster_of(helm("prod"), sensor())
    )
    found = await site.clusters.get(cluster.id, scope=EVERYTHING)
    assert found is not None
    assert found.audit_log_state["node"].collect_logs_since.seconds == 5
    assert found.status.sensor_version == "4.11.0"


async def test_known_cluster_under_another_name_is_refused(site: Site) -> None:
    cluster = await site.registration.cluster_of(helm("prod"), sensor())
    with pytest.raises(Invalid, match='known as "prod", sent as "test"'):
        await site.registration.cluster_of(helm("test", cluster.id), sensor())


@pytest.mark.parametrize(
    ("silent", "namespace", "allowed"), [(0, "stackrox", True), (179, "acs", False), (180, "acs", True)]
)
async def test_other_installation_takes_over_only_after_silence(
    site: Site, silent: int, namespace: str, allowed: bool
) -> None:
    cluster = await site.registration.cluster_of(helm("prod"), sensor())
    await site.clusters.put_health(from_report(cluster.id, None, site.clock.now()))
    site.clock.moment += timedelta(seconds=silent)
    if allowed:
        found = await site.registration.cluster_of(helm("prod", namespace=namespace), sensor())
        assert found.most_recent_sensor_id.app_namespace == namespace
        return
    with pytest.raises(Exhausted, match=f"please wait for another {180 - silent} s"):
        await site.registration.cluster_of(helm("prod", namespace=namespace), sensor())


async def test_crs_without_a_limit_registers_any_number_and_counts_none(site: Site) -> None:
    secret = await site.crs()
    clusters = [await site.registers(f"c{number}", secret.meta.id) for number in range(3)]
    assert len({cluster.id for cluster in clusters}) == 3
    meta = await site.crs_meta()
    assert (list(meta.registrations_initiated), list(meta.registrations_completed)) == ([], [])


async def test_crs_with_a_limit_registers_so_many_and_is_then_revoked(site: Site) -> None:
    secret = await site.crs(max_registrations=2)
    first, second = [await site.registers(name, secret.meta.id) for name in ("a", "b")]
    # One that was cut off before it kept its certificates asks again.
    assert (await site.registers("a", secret.meta.id)).id == first.id
    with pytest.raises(Exhausted, match="maximum number of allowed cluster registrations reached"):
        await site.registers("c", secret.meta.id)
    assert list((await site.crs_meta()).registrations_initiated) == ["a", "b"]
    await site.registration.cluster_of(helm("a", first.id), sensor(first.id))
    meta = await site.crs_meta()
    assert (list(meta.registrations_initiated), list(meta.registrations_completed)) == (["b"], ["a"])
    assert not await site.bundles.bundle_revoked(secret.meta.id)
    with pytest.raises(Exhausted):
        await site.registers("c", secret.meta.id)
    await site.registration.cluster_of(helm("b", second.id), sensor(second.id))
    assert await site.bundles.bundle_revoked(secret.meta.id)
    assert (await site.service.GetCRSs(Empty(), ADMIN)).items == []
    assert [cluster.name for cluster in await site.clusters.find(scope=EVERYTHING)] == ["a", "b"]


async def test_crs_with_a_limit_holds_it_when_all_ask_at_once(site: Site) -> None:
    secret = await site.crs(max_registrations=3)
    asked = (site.registers(f"c{number}", secret.meta.id) for number in range(8))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, Cluster) for result in results) == 3
    assert sum(isinstance(result, Exhausted) for result in results) == 5
    assert len(await site.clusters.find(scope=EVERYTHING)) == 3


async def test_crs_that_is_revoked_registers_nothing(site: Site) -> None:
    secret = await site.crs()
    await site.service.RevokeCRS(pb.CRSRevokeRequest(ids=[secret.meta.id]), ADMIN)
    for wanted in (secret.meta.id, NO_ID):
        with pytest.raises(NotAuthorized, match=f'CRS "{wanted}" is revoked'):
            await site.registers("a", wanted)
    assert await site.clusters.find(scope=EVERYTHING) == []


async def test_crs_cannot_take_over_a_cluster_that_was_in_contact(site: Site) -> None:
    secret = await site.crs()
    cluster = await site.registration.cluster_of(helm("prod"), sensor())
    await site.clusters.put_health(from_report(cluster.id, None, site.clock.now()))
    site.clock.moment += timedelta(days=1)
    for hello in (helm("prod"), helm("prod", cluster.id)):
        with pytest.raises(NotAuthorized, match='cluster "prod" is registered already'):
            await site.registration.cluster_of(hello, registrant(secret.meta.id))


async def test_registered_clusters_keep_working_when_the_crs_is_revoked(site: Site) -> None:
    secret = await site.crs(max_registrations=2)
    cluster = await site.registers("a", secret.meta.id)
    await site.service.RevokeCRS(pb.CRSRevokeRequest(ids=[secret.meta.id]), ADMIN)
    found = await site.registration.cluster_of(helm("a", cluster.id), sensor(cluster.id))
    assert (found.id, found.init_bundle_id) == (cluster.id, "")
    assert await site.bundles.bundle_revoked(secret.meta.id)
