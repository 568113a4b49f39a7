"""The compact form: what goes in comes out, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from pyrox.errors import Invalid
from services.scanner_matcher.bundle import made_by, prepare
from services.scanner_matcher.compact import OtherMaker, unpack, write
from services.scanner_matcher.loader import Prepared
from tests.support.definitions import debian, lines, nvd

EMPTY = [{"name": name, "size": -1, "sha256": ""} for name in ("ranges", "texts", "enrichments")]


def prepared(directory: Path) -> Prepared:
    directory.mkdir()
    file = directory / "debian.json.zst"
    file.write_bytes(
        lines([debian(f"CVE-2099-{n}", "a", "1") for n in range(50)] + [nvd("CVE-2099-1", "text", "", 0.0)])
    )
    return prepare(str(file), str(directory))


def content(made: Prepared) -> list[bytes]:
    return [path.read_bytes() for path in (made.ranges_file, made.texts_file, made.enrichments_file)]


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.fixture
def plain(tmp_path: Path) -> bytes:
    """The stream of a bundle, not compressed."""
    write(prepared(tmp_path / "made"), "me", tmp_path / "x.copy.zst")
    return zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "x.copy.zst").read_bytes())


def test_bundle_comes_back_as_it_was_made(tmp_path: Path) -> None:
    made = prepared(tmp_path / "made")
    file = tmp_path / "debian.copy.zst"
    write(made, made_by(), file)
    (tmp_path / "read").mkdir()
    found = prepare(str(file), str(tmp_path / "read"))
    assert content(found) == content(made)
    assert (found.ranges, found.advisories, found.enrichments) == (50, 50, 1)
    assert (found.namespaces, found.skipped) == (made.namespaces, made.skipped)


@pytest.mark.parametrize("size", [1, 7, 1000, 10**9])
def test_chunks_of_any_size_are_the_same(tmp_path: Path, plain: bytes, size: int) -> None:
    found = unpack(chunks(plain, size), "x", "me", tmp_path)
    assert content(found)[0] in plain
    assert sum(map(len, content(found))) + plain.index(b"\n", plain.index(b"\n") + 1) + 1 == len(plain)


def test_keys_of_another_release_are_told_apart_from_damage(tmp_path: Path, plain: bytes) -> None:
    with pytest.raises(OtherMaker, match="made for another release"):
        unpack(iter([plain]), "x", "you", tmp_path)


def changed(plain: bytes, **more: object) -> bytes:
    form, head, rest = plain.split(b"\n", 2)
    return b"\n".join((form, json.dumps({**json.loads(head), **more}).encode(), rest))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-1], "ends too early"),
        (lambda data: data[:20], "ends too early"),
        (lambda data: data + b"x", "more bytes than its head tells"),
        (lambda data: data[:-3] + b"\1" + data[-2:], "enrichments is not what its maker wrote"),
        (lambda data: b"else" + data, "no compact bundle"),
        (lambda data: changed(data, files=[]), "its files are not ranges, texts, enrichments"),
        (lambda data: changed(data, files=[{"name": "../x", "size": 1, "sha256": ""}]), "its files are not"),
        (lambda data: changed(data, ranges="many"), "its head is damaged"),
        (lambda data: changed(data, files=EMPTY), "-1 bytes"),
        (lambda _: b"pyrox copy bundle 1\n" + b"x" * 5_000_000, "its head is longer"),
    ],
)  # fmt: skip
def test_damage_is_refused(tmp_path: Path, plain: bytes, damage: object, words: str) -> None:
    broken = damage(plain)  # type: ignore[operator]  # one of the functions above
    with pytest.raises(Invalid, match=words):
        unpack(chunks(broken, 4096), "x", "me", tmp_path)
