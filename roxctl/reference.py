"""Checks an image's name before Central is asked, with the words of Docker's parser."""

from __future__ import annotations

import re

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import ContainerImage
from pyrox.workload.images import parse_image
from roxctl.errors import CliError

_BARE_ID = re.compile(r"[a-f0-9]{64}")


def check(text: str) -> None:
    """Raise `CliError` unless the text names an image."""
    if _BARE_ID.fullmatch(text):
        raise CliError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    remainder = _remainder(text)
    name = remainder.partition(":")[0]
    if name.lower() != name:
        raise CliError(f"invalid reference format: repository name ({name}) must be lowercase")
    try:
        parse_image(text)
    except Invalid as err:
        raise CliError("invalid reference format") from err


def image(text: str) -> ContainerImage:
    """The image that the text names. Raises `CliError`."""
    try:
        check(text)
        return parse_image(text)
    except (CliError, Invalid) as err:
        raise CliError(f"could not parse image '{text}': error parsing image name '{text}': {err}") from err


def _remainder(text: str) -> str:
    """The name without its registry, with Docker Hub's `library/`."""
    first, slash, rest = text.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first)
    host, remainder = (first, rest) if is_host else ("docker.io", text)
    if host in {"docker.io", "index.docker.io"} and "/" not in remainder:
        return f"library/{remainder}"
    return remainder
