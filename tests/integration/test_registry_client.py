"""The registry client against real HTTP servers: a well-behaved one and one that is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import Exhausted, Invalid, NotFound, Unavailable
from pyrox.registry.auth import Credentials
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.manifest import Descriptor
from pyrox.registry.names import parse_reference
from pyrox.registry.transport import Limits, Tls
from tests.support.fake_registry import (
    DOCKER_LIST,
    FakeRegistry,
    certificate,
    digest_of,
    layer_of,
    running,
    tar_of,
)

LAYER = layer_of({"etc/os-release": b"ID=debian\n"})


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running(FakeRegistry()) as fake:
        yield fake


def client(
    fake: FakeRegistry, *, password: str = "", tls: Tls | None = None, limits: Limits | None = None
) -> RegistryClient:
    credentials = Credentials("puller", password) if password else Credentials()
    endpoint = Endpoint(fake.host, fake.base.partition(":")[0], credentials, tls or Tls())
    return RegistryClient(endpoint, clock=SystemClock(), limits=limits)


async def blob(fake: FakeRegistry, digest: str, size: int = 0, **options: object) -> bytes:
    async with client(fake, **options) as registry:  # type: ignore[arg-type]
        descriptor = Descriptor(digest, size)  # type: ignore[arg-type]
        return b"".join([part async for part in registry.blob("team/app", descriptor)])


async def test_metadata_of_an_image_equals_what_was_pushed(registry: FakeRegistry) -> None:
    config = {
        "created": "2024-01-01T00:00:00.123456789Z",
        "config": {"User": "", "Cmd": ["sh"], "Volumes": {"/data": {}}, "Labels": {"a": "b"}},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "/bin/sh -c #(nop) ADD file:1 in / "}],
    }
    digest = registry.push("team/app", "1", [LAYER], config)
    async with client(registry) as reader:
        found = await reader.metadata(parse_reference(f"{registry.host}/team/app:1"))
    assert found.v2.digest == digest
    assert list(found.layer_shas) == [digest_of(LAYER)]
    assert (found.v1.user, list(found.v1.command), list(found.v1.volumes)) == ("root", ["sh"], ["/data"])
    assert (found.v1.layers[0].instruction, found.v1.layers[0].value) == ("ADD", "file:1 in /")
    assert found.v1.created.nanos == 123456789


async def test_manifest_list_is_resolved_to_the_platform(registry: FakeRegistry) -> None:
    arm = registry.push("team/app", "arm", [layer_of({"a": b"arm"})])
    amd = registry.push("team/app", "amd", [LAYER])
    entries = [
        {"digest": arm, "size": 1, "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": amd, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
    ]
    registry.add_manifest(
        "team/app", "all", json.dumps({"schemaVersion": 2, "manifests": entries}).encode(), DOCKER_LIST
    )
    async with client(registry) as reader:
        assert (await reader.resolve(parse_reference(f"{registry.host}/team/app:all"))).digest == amd


@pytest.mark.parametrize("kind", ["basic", "token"])
async def test_right_password_opens_the_registry(registry: FakeRegistry, kind: str) -> None:
    registry.auth = kind
    registry.push("team/app", "1", [LAYER])
    assert await blob(registry, digest_of(LAYER), password="right") == LAYER


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("basic", "UNAUTHORIZED: authentication required"),
        ("token", "UNAUTHORIZED: incorrect username or password"),
    ],
)
async def test_wrong_password_shows_the_registrys_own_words(
    registry: FakeRegistry, kind: str, words: str
) -> None:
    registry.auth = kind
    async with client(registry, password="wrong") as reader:
        with pytest.raises(Invalid, match=words):
            await reader.ping()


async def test_token_is_asked_once_for_several_requests(registry: FakeRegistry) -> None:
    registry.auth = "token"
    registry.push("team/app", "1", [LAYER])
    async with client(registry, password="right") as reader:
        for _ in range(3):
            await reader.manifest("team/app", "1")
    assert len(registry.asked("/token")) == 1


async def test_missing_image_is_not_found(registry: FakeRegistry) -> None:
    async with client(registry) as reader:
        with pytest.raises(NotFound, match="MANIFEST_UNKNOWN: manifest unknown"):
            await reader.resolve(parse_reference(f"{registry.host}/team/app:9"))


async def test_redirect_to_another_host_carries_no_credentials(registry: FakeRegistry) -> None:
    registry.auth = "basic"
    digest = registry.add_blob(LAYER)
    with running(FakeRegistry(blobs={digest: LAYER})) as store:
        registry.redirect[digest] = f"{store.base}/v2/x/blobs/{digest}"
        assert await blob(registry, digest, password="right") == LAYER
        assert "authorization" not in store.requests[0].headers
    assert "authorization" in registry.requests[-1].headers


async def test_redirect_loop_ends_with_an_error(registry: FakeRegistry) -> None:
    digest = registry.add_blob(LAYER)
    registry.redirect[digest] = f"{registry.base}/v2/team/app/blobs/{digest}"
    with pytest.raises(Invalid, match="redirects more than 5 times"):
        await blob(registry, digest)


async def test_redirect_from_https_to_http_is_refused(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path)
    with running(FakeRegistry(), context) as fake:
        digest = fake.add_blob(LAYER)
        fake.redirect[digest] = "http://127.0.0.1:1/elsewhere"
        with pytest.raises(Invalid, match="not safe to follow"):
            await blob(fake, digest, tls=Tls(ca_pem=pem))


async def test_blob_with_another_content_is_refused(registry: FakeRegistry) -> None:
    digest = registry.add_blob(LAYER)
    registry.lies[digest] = LAYER[:-1] + b"x"
    with pytest.raises(Invalid, match=f"blob team/app@{digest}: got"):
        await blob(registry, digest, len(LAYER))


async def test_blob_longer_than_its_manifest_says_is_cut_off(registry: FakeRegistry) -> None:
    digest = registry.add_blob(LAYER)
    with pytest.raises(Exhausted, match="larger than the 10 bytes"):
        await blob(registry, digest, 10)


async def test_blob_that_breaks_off_is_unavailable(registry: FakeRegistry) -> None:
    digest = registry.add_blob(LAYER)
    registry.break_off.add(digest)
    with pytest.raises(Unavailable, match="blob team/app@"):
        await blob(registry, digest)


async def test_manifest_with_another_digest_is_refused(registry: FakeRegistry) -> None:
    digest = registry.push("team/app", "1", [LAYER])
    registry.manifests["team/app", digest] = ("application/json", b'{"layers": []}')
    async with client(registry) as reader:
        with pytest.raises(Invalid, match="the registry sent another one"):
            await reader.manifest("team/app", digest)


async def test_manifest_too_large_is_refused(registry: FakeRegistry) -> None:
    registry.add_manifest("team/app", "1", b" " * 5000)
    async with client(registry, limits=Limits(manifest_bytes=4096)) as reader:
        with pytest.raises(Exhausted, match="larger than 4096 bytes"):
            await reader.manifest("team/app", "1")


async def test_silent_registry_is_given_up(registry: FakeRegistry) -> None:
    registry.hang.add("/v2/")
    async with client(registry, limits=Limits(read_seconds=0.2)) as reader:
        with pytest.raises(Unavailable, match="no answer in time"):
            await reader.ping()


async def test_unreachable_registry_is_unavailable() -> None:
    async with RegistryClient(Endpoint("127.0.0.1:1", "http"), clock=SystemClock()) as reader:
        with pytest.raises(Unavailable, match=r"registry 127\.0\.0\.1:1"):
            await reader.ping()


async def test_unknown_certificate_is_refused_unless_allowed(tmp_path: Path) -> None:
    context, pem = certificate(tmp_path)
    with running(FakeRegistry(), context) as fake:
        async with client(fake) as reader:
            with pytest.raises(Unavailable, match=r"(?i)certificate"):
                await reader.ping()
        for tls in (Tls(ca_pem=pem), Tls(verify=False)):
            async with client(fake, tls=tls) as reader:
                await reader.ping()


async def test_plain_tar_is_delivered_as_it_is(registry: FakeRegistry) -> None:
    tar = tar_of({"a": b"1"})
    assert await blob(registry, registry.add_blob(tar), len(tar)) == tar
