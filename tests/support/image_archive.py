"""Image archives (docker-archive, what `docker save` writes) with a layer more."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.cluster import run
from tests.support.fake_registry import tar_of


def with_layer(source: Path, target: Path, tag: str, files: Mapping[str, bytes]) -> None:
    """Write the image again under another tag, with these files in a layer on top."""
    layer = tar_of(files)
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        (manifest,) = json.loads(_read(old, "manifest.json"))
        config = json.loads(_read(old, manifest["Config"]))
        config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
        config.setdefault("history", []).append({"created_by": "COPY app /"})
        config["config"].pop("Entrypoint", None)
        raw = json.dumps(config).encode()
        written: dict[str, Any] = {
            "Config": f"{hashlib.sha256(raw).hexdigest()}.json",
            "RepoTags": [tag],
            "Layers": [*manifest["Layers"], "added.tar"],
        }
        for name in manifest["Layers"]:
            new.addfile(old.getmember(name), old.extractfile(name))
        _add(new, "added.tar", layer)
        _add(new, written["Config"], raw)
        _add(new, "manifest.json", json.dumps([written]).encode())


def push(archive: Path, reference: str) -> None:
    """Upload the archive to a registry without TLS."""
    run("skopeo", "copy", "--dest-tls-verify=false", f"docker-archive:{archive}", f"docker://{reference}")


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, name
    raw = file.read()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
