"""What an image holds, read from its archive: the files that its layers leave, hashed.

Called by `sbom`. Reads what `docker save` writes, so it serves every tool that built it.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools.images.layers import OPAQUE, WHITEOUT

# Read whole, since they list packages; of all other files the hash alone is kept.
_LISTS = re.compile(
    r"var/lib/dpkg/(status|info/[^/]+\.list)|etc/os-release|usr/lib/os-release|.*\.dist-info/[A-Z]+"
)


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of an image by their path without a leading slash."""

    reference: str
    identity: str
    sha1: dict[str, str]
    """Of every plain file, in hex; SPDX's verification codes are made of it."""
    text: dict[str, str]
    """Of the files that list packages."""


def read(archive: Path) -> Contents:
    """Lay the layers of an archive over each other."""
    sha1: dict[str, str] = {}
    text: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        manifest = json.loads(_bytes(tar, "manifest.json"))[0]
        for name in manifest["Layers"]:
            stream = tar.extractfile(name)
            if stream is None:
                raise ValueError(f"{archive}: {name} is no file")
            with tarfile.open(fileobj=stream, mode="r|*") as layer:
                _apply(layer, sha1, text)
    reference = (manifest["RepoTags"] or [""])[0]
    return Contents(reference, Path(manifest["Config"]).name.removesuffix(".json"), sha1, text)


def _apply(layer: tarfile.TarFile, sha1: dict[str, str], text: dict[str, str]) -> None:
    for entry in layer:
        path = entry.name.removeprefix("./").strip("/")
        parent, _, name = path.rpartition("/")
        if name == OPAQUE:
            _remove(f"{parent}/", sha1, text)
        elif name.startswith(WHITEOUT):
            gone = f"{parent}/{name.removeprefix(WHITEOUT)}".strip("/")
            _remove(gone, sha1, text)
            _remove(f"{gone}/", sha1, text)
        elif entry.islnk():
            target = entry.linkname.removeprefix("./").strip("/")
            if target in sha1:
                sha1[path] = sha1[target]
        elif entry.isreg():
            data = layer.extractfile(entry)
            raw = data.read() if data is not None else b""
            sha1[path] = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
            text.pop(path, None)
            if _LISTS.fullmatch(path):
                text[path] = raw.decode("utf-8", "replace")


def _remove(start: str, *found: dict[str, str]) -> None:
    """Forget a file, or with a slash at its end all that lies below a directory."""
    for files in found:
        for path in [
            path for path in files if path == start or (start.endswith("/") and path.startswith(start))
        ]:
            del files[path]


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    return file.read()
