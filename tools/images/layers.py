"""Layers: a directory of changes on disk, its tar with the same bytes each time, its digest.

Called by `builder`. A layer's directory may come from overlayfs, whose marks for
deleted files become the marks of the OCI image format.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Docker's and OCI's marks for "deleted below" and "nothing of this directory from below".
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Layer:
    """A finished layer in the cache."""

    key: str
    directory: Path
    """Its files, to be mounted."""
    tar: Path
    digest: str
    """sha256 of the tar, in hex."""


class _Hashing(io.RawIOBase):
    """Passes bytes on to a file and keeps their SHA-256."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        self.sha256.update(data)
        return self._file.write(data)


def walk(directory: Path, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every (path on disk, path inside) below a directory: sorted, parents first."""
    for disk in sorted(directory.iterdir()):
        inside = f"{prefix}/{disk.name}" if prefix else disk.name
        yield str(disk), inside
        if disk.is_dir() and not disk.is_symlink():
            yield from walk(disk, inside)


def write_tar(directory: Path, target: Path, epoch: int) -> str:
    """Write a layer's tar; returns its sha256 in hex. Equal directories give equal bytes."""
    with target.open("wb") as raw:
        out = _Hashing(raw)
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for disk, inside in walk(directory):
                _add(tar, disk, inside, epoch)
        return out.sha256.hexdigest()


def _add(tar: tarfile.TarFile, disk: str, inside: str, epoch: int) -> None:
    mode = os.lstat(disk)
    if stat.S_ISSOCK(mode.st_mode):
        return
    if stat.S_ISCHR(mode.st_mode) and mode.st_rdev == 0:
        parent, _, name = inside.rpartition("/")
        tar.addfile(_plain(f"{parent}/{WHITEOUT}{name}" if parent else WHITEOUT + name, epoch))
        return
    entry = tar.gettarinfo(disk, arcname=inside)
    entry.mtime, entry.uname, entry.gname = epoch, "", ""
    if not entry.isreg():
        tar.addfile(entry)
    else:
        with Path(disk).open("rb") as data:
            tar.addfile(entry, data)
    if entry.isdir() and _opaque(disk):
        tar.addfile(_plain(f"{inside}/{OPAQUE}", epoch))


def _plain(name: str, epoch: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mtime = epoch
    return entry


def _opaque(path: str) -> bool:
    try:
        return os.getxattr(path, "trusted.overlay.opaque") == b"y"
    except OSError:
        return False


class Cache:
    """Layers on disk by key; a layer is there once its description is, which is written last."""

    def __init__(self, *, root: Path, epoch: int) -> None:
        self.root = root
        self._epoch = epoch
        self._used: set[Path] = set()

    def folder(self, key: str) -> Path:
        """Where a layer of that key lies or will lie."""
        return self.root / key[:24]

    def get(self, key: str) -> Layer | None:
        """The finished layer of that key, if there is one."""
        folder = self.folder(key)
        self._used.add(folder)
        try:
            told = json.loads((folder / "layer.json").read_text())
        except FileNotFoundError:
            return None
        return Layer(key, folder / "diff", folder / "layer.tar", told["digest"])

    def seal(self, key: str, about: str) -> Layer:
        """Write tar and description of the layer whose files lie in `folder(key)/diff`."""
        folder = self.folder(key)
        digest = write_tar(folder / "diff", folder / "layer.tar", self._epoch)
        description = {"digest": digest, "key": key, "about": about}
        (folder / "layer.json").write_text(json.dumps(description))
        return Layer(key, folder / "diff", folder / "layer.tar", digest)

    def prune(self) -> None:
        """Delete every layer that nobody asked for since this object was made."""
        for folder in sorted(self.root.glob("*")):
            if folder not in self._used:
                shutil.rmtree(folder)


def write_archive(target: Path, *, config: dict[str, object], layers: list[Layer], tags: list[str]) -> str:
    """Write a docker-archive (what `docker save` writes); returns the image id.

    Written beside and renamed: a reader never sees half of one. An archive that is this
    image already is left as it is.
    """
    blob = json.dumps(config, sort_keys=True).encode()
    identity = hashlib.sha256(blob).hexdigest()
    if held(target) == (identity, tags):
        return identity
    names = [f"{layer.digest}.tar" for layer in layers]
    manifest = [{"Config": f"{identity}.json", "RepoTags": tags, "Layers": names}]
    partial = target.with_name(target.name + ".partial")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
        _blob(tar, "manifest.json", json.dumps(manifest).encode())
        _blob(tar, f"{identity}.json", blob)
        for name, layer in dict(zip(names, layers, strict=True)).items():
            with layer.tar.open("rb") as data:
                entry = _plain(name, 0)
                entry.size = layer.tar.stat().st_size
                tar.addfile(entry, data)
    partial.replace(target)
    return identity


def held(archive: Path) -> tuple[str, list[str]] | None:
    """Id and tags of the image in an archive; None when there is no such file."""
    if not archive.exists():
        return None
    with tarfile.open(archive) as tar:
        listed = tar.extractfile("manifest.json")
        if listed is None:
            return None
        manifest = json.load(listed)[0]
    return str(manifest["Config"]).removesuffix(".json"), list(manifest["RepoTags"])


def _blob(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = _plain(name, 0)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
