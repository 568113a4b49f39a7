"""The read half of the Distribution API."""

from __future__ import annotations

import pytest

from services.local.simulated import images
from services.local.simulated.images import MANIFEST_TYPE, Images
from services.local.simulated.registry import Registry
from tests.support.asgi import request


@pytest.fixture(scope="module")
def built() -> Images:
    return images.build()


async def test_a_manifest_is_served_by_tag_and_by_digest(built: Images) -> None:
    registry = Registry(built)
    by_tag = await request(registry, "GET", "/v2/shop/cart/manifests/latest")
    digest = by_tag.headers["docker-content-digest"]
    by_digest = await request(registry, "GET", f"/v2/shop/cart/manifests/{digest}")
    assert by_tag.status == by_digest.status == 200
    assert by_tag.headers["content-type"] == MANIFEST_TYPE
    assert by_tag.body == by_digest.body
    assert images.digest(by_tag.body) == digest


async def test_blobs_tags_and_the_catalogue_are_served(built: Images) -> None:
    registry = Registry(built)
    config = (await request(registry, "GET", "/v2/shop/cart/manifests/2.3.0")).json["config"]["digest"]
    assert images.digest((await request(registry, "GET", f"/v2/shop/cart/blobs/{config}")).body) == config
    assert (await request(registry, "GET", "/v2/shop/cart/tags/list")).json["tags"] == ["2.3.0", "latest"]
    assert "shop/cart" in (await request(registry, "GET", "/v2/_catalog")).json["repositories"]
    assert (await request(registry, "GET", "/v2/")).status == 200


async def test_head_answers_the_size_without_the_content(built: Images) -> None:
    answer = await request(Registry(built), "HEAD", "/v2/shop/cart/manifests/latest")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/shop/none/manifests/latest", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/shop/cart/manifests/none", 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/shop/cart/blobs/sha256:0", 404, "BLOB_UNKNOWN"),
        ("GET", "/v2/../etc/passwd", 404, "NAME_UNKNOWN"),
        ("PUT", "/v2/shop/cart/manifests/latest", 405, "UNSUPPORTED"),
    ],
)
async def test_what_is_not_served_has_the_protocols_error(
    built: Images, method: str, path: str, status: int, code: str
) -> None:
    answer = await request(Registry(built), method, path)
    assert answer.status == status
    assert answer.json["errors"][0]["code"] == code
