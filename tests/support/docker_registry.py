"""Debian's docker-registry as a process: TLS with a certificate of its own, basic auth."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import httpx

from tests.support.fake_registry import DOCKER_LAYER, DOCKER_MANIFEST, certificate, digest_of
from tests.support.pg import free_port

CONFIG: Mapping[str, object] = {
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

    def push(self, repository: str, tag: str, *layers: bytes, diff_ids: Sequence[str] = ()) -> str:
        """Upload an image as any client does; its digest.

        `diff_ids` are the digests of the layers' tars, which some clients want.
        """
        context = ssl.create_default_context(cadata=self.ca_pem)
        with httpx.Client(
            base_url=f"https://{self.host}", auth=("puller", "right"), verify=context, trust_env=False
        ) as client:
            rootfs = {"rootfs": {"type": "layers", "diff_ids": list(diff_ids)}} if diff_ids else {}
            raw = json.dumps({**CONFIG, **rootfs}).encode()
            for blob in (raw, *layers):
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
                "layers": [
                    {"mediaType": DOCKER_LAYER, "size": len(layer), "digest": digest_of(layer)}
                    for layer in layers
                ],
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


@contextmanager
def serving(directory: Path) -> Iterator[Real]:
    """Run it on a free port; the user is `puller`, the password `right`."""
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
            process.wait(timeout=60)


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
