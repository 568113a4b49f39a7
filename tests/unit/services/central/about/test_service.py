"""What Central says about itself, in the reference system's recorded words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox import features
from pyrox.errors import Internal, Invalid, NotFound, RoxError, Unavailable
from pyrox.pb.api.v1.credential_expiry_service_pb2 import GetCertExpiry
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.api.v1.metadata_service_pb2 import (
    CentralServicesCapabilities,
    DatabaseBackupStatus,
    DatabaseStatus,
    Metadata,
    TLSChallengeRequest,
    TLSChallengeResponse,
)
from pyrox.pb.storage.operation_status_pb2 import OperationStatus
from pyrox.pb.storage.system_info_pb2 import BackupInfo
from pyrox.pb.storage.user_pb2 import SlimUser
from pyrox.rpc.authz import ANONYMOUS as OPEN
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import FullGrants
from pyrox.version import WIRE_VERSION
from services.central.about.service import (
    CentralHealthService,
    CredentialExpiryService,
    FeatureFlagService,
    GRPCPreferencesService,
    MetadataService,
    PingService,
)
from tests.support.routes import service

NOBODY = Call(method="/")
COMPONENT = GetCertExpiry.Component
ENDS = datetime(2027, 11, 24, 8, 13, tzinfo=UTC)


class Database:
    """A database server that answers, or not."""

    def __init__(self, version: str = "") -> None:
        self.version = version

    async def server_version(self) -> str:
        if not self.version:
            raise Unavailable("the database is not reachable; try again")
        return self.version


class Times:
    """Certificates that end at known moments."""

    def __init__(self, scanner: datetime | None = None, database: datetime | None = None) -> None:
        self.scanner = scanner
        self.database = database

    def central(self) -> datetime:
        return ENDS

    async def scanner_v4(self) -> datetime | None:
        return self.scanner

    async def central_db(self) -> datetime | None:
        return self.database


class LastBackup:
    """The outcome of the last backup, as the store keeps it."""

    def __init__(self, info: BackupInfo | None) -> None:
        self.info = info

    async def last(self) -> BackupInfo | None:
        return self.info


def metadata(
    version: str = "15.8", *, external: bool = False, backup: BackupInfo | None = None
) -> MetadataService:
    def challenge(token: str) -> TLSChallengeResponse:
        return TLSChallengeResponse(trust_info_serialized=token.encode())

    return MetadataService(
        database=Database(version),
        external_database=external,
        backups=LastBackup(backup),
        challenge=challenge,
    )


async def test_ping_answers_ok_to_anybody() -> None:
    assert (await PingService().Ping(Empty(), NOBODY)).status == "ok"
    assert PingService.AUTHZ == {"Ping": OPEN}


async def test_flags_are_told_by_name_with_their_state() -> None:
    flags = {flag: flag is features.SCANNER_V4 for flag in features.ALL}
    answer = await FeatureFlagService(flags=flags).GetFeatureFlags(Empty(), NOBODY)
    assert [(flag.name, flag.env_var, flag.enabled) for flag in answer.feature_flags] == [
        ("Images are keyed by name and digest", "ROX_FLATTEN_IMAGE_DATA", False),
        ("Init containers are part of a deployment", "ROX_INIT_CONTAINER_SUPPORT", False),
        ("Process baselines can be locked once they are learned", "ROX_AUTO_LOCK_PROCESS_BASELINES", False),
        ("Scanner V4 is installed", "ROX_SCANNER_V4", True),
    ]


async def test_preferences_tell_the_receive_limit() -> None:
    answer = await GRPCPreferencesService(max_receive_bytes=25165824).Get(Empty(), NOBODY)
    assert answer.max_grpc_receive_size_bytes == 25165824


async def test_upgrade_status_is_the_recorded_one() -> None:
    status = (await CentralHealthService().GetUpgradeStatus(Empty(), NOBODY)).upgradeStatus
    assert (status.version, status.force_rollback_to) == (WIRE_VERSION, "4.6")
    assert status.can_rollback_after_upgrade
    assert status.space_required_for_rollback_after_upgrade == 0


async def test_metadata_names_the_wire_version_and_its_sensors() -> None:
    answer = await metadata().GetMetadata(Empty(), NOBODY)
    assert (answer.version, answer.build_flavor, answer.release_build) == (WIRE_VERSION, "release", True)
    assert answer.license_status == Metadata.VALID
    assert list(answer.compatible_sensor_versions) == ["4.9", "4.10", "4.11", "5.0", "5.1", "5.2", "5.3"]
    assert WIRE_VERSION.rpartition(".")[0] in answer.compatible_sensor_versions


@pytest.mark.parametrize(
    ("who", "text"),
    [
        (Identity(), "[credentials not found, credentials not found]"),
        (
            service("COLLECTOR_SERVICE"),
            "[not authorized: only specific service identities may call this method, credentials not found]",
        ),
    ],
)
def test_metadata_refuses_others_with_every_reason(who: Identity, text: str) -> None:
    with pytest.raises(RoxError) as caught:
        MetadataService.AUTHZ["GetMetadata"].check(who)
    assert caught.value.CODE == 7
    assert caught.value.message == (
        f"not authorized: no authorizer could authorize this request: errors: {text}"
    )
    MetadataService.AUTHZ["GetMetadata"].check(service("SENSOR_SERVICE"))
    MetadataService.AUTHZ["GetMetadata"].check(Identity(uid="a", grants=FullGrants()))


async def test_challenge_is_answered_to_anybody() -> None:
    answer = await metadata().TLSChallenge(TLSChallengeRequest(challenge_token="t"), NOBODY)
    assert answer.trust_info_serialized == b"t"
    assert MetadataService.AUTHZ["TLSChallenge"] == OPEN


@pytest.mark.parametrize("external", [True, False])
async def test_database_status_tells_the_servers_own_words(external: bool) -> None:
    status = await metadata("15.20 (Debian 15.20-0+deb12u1)", external=external).GetDatabaseStatus(
        Empty(), NOBODY
    )
    assert status == DatabaseStatus(
        database_available=True,
        database_type=DatabaseStatus.PostgresDB,
        database_version="15.20 (Debian 15.20-0+deb12u1)",
        database_is_external=external,
    )


async def test_database_that_is_away_is_told_as_such() -> None:
    with pytest.raises(Unavailable):
        await metadata("").GetDatabaseStatus(Empty(), NOBODY)


async def test_backup_status_without_a_backup_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        await metadata().GetDatabaseBackupStatus(Empty(), NOBODY)
    assert caught.value.message == "not found"


async def test_backup_status_tells_the_last_backup() -> None:
    info = BackupInfo(status=OperationStatus.PASS, requestor=SlimUser(id="admin", name="admin"))
    answer = await metadata(backup=info).GetDatabaseBackupStatus(Empty(), NOBODY)
    assert answer == DatabaseBackupStatus(backup_info=info)


async def test_capabilities_are_the_recorded_ones() -> None:
    available = CentralServicesCapabilities.CapabilityAvailable
    answer = await metadata().GetCentralCapabilities(Empty(), NOBODY)
    found = {field.name: value for field, value in answer.ListFields()}
    assert found.pop("central_can_use_acscs_email_integration") == (
        CentralServicesCapabilities.CapabilityDisabled
    )
    # Available has the number 0, so that it does not show among the set fields.
    assert found == {}
    assert answer.central_can_update_cert == available


@pytest.mark.parametrize(
    ("component", "times", "ends"),
    [
        (COMPONENT.CENTRAL, Times(), ENDS),
        (COMPONENT.SCANNER_V4, Times(scanner=ENDS.replace(month=1)), ENDS.replace(month=1)),
        (COMPONENT.CENTRAL_DB, Times(database=ENDS.replace(month=2)), ENDS.replace(month=2)),
    ],
)
async def test_expiry_of_a_component_is_its_certificates_end(
    component: COMPONENT.ValueType, times: Times, ends: datetime
) -> None:
    service = CredentialExpiryService(times=times)
    answer = await service.GetCertExpiry(GetCertExpiry.Request(component=component), NOBODY)
    assert answer.expiry.ToDatetime(UTC) == ends


@pytest.mark.parametrize(
    ("component", "kind", "message"),
    [
        (COMPONENT.UNKNOWN, Invalid, "invalid component: UNKNOWN: invalid arguments"),
        (COMPONENT.CENTRAL_DB, Internal, "Central db refused TLS connection"),
        (COMPONENT.SCANNER_V4, Invalid, "Scanner V4 is not enabled/integrated: invalid arguments"),
        (COMPONENT.SCANNER, Invalid, "invalid component: SCANNER: invalid arguments"),
        (99, Invalid, "invalid component: 99: invalid arguments"),
    ],
)
async def test_expiry_of_what_is_not_there_is_refused_in_the_recorded_words(
    component: int, kind: type[RoxError], message: str
) -> None:
    request = GetCertExpiry.Request()
    request.component = component  # type: ignore[assignment]  # any number may come over the wire
    with pytest.raises(kind) as caught:
        await CredentialExpiryService(times=Times()).GetCertExpiry(request, NOBODY)
    assert caught.value.message == message
