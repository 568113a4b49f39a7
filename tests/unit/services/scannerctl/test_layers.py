"""Layers of a registry: how they are divided, and a file that is read while it arrives."""

from __future__ import annotations

import tempfile
from threading import Thread

import pytest

from pyrox.registry.manifest import Descriptor
from pyrox.registry.names import Digest
from pyrox.scan.formats.bounded import StreamDamage
from services.scannerctl import layers

MIB = 1 << 20


def sized(*sizes: int) -> list[Descriptor]:
    return [Descriptor(Digest(f"sha256:{number}"), size * MIB, "type") for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ((1, 2), ([1, 2], [])),
        ((20,), ([20], [])),
        ((5, 40, 30, 5), ([40], [30, 5, 5])),
    ],
)
def test_layers_are_divided_by_size_when_that_is_worth_it(
    sizes: tuple[int, ...], parts: tuple[list[int], list[int]]
) -> None:
    ours, theirs = layers._divided(sized(*sizes))
    assert ([layer.size // MIB for layer in ours], [layer.size // MIB for layer in theirs]) == parts


def test_file_is_read_while_it_arrives() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        arriving = layers._Arriving(file.fileno())
        read: list[bytes] = []
        with arriving.open() as reader:
            follower = Thread(target=lambda: read.append(reader.read()))
            follower.start()
            for part in (b"one ", b"two ", b"three"):
                arriving.write(part)
            arriving.end(failed=False)
            follower.join(timeout=60)
        with arriving.open() as again:
            assert again.read() == b"one two three"
    assert read == [b"one two three"]


def test_file_that_did_not_arrive_whole_is_damage() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        arriving = layers._Arriving(file.fileno())
        arriving.write(b"part")
        arriving.end(failed=True)
        with arriving.open() as reader, pytest.raises(StreamDamage, match="did not arrive whole"):
            reader.read()
