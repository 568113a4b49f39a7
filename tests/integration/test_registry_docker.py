"""The registry client and the Indexer against Debian's docker-registry: TLS, basic auth, own CA."""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import httpx
import pytest

from pyrox.clock import SystemClock
from pyrox.errors import Invalid, NotFound
from pyrox.registry.auth import Credentials
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.names import parse_reference
from pyrox.registry.transport import Tls
from tests.support.fake_registry import DOCKER_LAYER, DOCKER_MANIFEST, certificate, digest_of, layer_of
from tests.support.pg import free_port

pytestmark = pytest.mark.needs("docker_registry")

LAYER = layer_of({"etc/os-release": b"ID=debian\n"})
CONFIG = {
    "os": "linux",
    "architecture": "amd64",
    "config": {"User": "app"},
    "history": [{"created_by": "USER app"}],
}


@dataclass
class Real:
    """A running docker-registry."""

    host: str
    ca_pem: str
    directory: Path

    def push(self, repository: str, tag: str, layer: bytes) -> str:
        """Upload an image as any client does; its digest."""
        context = ssl.create_default_context(cadata=self.ca_pem)
        with httpx.Client(
            base_url=f"https://{self.host}", auth=("puller", "right"), verify=context, trust_env=False
        ) as client:
            raw = json.dumps(CONFIG).encode()
            for blob in (raw, layer):
                upload = client.post(f"/v2/{repository}/blobs/uploads/").headers["location"]
                done = client.put(
                    httpx.URL(upload).copy_merge_params({"digest": digest_of(blob)}), content=blob
                )
                assert done.status_code == 201, done.text
            manifest = {
                "schemaVersion": 2,
                "mediaType": DOCKER_MANIFEST,
                "config": {
                    "mediaType": "application/vnd.docker.container.image.v1+json",
                    "size": len(raw),
                    "digest": digest_of(raw),
                },
                "layers": [{"mediaType": DOCKER_LAYER, "size": len(layer), "digest": digest_of(layer)}],
            }
            body = json.dumps(manifest).encode()
            put = client.put(
                f"/v2/{repository}/manifests/{tag}", content=body, headers={"content-type": DOCKER_MANIFEST}
            )
            assert put.status_code == 201, put.text
            return digest_of(body)

    def damage(self, digest: str) -> None:
        """Change a stored blob behind the registry's back."""
        algorithm, _, name = digest.partition(":")
        stored = self.directory / "data/docker/registry/v2/blobs" / algorithm / name[:2] / name / "data"
        raw = bytearray(stored.read_bytes())
        raw[-1] ^= 1
        stored.write_bytes(raw)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    directory = tmp_path_factory.mktemp("docker-registry")
    _, ca_pem = certificate(directory)
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    (directory / "htpasswd").write_text(f"puller:{hashed}\n")
    host = f"127.0.0.1:{free_port()}"
    (directory / "config.yml").write_text(
        f"""
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {directory}/data}}}}
http:
  addr: {host}
  tls: {{certificate: {directory}/cert.pem, key: {directory}/key.pem}}
auth: {{htpasswd: {{realm: real, path: {directory}/htpasswd}}}}
"""
    )
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(directory / "config.yml")], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(host, ca_pem, process)
            yield Real(host, ca_pem, directory)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(host: str, ca_pem: str, process: subprocess.Popen[bytes]) -> None:
    context = ssl.create_default_context(cadata=ca_pem)
    for _ in range(100):
        assert process.poll() is None, "docker-registry ended"
        try:
            httpx.get(f"https://{host}/v2/", verify=context, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("docker-registry does not answer")


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
