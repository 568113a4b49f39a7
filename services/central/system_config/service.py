"""`v1.ConfigService`: the system configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.clock import Clock
from pyrox.errors import Invalid
from pyrox.pb.api.v1 import config_service_pb2, empty_pb2
from pyrox.pb.storage.config_pb2 import (
    Config,
    PlatformComponentConfig,
    PrivateConfig,
    PublicConfig,
    VulnerabilityExceptionConfig,
)
from pyrox.rpc.authz import ANONYMOUS, AnyOf, Permissions, Rule
from pyrox.rpc.call import Call
from services.central.system_config import defaults
from services.central.system_config.store import ConfigStore

_READ = Permissions(read=("Administration",))
_WRITE = Permissions(write=("Administration",))
_LAYERED_PRODUCTS = "red hat layered products"


class ConfigService:
    """`v1.ConfigService`."""

    SERVICE: ClassVar[str] = "v1.ConfigService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetPublicConfig": ANONYMOUS,
        "GetPrivateConfig": _READ,
        "GetVulnerabilityExceptionConfig": AnyOf.of(
            Permissions(read=("VulnerabilityManagementRequests",)), _READ
        ),
        "UpdateVulnerabilityExceptionConfig": _WRITE,
        "GetPlatformComponentConfig": _READ,
        "UpdatePlatformComponentConfig": _WRITE,
        "GetConfig": _READ,
        "PutConfig": _WRITE,
        "GetDefaultRedHatLayeredProductsRegex": _READ,
    }

    def __init__(self, *, store: ConfigStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def GetPublicConfig(self, _: empty_pb2.Empty, __: Call) -> PublicConfig:
        """Banners and the login notice."""
        return (await self._store.load()).public_config

    async def GetPrivateConfig(self, _: empty_pb2.Empty, __: Call) -> PrivateConfig:
        """Retention and the like."""
        return (await self._store.load()).private_config

    async def GetConfig(self, _: empty_pb2.Empty, __: Call) -> Config:
        """Everything."""
        return await self._store.load()

    async def PutConfig(self, request: config_service_pb2.PutConfigRequest, _: Call) -> Config:
        """Replace everything; an absent part of the private configuration keeps its value."""
        if not request.HasField("config"):
            raise Invalid.because("config must be specified")
        current = await self._store.load()
        config = Config()
        config.CopyFrom(request.config)
        if not config.HasField("platform_component_config"):
            config.platform_component_config.CopyFrom(current.platform_component_config)
        config.platform_component_config.needs_reevaluation = False
        private = config.private_config
        if not private.HasField("vulnerability_exception_config"):
            private.vulnerability_exception_config.CopyFrom(
                current.private_config.vulnerability_exception_config
            )
        await self._store.put(config)
        return config

    async def GetVulnerabilityExceptionConfig(
        self, _: empty_pb2.Empty, __: Call
    ) -> config_service_pb2.GetVulnerabilityExceptionConfigResponse:
        """What deferrals an analyst may ask for."""
        found = (await self._store.load()).private_config.vulnerability_exception_config
        # The API's message and the stored one have the same fields under the same numbers.
        shown = config_service_pb2.VulnerabilityExceptionConfig.FromString(found.SerializeToString())
        return config_service_pb2.GetVulnerabilityExceptionConfigResponse(config=shown)

    async def UpdateVulnerabilityExceptionConfig(
        self, request: config_service_pb2.UpdateVulnerabilityExceptionConfigRequest, _: Call
    ) -> config_service_pb2.UpdateVulnerabilityExceptionConfigResponse:
        """Replace what deferrals an analyst may ask for."""
        config = await self._store.load()
        stored = VulnerabilityExceptionConfig.FromString(request.config.SerializeToString())
        config.private_config.vulnerability_exception_config.CopyFrom(stored)
        await self._store.put(config)
        return config_service_pb2.UpdateVulnerabilityExceptionConfigResponse(config=request.config)

    async def GetPlatformComponentConfig(self, _: empty_pb2.Empty, __: Call) -> PlatformComponentConfig:
        """The namespaces that count as platform."""
        return (await self._store.load()).platform_component_config

    async def UpdatePlatformComponentConfig(
        self, request: config_service_pb2.PutPlatformComponentConfigRequest, _: Call
    ) -> PlatformComponentConfig:
        """Replace the namespaces that count as platform."""
        config = await self._store.load()
        config.platform_component_config.ClearField("rules")
        config.platform_component_config.rules.extend(request.rules)
        await self._store.put(config)
        return config.platform_component_config

    async def GetDefaultRedHatLayeredProductsRegex(
        self, _: empty_pb2.Empty, __: Call
    ) -> config_service_pb2.GetDefaultRedHatLayeredProductsRegexResponse:
        """The pattern of Red Hat's layered products that an installation starts with."""
        rules = defaults.load(self._clock.now()).platform_component_config.rules
        regex = next(rule.namespace_rule.regex for rule in rules if rule.name == _LAYERED_PRODUCTS)
        return config_service_pb2.GetDefaultRedHatLayeredProductsRegexResponse(regex=regex)
