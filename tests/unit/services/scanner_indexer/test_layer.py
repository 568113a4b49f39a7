"""What a worker does with one layer's file."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from pyrox.scan.catalogue import detectors
from pyrox.scan.layer import WALK, WHITEOUT
from pyrox.scan.model import Finds, Note, NoteKind
from services.scanner_indexer import layer
from services.scanner_indexer.finds import pack_finds, unpack_finds

NAMES = sorted(layer.versions_of(detectors()))
PACKAGE = b'{"name": "lodash", "version": "4.17.4"}'


def tar(*members: tuple[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.LNKTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def read(path: Path, raw: bytes) -> dict[str, Finds]:
    path.write_bytes(raw)
    found = layer.read_layer(str(path), "sha256:x", NAMES)
    assert sorted(found) == NAMES
    return {name: unpack_finds(data) for name, data in found.items() if unpack_finds(data) != Finds()}


def test_layer_gives_finds_of_every_detector(tmp_path: Path) -> None:
    raw = gzip.compress(tar(("app/node_modules/lodash/package.json", PACKAGE), ("etc/.wh.gone", b"")))
    found = read(tmp_path / "layer", raw)
    assert [p.name for finds in found.values() for p in finds.packages] == ["lodash"]
    assert found[WHITEOUT].whiteouts == ("etc/.wh.gone",)


def test_hard_link_to_a_file_that_passed_is_found_in_a_second_pass(tmp_path: Path) -> None:
    raw = tar(("blob", PACKAGE), ("app/node_modules/lodash/package.json", "blob"))
    found = read(tmp_path / "layer", raw)
    assert [(p.name, p.filepath) for finds in found.values() for p in finds.packages] == [
        ("lodash", "app/node_modules/lodash/package.json")
    ]


def test_file_that_cannot_be_read_is_a_note_and_the_rest_goes_on(tmp_path: Path) -> None:
    raw = tar(("a/node_modules/bad/package.json", b"{"), ("a/node_modules/lodash/package.json", PACKAGE))
    found = read(tmp_path / "layer", raw)
    assert [p.name for finds in found.values() for p in finds.packages] == ["lodash"]
    assert [note.subject for finds in found.values() for note in finds.notes] == [
        "a/node_modules/bad/package.json"
    ]


def test_layer_that_ends_early_keeps_what_was_before_and_says_where(tmp_path: Path) -> None:
    raw = tar(("a/node_modules/lodash/package.json", PACKAGE), ("a", b"x" * 10_000))
    found = read(tmp_path / "layer", raw[:5000])
    assert [p.name for finds in found.values() for p in finds.packages] == ["lodash"]
    (note,) = found[WALK].notes
    assert (note.kind, note.subject, note.ends) == (NoteKind.TRUNCATED, "a", True)


def test_layer_whose_compressed_data_end_after_the_tar_did_is_noted(tmp_path: Path) -> None:
    raw = gzip.compress(tar(("app/node_modules/lodash/package.json", PACKAGE)) + bytes(1 << 20))
    found = read(tmp_path / "layer", raw[:-6])
    assert [p.name for finds in found.values() for p in finds.packages] == ["lodash"]
    detail = "it ends in the middle of its compressed data"
    assert found[WALK].notes == (Note(NoteKind.TRUNCATED, "", detail, ends=True),)


def test_fingerprint_changes_with_a_detectors_version() -> None:
    class Newer:
        name, version, kind = "dpkg", "999", "package"

    assert layer.fingerprint_of(detectors()) == layer.fingerprint_of(detectors())
    assert layer.fingerprint_of([*detectors(), Newer()]) != layer.fingerprint_of(detectors())  # type: ignore[list-item]


def test_finds_survive_their_stored_form() -> None:
    finds = Finds(notes=(Note(NoteKind.MALFORMED, "a", "b"),), databases=("x",))
    assert unpack_finds(pack_finds(finds)) == finds
