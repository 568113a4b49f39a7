"""What every detector makes of a layer, written by the tests as files or as a tar stream."""

from __future__ import annotations

import io
import tarfile

from pyrox.scan import catalogue
from pyrox.scan.layer import index_files, index_layer
from pyrox.scan.model import Finds
from pyrox.scan.protocols import Limits


def find(files: dict[str, bytes], limits: Limits | None = None) -> Finds:
    return index_files(files, digest="sha256:0", detectors=catalogue.detectors(), limits=limits).merged()


def names(finds: Finds) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in finds.packages]


def in_layer(files: dict[str, tuple[bytes, int]], limits: Limits | None = None) -> Finds:
    """Files with their modes, through a tar stream."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, (content, mode) in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return index_layer(
        buffer, digest="sha256:0", detectors=catalogue.detectors(), limits=limits
    ).finds.merged()
