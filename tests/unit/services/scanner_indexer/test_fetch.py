"""Files of layers: bounded, complete, gone afterwards; directories of dead processes removed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from pyrox.errors import Exhausted, RoxError, Unavailable
from pyrox.registry.client import BlobTooLarge, RegistryClient
from pyrox.registry.manifest import Descriptor
from pyrox.registry.names import Digest
from pyrox.registry.transport import Limits
from services.scanner_indexer import fetch
from services.scanner_indexer.fetch import Arena

LAYER = Descriptor(Digest("sha256:1"), 6)


class Registry:
    """Gives chunks, then perhaps an error; tells whether its stream was closed."""

    limits = Limits(blob_bytes=1 << 61)

    def __init__(self, *chunks: bytes, error: RoxError | None = None) -> None:
        self._chunks = chunks
        self._error = error
        self.closed = False

    @property
    def client(self) -> RegistryClient:
        return cast("RegistryClient", self)

    async def blob(self, repository: str, layer: Descriptor) -> AsyncIterator[bytes]:
        assert (repository, layer) == ("a/b", LAYER)
        try:
            for chunk in self._chunks:
                yield chunk
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


def found(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def files(directory: Path) -> list[Path]:
    return [path for path in directory.glob("*/*") if path.name != ".lock"]


async def test_layer_is_a_file_inside_the_block_only(tmp_path: Path) -> None:
    arena, registry = Arena(tmp_path), Registry(b"abc", b"def")
    arena.open()
    async with arena.fetched(registry.client, "a/b", LAYER) as path:
        assert path.read_bytes() == b"abcdef"
        assert files(tmp_path) == [path]
    assert (files(tmp_path), registry.closed) == ([], True)
    arena.close()
    assert found(tmp_path) == []


async def test_layer_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    arena, registry = Arena(tmp_path), Registry(b"abc", error=Unavailable("cut"))
    arena.open()
    with pytest.raises(Unavailable, match="cut"):
        async with arena.fetched(registry.client, "a/b", LAYER):
            pytest.fail("the layer is not whole")
    assert (files(tmp_path), registry.closed) == ([], True)
    arena.close()


async def test_layer_larger_than_the_disk_is_refused_before_it_is_fetched(tmp_path: Path) -> None:
    arena, registry = Arena(tmp_path), Registry(b"abc")
    arena.open()
    giant = Descriptor(Digest("sha256:big"), 1 << 60)
    with pytest.raises(Exhausted, match=f"layer sha256:big has {1 << 60} bytes and .* bytes free; give the"):
        async with arena.fetched(registry.client, "a/b", giant):
            pytest.fail("there is no room")
    assert (files(tmp_path), registry.closed) == ([], False)
    arena.close()


async def test_layer_that_claims_more_than_is_ever_read_is_not_a_matter_of_the_disk(tmp_path: Path) -> None:
    arena, registry = Arena(tmp_path), Registry(b"abc")
    arena.open()
    giant = Descriptor(Digest("sha256:big"), 1 << 62)
    with pytest.raises(
        BlobTooLarge, match=f"layer sha256:big has {1 << 62} bytes; at most {1 << 61} are read"
    ):
        async with arena.fetched(registry.client, "a/b", giant):
            pytest.fail("no machine could hold it")
    assert registry.closed is False
    arena.close()


def test_full_disk_while_writing_names_the_layer() -> None:
    class File:
        """A file on a disk without room."""

        def write(self, chunk: bytes) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(Exhausted, match="layer sha256:1 cannot be stored: No space left on device"):
        fetch._write(File(), b"abc", LAYER)


@pytest.mark.parametrize("opened", [False, True])
async def test_closed_arena_takes_no_layers(tmp_path: Path, *, opened: bool) -> None:
    arena = Arena(tmp_path)
    if opened:
        arena.open()
        arena.close()
        arena.close()
    with pytest.raises(Exhausted, match="the Indexer is stopping"):
        async with arena.fetched(Registry().client, "a/b", LAYER):
            pytest.fail("there is no arena")


def test_start_removes_what_dead_processes_left_and_nothing_else(tmp_path: Path) -> None:
    dead, alive, other = (tmp_path / name for name in ("scanner-fetcharena-1", "scanner-fetcharena-2", "x"))
    for directory in (dead, alive, other):
        directory.mkdir()
        (directory / "layer").write_bytes(b"1")
    lock = os.open(alive, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    arena = Arena(tmp_path)
    arena.open()
    left = set(found(tmp_path))
    os.close(lock)
    arena.close()
    assert {"scanner-fetcharena-2", "x"} < left
    assert "scanner-fetcharena-1" not in left


def test_two_arenas_leave_each_other_alone(tmp_path: Path) -> None:
    first, second = Arena(tmp_path), Arena(tmp_path)
    first.open()
    second.open()
    assert len(found(tmp_path)) == 2
    second.close()
    assert len(found(tmp_path)) == 1
    first.close()
