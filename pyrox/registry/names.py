"""Names of images as registries and scanners read them: the strict form.

`parse_reference` follows the grammar of the Docker distribution project without adding
a default registry, tag or `library/`; the reading of what people write in a workload
(`nginx`) lives in `pyrox.workload.images`. Called by the Indexer and the registry
client. It must not do I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType
from urllib.parse import urlsplit

from pyrox.errors import Invalid

Digest = NewType("Digest", str)
"""`sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits."""

# The grammar of distribution/reference: lengths and separators are its own.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_NAME = re.compile(rf"({_HOST})/({_COMPONENT}(?:/{_COMPONENT})*)")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}")
_MAX_NAME = 255
DOCKER_HUB = "docker.io"
# Docker Hub's name is not the host that speaks the protocol.
_DOCKER_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
_DOCKER_HUB_API = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """One image in one registry; at least one of tag and digest is set."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def target(self) -> str:
        """What stands in the manifest's address: the digest when there is one."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def is_digest(text: str) -> bool:
    """Whether the text is a digest of a kind that we can check."""
    return _DIGEST.fullmatch(text) is not None


def parse_digest(text: str) -> Digest:
    """The digest; `Invalid` when the algorithm or the form is another one."""
    if not is_digest(text):
        raise Invalid(f"digest {text[:160]!r} is not sha256:<64 hex> or sha512:<128 hex>")
    return Digest(text)


def api_host(registry: str) -> str:
    """The host that speaks the registry protocol for a registry's name."""
    return _DOCKER_HUB_API if registry in _DOCKER_HUB_NAMES else registry


def parse_reference(text: str) -> Reference:
    """Read `host[:port]/repository[:tag][@digest]`.

    Raises `Invalid` when the host, the repository, or both tag and digest are missing.
    """
    rest, _, digest = text.partition("@")
    if digest:
        parse_digest(digest)
    slash = rest.rfind("/")
    colon = rest.rfind(":")
    name, tag = (rest[:colon], rest[colon + 1 :]) if colon > slash else (rest, "")
    if tag and not _TAG.fullmatch(tag):
        raise Invalid(f"image {text[:300]!r}: tag {tag[:160]!r} is not valid")
    match = _NAME.fullmatch(name)
    if match is None or len(match[2]) > _MAX_NAME:
        raise Invalid(f"image {text[:300]!r}: expected <registry>/<repository> before the tag or digest")
    if not tag and not digest:
        raise Invalid(f"image {text[:300]!r}: a tag or a digest must be given")
    return Reference(registry=match[1], repository=match[2], tag=tag, digest=digest)


@dataclass(frozen=True, slots=True)
class ImageUrl:
    """An image with the scheme to reach its registry, as the Indexer's API names it."""

    scheme: str
    reference: Reference


def parse_image_url(url: str) -> ImageUrl:
    """Read `http(s)://host[:port]/repository(:tag|@digest)`; `Invalid` otherwise."""
    if not url:
        raise Invalid("image URL is empty")
    scheme = urlsplit(url[:16]).scheme
    if scheme not in {"http", "https"} or not url.startswith(f"{scheme}://"):
        raise Invalid(f"image URL {url[:300]!r}: the scheme must be http or https")
    return ImageUrl(scheme, parse_reference(url.removeprefix(f"{scheme}://")))
