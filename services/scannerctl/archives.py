"""An image in a tar archive, as `docker save` and OCI tools write it; layers are read in place.

`index` uses it. Sizes and counts are bounded; what is no image is refused with the reason.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import msgspec

from pyrox.errors import Invalid

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAX_MEMBERS: Final = 10_000
_MAX_JSON: Final = 8 * 1024 * 1024
_MAX_LAYERS: Final = 1000
_MAX_HOPS: Final = 8


class _Part(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)
        self._left = size

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        """Fill part of the target; 0 at the end."""
        view = memoryview(target).cast("B")[: self._left]
        count = self._file.readinto(view) if view else 0
        self._left -= count
        return count

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's place in the archive."""

    path: Path
    start: int
    size: int
    digest: str

    def open(self) -> BinaryIO:
        """The layer's bytes, compressed or not."""
        return cast("BinaryIO", _Part(self.path, self.start, self.size))


@dataclass(frozen=True, slots=True)
class Image:
    """The image of an archive: a digest to call it by, and its layers, the lowest first."""

    digest: str
    layers: Sequence[Layer]


def opened(path: Path) -> Image:
    """Read the archive's own description. Raises `Invalid` when it has none, or more than one image."""
    try:
        with tarfile.open(path, "r:") as archive:
            members: dict[str, tarfile.TarInfo] = {}
            for member in archive:
                members[member.name.removeprefix("./")] = member
                if len(members) > _MAX_MEMBERS:
                    raise Invalid(f"{path}: more than {_MAX_MEMBERS} members")
            reader = _Archive(path, archive, members)
            return reader.oci() if "index.json" in members else reader.docker()
    except (tarfile.TarError, OSError) as error:
        raise Invalid(f"{path}: no archive of an image: {error}") from error


class _Archive:
    def __init__(self, path: Path, archive: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo]) -> None:
        self._path = path
        self._archive = archive
        self._members = members

    def oci(self) -> Image:
        """By `index.json` and the blobs that it names."""
        digest = self._only(self._json("index.json").get("manifests"))
        manifest = self._json(_blob(digest))
        for _ in range(_MAX_HOPS):
            if "manifests" not in manifest:
                break
            digest = self._only(manifest["manifests"])
            manifest = self._json(_blob(digest))
        digests = [str(layer.get("digest", "")) for layer in self._list(manifest.get("layers"))]
        return Image(digest, [self._layer(_blob(layer), layer) for layer in digests])

    def docker(self) -> Image:
        """By `manifest.json` with the names of the layers' files."""
        found = self._list(self._json("manifest.json"))
        if len(found) != 1:
            raise Invalid(f"{self._path}: {len(found)} images, not one")
        files = [str(name) for name in found[0].get("Layers") or ()]
        config = self._bytes(str(found[0].get("Config", "")))
        layers = [self._layer(name, f"sha256:{sha256(name.encode()).hexdigest()}") for name in files]
        return Image(f"sha256:{sha256(config).hexdigest()}", layers)

    def _only(self, manifests: object) -> str:
        found = self._list(manifests)
        # Signatures and attestations stand beside the image as manifests of no platform.
        images = [m for m in found if (m.get("platform") or {}).get("os") != "unknown"]
        chosen = [m for m in images if (m.get("platform") or {}).get("architecture") in {None, "amd64"}]
        if len(chosen) != 1:
            raise Invalid(f"{self._path}: {len(chosen)} images for linux/amd64, not one")
        return str(chosen[0].get("digest", ""))

    def _list(self, value: object) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise Invalid(f"{self._path}: its description is no image's")
        if len(value) > _MAX_LAYERS:
            raise Invalid(f"{self._path}: more than {_MAX_LAYERS} layers or manifests")
        return value

    def _json(self, name: str) -> Any:
        try:
            return msgspec.json.decode(self._bytes(name))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid(f"{self._path}: {name[:200]} is not JSON: {error}") from error

    def _bytes(self, name: str) -> bytes:
        member = self._member(name)
        if member.size > _MAX_JSON:
            raise Invalid(f"{self._path}: {name[:200]} has {member.size} bytes")
        with self._archive.extractfile(member) or io.BytesIO() as file:
            return file.read()

    def _layer(self, name: str, digest: str) -> Layer:
        member = self._member(name)
        return Layer(self._path, member.offset_data, member.size, digest)

    def _member(self, name: str) -> tarfile.TarInfo:
        for _ in range(_MAX_HOPS):
            member = self._members.get(name)
            if member is None or not (member.issym() or member.islnk()):
                break
            # Layers that are there already are links to them: `../<id>/layer.tar`.
            name = member.linkname.removeprefix("../")
        if member is None or not member.isfile():
            raise Invalid(f"{self._path}: {name[:200]!r} is not in the archive")
        return member


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"
