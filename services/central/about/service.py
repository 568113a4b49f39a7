"""Servicers for Central's own facts; none of them touches stored objects.

`MetadataService` also answers the TLS challenge, with which a Sensor makes sure that it
talks to its own Central before it sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Protocol

from pyrox.errors import Internal, Invalid, NotFound
from pyrox.features import Flag
from pyrox.pb.api.v1 import (
    central_health_service_pb2,
    credential_expiry_service_pb2,
    empty_pb2,
    feature_flag_service_pb2,
    grpc_preference_service_pb2,
    metadata_service_pb2,
    ping_service_pb2,
)
from pyrox.pb.storage.system_info_pb2 import BackupInfo
from pyrox.rpc.authz import ADMIN, ANONYMOUS, AUTHENTICATED, AnyOf, Rule, Services
from pyrox.rpc.call import Call
from pyrox.version import WIRE_VERSION
from services.central.about.version import COMPATIBLE_SENSOR_VERSIONS, FORCE_ROLLBACK_TO

Component = credential_expiry_service_pb2.GetCertExpiry.Component
Capability = metadata_service_pb2.CentralServicesCapabilities


class PingService:
    """`v1.PingService`: the liveness answer."""

    SERVICE: ClassVar[str] = "v1.PingService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"Ping": ANONYMOUS}

    async def Ping(self, _: empty_pb2.Empty, __: Call) -> ping_service_pb2.PongMessage:
        """`{"status": "ok"}`."""
        return ping_service_pb2.PongMessage(status="ok")


class FeatureFlagService:
    """`v1.FeatureFlagService`: which flags are on."""

    SERVICE: ClassVar[str] = "v1.FeatureFlagService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetFeatureFlags": ANONYMOUS}

    def __init__(self, *, flags: Mapping[Flag, bool]) -> None:
        self._flags = flags

    async def GetFeatureFlags(
        self, _: empty_pb2.Empty, __: Call
    ) -> feature_flag_service_pb2.GetFeatureFlagsResponse:
        """All flags, by name."""
        answer = feature_flag_service_pb2.GetFeatureFlagsResponse()
        for flag, enabled in sorted(self._flags.items(), key=lambda item: item[0].name):
            answer.feature_flags.add(name=flag.name, env_var=flag.env_var, enabled=enabled)
        return answer


class GRPCPreferencesService:
    """`v1.GRPCPreferencesService`: how large a message a Sensor may send."""

    SERVICE: ClassVar[str] = "v1.GRPCPreferencesService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"Get": ANONYMOUS}

    def __init__(self, *, max_receive_bytes: int) -> None:
        self._max_receive_bytes = max_receive_bytes

    async def Get(self, _: empty_pb2.Empty, __: Call) -> grpc_preference_service_pb2.Preferences:
        """The receive limit in bytes."""
        return grpc_preference_service_pb2.Preferences(max_grpc_receive_size_bytes=self._max_receive_bytes)


class CentralHealthService:
    """`v1.CentralHealthService`: what an administrator may roll back to."""

    SERVICE: ClassVar[str] = "v1.CentralHealthService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetUpgradeStatus": ADMIN}

    async def GetUpgradeStatus(
        self, _: empty_pb2.Empty, __: Call
    ) -> central_health_service_pb2.GetUpgradeStatusResponse:
        """The running version; migrations go forward only, so space is never needed."""
        status = central_health_service_pb2.CentralUpgradeStatus(
            version=WIRE_VERSION, force_rollback_to=FORCE_ROLLBACK_TO, can_rollback_after_upgrade=True
        )
        return central_health_service_pb2.GetUpgradeStatusResponse(upgradeStatus=status)


class DatabaseFacts(Protocol):
    """What the status page asks of the database."""

    async def server_version(self) -> str:
        """The server's version text; raises `Unavailable` when it does not answer."""


class BackupFacts(Protocol):
    """What is known of the last backup."""

    async def last(self) -> BackupInfo | None:
        """It, or None when none was made yet."""


Challenge = Callable[[str], metadata_service_pb2.TLSChallengeResponse]
"""Answers a challenge token; raises `Invalid` for one of the wrong form."""


class MetadataService:
    """`v1.MetadataService`."""

    SERVICE: ClassVar[str] = "v1.MetadataService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetMetadata": AnyOf.of(Services.of("SENSOR_SERVICE"), AUTHENTICATED),
        "TLSChallenge": ANONYMOUS,
        "GetDatabaseStatus": AUTHENTICATED,
        "GetDatabaseBackupStatus": AUTHENTICATED,
        "GetCentralCapabilities": AUTHENTICATED,
    }

    def __init__(
        self, *, database: DatabaseFacts, external_database: bool, backups: BackupFacts, challenge: Challenge
    ) -> None:
        self._database = database
        self._backups = backups
        self._external = external_database
        self._challenge = challenge

    async def GetMetadata(self, _: empty_pb2.Empty, __: Call) -> metadata_service_pb2.Metadata:
        """The wire version and what Sensors it works with."""
        return metadata_service_pb2.Metadata(
            version=WIRE_VERSION,
            build_flavor="release",
            release_build=True,
            license_status=metadata_service_pb2.Metadata.VALID,
            compatible_sensor_versions=COMPATIBLE_SENSOR_VERSIONS,
        )

    async def TLSChallenge(
        self, request: metadata_service_pb2.TLSChallengeRequest, _: Call
    ) -> metadata_service_pb2.TLSChallengeResponse:
        """A signed statement of Central's certificate chains over the caller's nonce."""
        return self._challenge(request.challenge_token)

    async def GetDatabaseStatus(self, _: empty_pb2.Empty, __: Call) -> metadata_service_pb2.DatabaseStatus:
        """Availability and version of Central DB."""
        return metadata_service_pb2.DatabaseStatus(
            database_available=True,
            database_type=metadata_service_pb2.DatabaseStatus.PostgresDB,
            database_version=await self._database.server_version(),
            database_is_external=self._external,
        )

    async def GetDatabaseBackupStatus(
        self, _: empty_pb2.Empty, __: Call
    ) -> metadata_service_pb2.DatabaseBackupStatus:
        """The last backup and how it ended."""
        info = await self._backups.last()
        if info is None:
            raise NotFound
        return metadata_service_pb2.DatabaseBackupStatus(backup_info=info)

    async def GetCentralCapabilities(self, _: empty_pb2.Empty, __: Call) -> Capability:
        """What this installation may use; only a managed Central has less."""
        return Capability(
            central_scanning_can_use_container_iam_role_for_ecr=Capability.CapabilityAvailable,
            central_can_use_cloud_backup_integrations=Capability.CapabilityAvailable,
            central_can_display_declarative_config_health=Capability.CapabilityAvailable,
            central_can_update_cert=Capability.CapabilityAvailable,
            central_can_use_acscs_email_integration=Capability.CapabilityDisabled,
        )


class CertificateTimes(Protocol):
    """When the certificates of the installation's parts end."""

    def central(self) -> datetime:
        """Of the certificate that Central serves."""

    async def scanner_v4(self) -> datetime | None:
        """Of the Scanner V4 part that ends first; None when none is installed."""

    async def central_db(self) -> datetime | None:
        """Of the database server; None when it refuses TLS."""


class CredentialExpiryService:
    """`v1.CredentialExpiryService`."""

    SERVICE: ClassVar[str] = "v1.CredentialExpiryService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetCertExpiry": AUTHENTICATED}

    def __init__(self, *, times: CertificateTimes) -> None:
        self._times = times

    async def GetCertExpiry(
        self, request: credential_expiry_service_pb2.GetCertExpiry.Request, _: Call
    ) -> credential_expiry_service_pb2.GetCertExpiry.Response:
        """The moment after which the component's certificate is refused."""
        answer = credential_expiry_service_pb2.GetCertExpiry.Response()
        answer.expiry.FromDatetime(await self._expiry(request.component))
        return answer

    async def _expiry(self, component: Component.ValueType) -> datetime:
        if component == Component.CENTRAL:
            return self._times.central()
        if component == Component.CENTRAL_DB:
            moment = await self._times.central_db()
            if moment is None:
                raise Internal("Central db refused TLS connection")
            return moment
        if component == Component.SCANNER_V4:
            moment = await self._times.scanner_v4()
            if moment is None:
                raise Invalid.because("Scanner V4 is not enabled/integrated")
            return moment
        name = Component.Name(component) if component in Component.values() else str(component)
        raise Invalid.because(f"invalid component: {name}")
