"""The built-in scanner's integration beside those that users made."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from pyrox.errors import Invalid
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.image_integration_service_pb2 import GetImageIntegrationsRequest as Wanted
from pyrox.pb.api.v1.image_integration_service_pb2 import UpdateImageIntegrationRequest as Update
from pyrox.pb.storage.image_integration_pb2 import ImageIntegration, ImageIntegrationCategory
from pyrox.pg.pool import Pool
from pyrox.registry.client import RegistryClient
from pyrox.rpc.call import Call
from services.central.integrations import scanner_v4
from services.central.integrations.service import ImageIntegrationService
from services.central.integrations.store import IntegrationStore
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")
CALL = Call(method="/test")


class Sensors:
    """Counts what Sensors are told."""

    def __init__(self) -> None:
        self.reprocessed = 0

    async def reprocess_all(self) -> None:
        self.reprocessed += 1


@pytest.fixture
async def service(central_pool: Pool) -> ImageIntegrationService:
    await central_pool.execute("TRUNCATE image_integrations CASCADE")
    return ImageIntegrationService(
        store=IntegrationStore(pool=central_pool),
        sensors=Sensors(),
        client=partial(RegistryClient, clock=FixedClock()),
        scanner=scanner_v4.integration("indexer:8443", "matcher:8443"),
        ca_pem="",
        allow_local=False,
    )


def docker(name: str, **fields: Any) -> ImageIntegration:
    made = ImageIntegration(
        name=name,
        type="docker",
        categories=[ImageIntegrationCategory.REGISTRY],
        skip_test_integration=True,
        **fields,
    )
    made.docker.endpoint, made.docker.password = "registry.example", "s3cret"
    return made


async def names(service: ImageIntegrationService, **wanted: str) -> list[str]:
    found = await service.GetImageIntegrations(Wanted(**wanted), CALL)
    return [one.name for one in found.integrations]


async def test_built_in_scanner_is_listed_with_the_others(service: ImageIntegrationService) -> None:
    await service.PostImageIntegration(docker("a"), CALL)
    await service.PostImageIntegration(docker("z", cluster_id="c1"), CALL)
    assert await names(service) == ["Scanner V4", "a", "z"]
    assert await names(service, name="a") == ["a"]
    assert await names(service, cluster="c2") == ["Scanner V4", "a"]
    shown = await service.GetImageIntegration(ResourceByID(id=scanner_v4.ID), CALL)
    assert shown.scanner_v4.indexer_endpoint == "indexer:8443"


async def test_built_in_scanner_is_neither_replaced_nor_removed(service: ImageIntegrationService) -> None:
    taken = docker("Scanner V4", id=scanner_v4.ID)
    for change in (
        service.PutImageIntegration(taken, CALL),
        service.UpdateImageIntegration(Update(config=taken, updatePassword=True), CALL),
        service.DeleteImageIntegration(ResourceByID(id=scanner_v4.ID), CALL),
    ):
        with pytest.raises(Invalid, match="belongs to the installation"):
            await change
    assert await names(service) == ["Scanner V4"]


@pytest.mark.parametrize(
    "endpoint", ["localhost", "http://localhost:5000", "127.0.0.1:5000", "https://127.0.0.1/v2", "[::1]:5000"]
)
async def test_local_endpoints_are_refused_before_they_are_asked(
    service: ImageIntegrationService, endpoint: str
) -> None:
    given = docker("local")
    given.docker.endpoint, given.skip_test_integration = endpoint, False
    with pytest.raises(Invalid, match="endpoint cannot reference localhost"):
        await service.TestImageIntegration(given, CALL)


async def test_change_without_config_is_refused(service: ImageIntegrationService) -> None:
    with pytest.raises(Invalid, match="request is missing image integration config"):
        await service.UpdateImageIntegration(Update(), CALL)
