"""Manifests and indexes of images: the Docker and OCI forms read into one shape.

Pure: bytes in, values out. Called by `pyrox.registry.client`. What a registry says
is not trusted: counts, sizes and digests are checked before use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from pyrox.errors import Invalid, NotFound, Unimplemented
from pyrox.registry.names import Digest, is_digest

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
ACCEPT = f"{DOCKER_MANIFEST}, {DOCKER_LIST}, {OCI_MANIFEST}, {OCI_INDEX}"
_LISTS = frozenset({DOCKER_LIST, OCI_INDEX})
_SINGLES = frozenset({DOCKER_MANIFEST, OCI_MANIFEST})
# Docker refuses more than 127 layers (its storage drivers' limit); builders that
# squash nothing have been seen with some hundred, so the bound is generous.
MAX_LAYERS = 1024
MAX_PLATFORMS = 1024


@dataclass(frozen=True, slots=True)
class Platform:
    """What a list offers images for."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob as a manifest names it."""

    digest: Digest
    size: int
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image for one platform: its configuration and its layers, base first."""

    digest: Digest
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a manifest list."""

    descriptor: Descriptor
    platform: Platform


@dataclass(frozen=True, slots=True)
class Index:
    """A manifest list: one image for several platforms."""

    digest: Digest
    choices: tuple[Choice, ...]

    def choose(self, wanted: Platform) -> Descriptor:
        """The image for the platform; a list of one image is taken whatever it says.

        Raises `NotFound` that names what the list offers.
        """
        # Build attestations stand in the list as platform unknown/unknown.
        real = [choice for choice in self.choices if choice.platform.os != "unknown"]
        if len(real) == 1:
            return real[0].descriptor
        for choice in real:
            found = choice.platform
            if (found.os, found.architecture) == (wanted.os, wanted.architecture):
                return choice.descriptor
        offered = ", ".join(sorted({str(choice.platform) for choice in real})[:20]) or "nothing"
        raise NotFound(f"manifest list {self.digest} has no image for {wanted}; it offers {offered}")


def parse_manifest(body: bytes, *, digest: Digest, content_type: str) -> Manifest | Index:
    """Read a manifest or a list.

    Raises `Invalid` for anything malformed and `Unimplemented` for the old schema 1,
    whose layers cannot be read apart from their signatures.
    """
    document = _object(body, digest)
    kind = str(document.get("mediaType") or content_type.partition(";")[0].strip())
    if document.get("schemaVersion") == 1:
        raise Unimplemented(
            f"manifest {digest} has the old schema 1; push the image again with a current tool"
        )
    if kind in _LISTS or (kind not in _SINGLES and "manifests" in document):
        return Index(digest, _choices(document, digest))
    if "layers" not in document:
        raise Invalid(f"manifest {digest} has neither layers nor manifests (media type {kind[:100]!r})")
    layers = _entries(document, "layers", MAX_LAYERS, digest)
    return Manifest(
        digest=digest,
        media_type=kind,
        config=_descriptor(document.get("config"), digest, "config"),
        layers=tuple(_descriptor(layer, digest, f"layer {i}") for i, layer in enumerate(layers)),
    )


def _object(body: bytes, digest: str) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as err:
        raise Invalid(f"manifest {digest} is not JSON: {err}") from err
    if not isinstance(document, dict):
        raise Invalid(f"manifest {digest} is not a JSON object")
    return document


def _entries(document: Mapping[str, Any], key: str, limit: int, digest: str) -> Sequence[Any]:
    entries = document.get(key)
    if not isinstance(entries, list):
        raise Invalid(f"manifest {digest}: {key} is not a list")
    if len(entries) > limit:
        raise Invalid(f"manifest {digest} has {len(entries)} {key}; at most {limit} are read")
    return entries


def _choices(document: Mapping[str, Any], digest: str) -> tuple[Choice, ...]:
    choices = []
    for position, entry in enumerate(_entries(document, "manifests", MAX_PLATFORMS, digest)):
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if not isinstance(platform, dict):
            platform = {}
        choices.append(
            Choice(
                _descriptor(entry, digest, f"manifest {position}"),
                Platform(
                    os=str(platform.get("os", "")),
                    architecture=str(platform.get("architecture", "")),
                    variant=str(platform.get("variant", "")),
                ),
            )
        )
    return tuple(choices)


def _descriptor(entry: Any, digest: str, what: str) -> Descriptor:
    if not isinstance(entry, dict):
        raise Invalid(f"manifest {digest}: {what} is not an object")
    name, size = entry.get("digest"), entry.get("size", 0)
    if not isinstance(name, str) or not is_digest(name):
        raise Invalid(f"manifest {digest}: {what} has the digest {str(name)[:100]!r}")
    if not isinstance(size, int) or size < 0:
        raise Invalid(f"manifest {digest}: {what} has the size {str(size)[:100]!r}")
    return Descriptor(Digest(name), size, str(entry.get("mediaType", "")))
