"""Names of images as people write them in a workload, and the ids made from them.

`nginx` means `docker.io/library/nginx:latest`, as container runtimes read it. Called
by the workload conversion, by Central for images named in requests and by roxctl's
checks. It must not know registries' protocols; the strict form that those need is in
`pyrox.registry.names`.
"""

from __future__ import annotations

import hashlib
import re
import uuid

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.pb.storage.image_pb2 import ImageName

DOCKER_HUB = "docker.io"
_DOCKER_HUB_OLD = "index.docker.io"
_OFFICIAL = "library"
DEFAULT_TAG = "latest"
# Lengths are those of the distribution project's reference grammar.
_MAX_REPOSITORY = 255
_MAX_TEXT = 1024

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}")
_BARE_ID = re.compile(r"[a-f0-9]{64}")


def uuid_of(namespace: str, name: str) -> str:
    """The UUID that upstream derives from two texts which are no UUIDs themselves.

    Version 5 of `name` under a namespace made of the first 16 bytes of the SHA-256 of
    `namespace` (checked against recorded ids).
    """
    space = uuid.UUID(bytes=hashlib.sha256(namespace.encode()).digest()[:16])
    return str(uuid.uuid5(space, name))


def id_v2(full_name: str, digest: str) -> str:
    """The image's id by name and digest; empty while the digest is not known."""
    return uuid_of(full_name, digest) if digest else ""


def parse_image(text: str, *, registry_override: str = "") -> ContainerImage:
    """The image that a workload names, with digest and `id_v2` when the name has a digest.

    `registry_override` replaces Docker Hub, as a mirror of it does. Raises `Invalid`.
    """
    if _DIGEST.fullmatch(text) or _BARE_ID.fullmatch(text):
        digest = text if ":" in text else f"sha256:{text}"
        return ContainerImage(id=digest, name=ImageName(full_name=digest), id_v2=id_v2(digest, digest))
    registry, remote, tag, digest = _split(text)
    if registry == DOCKER_HUB and registry_override:
        registry = registry_override
    if not tag and not digest:
        tag = DEFAULT_TAG
    full_name = f"{registry}/{remote}{f':{tag}' if tag else ''}{f'@{digest}' if digest else ''}"
    name = ImageName(registry=registry, remote=remote, tag=tag, full_name=full_name)
    return ContainerImage(id=digest, name=name, id_v2=id_v2(full_name, digest))


def _split(text: str) -> tuple[str, str, str, str]:
    """Registry, repository, tag and digest, with Docker Hub's defaults applied."""
    if len(text) > _MAX_TEXT:
        raise Invalid(f"error parsing image name '{text[:200]}…': longer than {_MAX_TEXT} characters")
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _invalid(text, "invalid digest")
    slash, colon = rest.rfind("/"), rest.rfind(":")
    name, tag = (rest[:colon], rest[colon + 1 :]) if colon > slash else (rest, None)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _invalid(text, "invalid reference format")
    registry, remote = _registry_and_path(name)
    if remote.lower() != remote:
        raise _invalid(text, "repository name must be lowercase")
    if not _HOST.fullmatch(registry) or not _PATH.fullmatch(remote):
        raise _invalid(text, "invalid reference format")
    if len(remote) > _MAX_REPOSITORY:
        raise _invalid(text, f"repository name must not be more than {_MAX_REPOSITORY} characters")
    return registry, remote, tag or "", digest


def _registry_and_path(name: str) -> tuple[str, str]:
    """The first part is a registry only when it looks like a host."""
    first, slash, rest = name.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first)
    registry, remote = (first, rest) if is_host else (DOCKER_HUB, name)
    if registry == _DOCKER_HUB_OLD:
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in remote:
        remote = f"{_OFFICIAL}/{remote}"
    return registry, remote


def _invalid(text: str, reason: str) -> Invalid:
    return Invalid(f"error parsing image name '{text}': {reason}")


def digest_of_status(image_id: str) -> str:
    """The digest inside a pod status's `imageID`, or empty."""
    start = image_id.find("sha256:")
    return image_id[start:] if start >= 0 else ""


def is_pullable(image_id: str) -> bool:
    """Whether a pod status's `imageID` names something that a registry has.

    `docker://sha256:…` is an id of the node's own store and is not pullable.
    """
    scheme, separator, rest = image_id.partition("://")
    if separator and scheme in {"docker-pullable", "docker"}:
        return scheme == "docker-pullable"
    try:
        parse_image(rest if separator else image_id)
    except Invalid:
        return False
    return True
