"""Layers from a registry into temporary files, digest checked, disk and parallelism bounded.

Used by `states`. A file exists only inside its `async with` block. It must not know
what is in a layer.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from pyrox.errors import Exhausted
from pyrox.registry.client import BlobTooLarge, RegistryClient
from pyrox.registry.manifest import Descriptor
from pyrox.scratch import Scratch

# Left free on the disk of the arena, so that the machine goes on working.
_SPARE_BYTES = 512 * 1024 * 1024
# Upstream's name of the directory.
_PREFIX = "scanner-fetcharena-"


class Arena:
    """The directory of layers in flight; it is empty after a start and after a stop."""

    def __init__(self, parent: Path | None = None) -> None:
        self._scratch = Scratch(_PREFIX, parent)

    def open(self) -> None:
        """Make a fresh directory and remove those of processes that died."""
        self._scratch.open()

    def close(self) -> None:
        """Remove the directory."""
        self._scratch.close()

    @asynccontextmanager
    async def fetched(
        self, registry: RegistryClient, repository: str, layer: Descriptor
    ) -> AsyncIterator[Path]:
        """The layer's compressed file, complete and with the right digest.

        Raises what the registry client raises, and `Exhausted` when the disk is full.
        """
        directory = self._scratch.directory
        if directory is None:
            raise Exhausted("the Indexer is stopping")
        most = registry.limits.blob_bytes
        if layer.size > most:
            raise BlobTooLarge(f"layer {layer.digest} has {layer.size} bytes; at most {most} are read")
        _check_disk(directory, layer)
        with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
            async with aclosing(registry.blob(repository, layer)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    _write(file, chunk, layer)
            yield Path(file.name)


def _check_disk(directory: Path, layer: Descriptor) -> None:
    free = shutil.disk_usage(directory).free
    if layer.size > free - _SPARE_BYTES:
        raise Exhausted(
            f"layer {layer.digest} has {layer.size} bytes and {directory} {free} bytes free; "
            "give the Indexer a larger temporary directory"
        )


def _write(file: object, chunk: bytes, layer: Descriptor) -> None:
    try:
        file.write(chunk)  # type: ignore[attr-defined]
    except OSError as err:
        raise Exhausted(f"layer {layer.digest} cannot be stored: {err.strerror}") from err
