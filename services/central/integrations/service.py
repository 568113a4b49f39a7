"""`v1.ImageIntegrationService`: registries with their credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol
from uuid import uuid4

from pyrox.errors import Invalid, NotFound, RoxError, Unimplemented
from pyrox.pb.api.v1 import common_pb2, empty_pb2, image_integration_service_pb2
from pyrox.pb.storage.image_integration_pb2 import ImageIntegration, ImageIntegrationCategory
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.rpc.authz import AnyOf, Permissions, Rule, Services
from pyrox.rpc.call import Call
from services.central.integrations import scanner_v4
from services.central.integrations.registries import is_local, of_integration
from services.central.integrations.secrets import hidden, keep_stored
from services.central.integrations.store import IntegrationStore

_READ = AnyOf.of(Services.of("SENSOR_SERVICE"), Permissions(read=("Integration",)))
_WRITE = Permissions(write=("Integration",))
MakeClient = Callable[[Endpoint], RegistryClient]


class Sensors(Protocol):
    """What a new registry means for Sensors: images that failed may be scanned now."""

    async def reprocess_all(self) -> None:
        """Make every Sensor judge its deployments again."""


class ImageIntegrationService:
    """`v1.ImageIntegrationService`."""

    SERVICE: ClassVar[str] = "v1.ImageIntegrationService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetImageIntegration": _READ,
        "GetImageIntegrations": _READ,
        "PostImageIntegration": _WRITE,
        "PutImageIntegration": _WRITE,
        "TestImageIntegration": _WRITE,
        "DeleteImageIntegration": _WRITE,
        "UpdateImageIntegration": _WRITE,
        "TestUpdatedImageIntegration": _WRITE,
    }

    def __init__(
        self,
        *,
        store: IntegrationStore,
        sensors: Sensors,
        client: MakeClient,
        scanner: ImageIntegration | None,
        ca_pem: str,
        allow_local: bool,
    ) -> None:
        """`scanner` is the built-in scanner's integration; `ca_pem` further CAs for registries."""
        self._store = store
        self._sensors = sensors
        self._client = client
        self._scanner = scanner
        self._ca_pem = ca_pem
        self._allow_local = allow_local

    async def GetImageIntegration(self, request: common_pb2.ResourceByID, call: Call) -> ImageIntegration:
        """One integration; Sensors see its secrets."""
        return self._shown(await self._known(request.id), call)

    async def GetImageIntegrations(
        self, request: image_integration_service_pb2.GetImageIntegrationsRequest, call: Call
    ) -> image_integration_service_pb2.GetImageIntegrationsResponse:
        """All integrations, or those of a name or cluster."""
        found = await self._store.all_integrations()
        if self._scanner is not None:
            found.append(self._scanner)
        if request.name:
            found = [one for one in found if one.name == request.name]
        if request.cluster:
            found = [one for one in found if one.cluster_id in {"", request.cluster}]
        return image_integration_service_pb2.GetImageIntegrationsResponse(
            integrations=[self._shown(one, call) for one in sorted(found, key=lambda one: one.name)]
        )

    async def PostImageIntegration(self, request: ImageIntegration, _: Call) -> ImageIntegration:
        """Add an integration, after it was tried unless `skipTestIntegration` says not to."""
        if request.id:
            raise Invalid.because("id field should be empty when posting a new image integration")
        self._check(request)
        if not request.skip_test_integration:
            await self._try(request)
        request.id = str(uuid4())
        await self._store.put(request)
        await self._sensors.reprocess_all()
        return hidden(request)

    async def PutImageIntegration(self, request: ImageIntegration, _: Call) -> empty_pb2.Empty:
        """Replace an integration, secrets included."""
        await self._known_of_users(request.id)
        self._check(request)
        if not request.skip_test_integration:
            await self._try(request)
        await self._store.put(request)
        await self._sensors.reprocess_all()
        return empty_pb2.Empty()

    async def UpdateImageIntegration(
        self, request: image_integration_service_pb2.UpdateImageIntegrationRequest, call: Call
    ) -> empty_pb2.Empty:
        """Replace an integration; stored secrets are kept unless `updatePassword`."""
        return await self.PutImageIntegration(await self._merged(request), call)

    async def TestUpdatedImageIntegration(
        self, request: image_integration_service_pb2.UpdateImageIntegrationRequest, call: Call
    ) -> empty_pb2.Empty:
        """Try a change without storing it."""
        return await self.TestImageIntegration(await self._merged(request), call)

    async def TestImageIntegration(self, request: ImageIntegration, _: Call) -> empty_pb2.Empty:
        """Try an integration without storing it."""
        self._check(request)
        await self._try(request)
        return empty_pb2.Empty()

    async def DeleteImageIntegration(self, request: common_pb2.ResourceByID, _: Call) -> empty_pb2.Empty:
        """Remove an integration."""
        if not request.id:
            raise Invalid.because("image integration id must be provided")
        await self._known_of_users(request.id)
        await self._store.delete(request.id)
        return empty_pb2.Empty()

    def _shown(self, integration: ImageIntegration, call: Call) -> ImageIntegration:
        return integration if call.identity.service is not None else hidden(integration)

    async def _known(self, integration_id: str) -> ImageIntegration:
        if self._scanner is not None and integration_id == self._scanner.id:
            return self._scanner
        found = await self._store.get(integration_id)
        if found is None:
            raise NotFound.because(f"image integration {integration_id}")
        return found

    async def _known_of_users(self, integration_id: str) -> ImageIntegration:
        """One that users made: the built-in one is the installation's."""
        found = await self._known(integration_id)
        if found is self._scanner:
            raise Invalid.because(f"integration {found.name!r} belongs to the installation")
        return found

    async def _merged(
        self, request: image_integration_service_pb2.UpdateImageIntegrationRequest
    ) -> ImageIntegration:
        if not request.HasField("config"):
            raise Invalid.because("request is missing image integration config")
        if not request.updatePassword:
            keep_stored(request.config, await self._known(request.config.id))
        return request.config

    def _check(self, integration: ImageIntegration) -> None:
        errors = [] if integration.name else ["integration name must be defined"]
        if not integration.type:
            errors.append("integration type must be defined")
        if not integration.categories:
            errors.append("integration categories must be defined")
        if errors:
            plural = "errors" if len(errors) > 1 else "error"
            listed = f"[{', '.join(errors)}]" if len(errors) > 1 else errors[0]
            raise Invalid(f"Validation {plural}: {listed}")
        if integration.type == scanner_v4.TYPE:
            raise Invalid.because(
                "scanner V4 integrations are made by the installation and cannot be created"
            )

    async def _try(self, integration: ImageIntegration) -> None:
        """Ask the registry whether it takes the credentials; its own words are the error."""
        registry = of_integration(integration, self._ca_pem)
        if registry is None:
            kinds = ", ".join(ImageIntegrationCategory.Name(category) for category in integration.categories)
            raise Unimplemented(
                f"integration type {integration.type!r} with categories {kinds} is not served"
            )
        if is_local(registry.endpoint.host) and not self._allow_local:
            raise Invalid.because("endpoint cannot reference localhost")
        try:
            async with self._client(registry.endpoint) as client:
                await client.ping()
        except RoxError as error:
            raise Invalid.because(f"registry integration: {error.message}") from error
