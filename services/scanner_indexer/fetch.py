"""Layers from a registry into temporary files, digest checked, disk and parallelism bounded.

Used by `states`. A file exists only inside its `async with` block. It must not know
what is in a layer.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from pyrox import log
from pyrox.errors import Exhausted
from pyrox.registry.client import RegistryClient
from pyrox.registry.manifest import Descriptor

# Left free on the disk of the arena, so that the machine goes on working.
_SPARE_BYTES = 512 * 1024 * 1024
# Upstream's name of the directory.
_PREFIX = "scanner-fetcharena-"
_LOCK = ".lock"
_LOG = log.get(__name__)


class Arena:
    """The directory of layers in flight; it is empty after a start and after a stop."""

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent or Path(tempfile.gettempdir())
        self._directory: Path | None = None
        self._lock: BinaryIO | None = None

    def open(self) -> None:
        """Make a fresh directory and remove those of processes that died."""
        for old in self._parent.glob(f"{_PREFIX}*"):
            _remove_abandoned(old)
        self._directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent))
        self._lock = (self._directory / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the directory."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @asynccontextmanager
    async def fetched(
        self, registry: RegistryClient, repository: str, layer: Descriptor
    ) -> AsyncIterator[Path]:
        """The layer's compressed file, complete and with the right digest.

        Raises what the registry client raises, and `Exhausted` when the disk is full.
        """
        if self._directory is None:
            raise Exhausted("the Indexer is stopping")
        self._check_disk(layer)
        with tempfile.NamedTemporaryFile(dir=self._directory, buffering=0) as file:
            async with aclosing(registry.blob(repository, layer)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    _write(file, chunk, layer)
            yield Path(file.name)

    def _check_disk(self, layer: Descriptor) -> None:
        assert self._directory is not None  # noqa: S101 - `fetched` checked
        free = shutil.disk_usage(self._directory).free
        if layer.size > free - _SPARE_BYTES:
            raise Exhausted(
                f"layer {layer.digest} has {layer.size} bytes and {self._directory} {free} bytes free; "
                "give the Indexer a larger temporary directory"
            )


def _remove_abandoned(directory: Path) -> None:
    """Remove an arena whose process is gone; the kernel frees a lock with its holder."""
    try:
        with (directory / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
    except OSError as err:
        _LOG.debug("arena of another process is left alone", directory=str(directory), reason=str(err))


def _write(file: object, chunk: bytes, layer: Descriptor) -> None:
    try:
        file.write(chunk)  # type: ignore[attr-defined]
    except OSError as err:
        raise Exhausted(f"layer {layer.digest} cannot be stored: {err.strerror}") from err
