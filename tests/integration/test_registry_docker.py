"""The registry client against Debian's docker-registry: TLS, basic auth, own CA."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import Invalid, NotFound
from pyrox.registry.auth import Credentials
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.names import parse_reference
from pyrox.registry.transport import Tls
from tests.support.docker_registry import Real, serving
from tests.support.fake_registry import digest_of, layer_of

pytestmark = pytest.mark.needs("docker_registry")

LAYER = layer_of({"etc/os-release": b"ID=debian\n"})


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with serving(tmp_path_factory.mktemp("docker-registry")) as registry:
        yield registry


def client(real: Real, password: str = "right") -> RegistryClient:  # noqa: S107 - a test
    endpoint = Endpoint(real.host, "https", Credentials("puller", password), Tls(ca_pem=real.ca_pem))
    return RegistryClient(endpoint, clock=SystemClock())


async def test_pushed_image_is_read_back(real: Real) -> None:
    digest = real.push("team/app", "1", LAYER)
    async with client(real) as reader:
        await reader.ping()
        reference = parse_reference(f"{real.host}/team/app:1")
        manifest = await reader.resolve(reference)
        assert manifest.digest == digest
        metadata = await reader.metadata(reference)
        assert (metadata.v1.user, metadata.v1.layers[0].instruction) == ("app", "USER")
        data = b"".join([part async for part in reader.blob("team/app", manifest.layers[0])])
    assert hashlib.sha256(data).hexdigest() == digest_of(LAYER).removeprefix("sha256:")


async def test_wrong_password_shows_the_registrys_own_words(real: Real) -> None:
    async with client(real, "wrong") as reader:
        with pytest.raises(Invalid, match="401 Unauthorized: UNAUTHORIZED: authentication required"):
            await reader.ping()


async def test_unknown_tag_shows_the_registrys_own_words(real: Real) -> None:
    real.push("team/app", "1", LAYER)
    async with client(real) as reader:
        with pytest.raises(NotFound, match="MANIFEST_UNKNOWN: manifest unknown"):
            await reader.resolve(parse_reference(f"{real.host}/team/app:no-such-tag"))


async def test_blob_damaged_on_the_registrys_disk_is_refused(real: Real) -> None:
    layer = layer_of({"will": b"rot"})
    real.push("team/rotten", "1", layer)
    real.damage(digest_of(layer))
    async with client(real) as reader:
        manifest = await reader.resolve(parse_reference(f"{real.host}/team/rotten:1"))
        with pytest.raises(Invalid, match="with the digest sha256:"):
            _ = [part async for part in reader.blob("team/rotten", manifest.layers[0])]
