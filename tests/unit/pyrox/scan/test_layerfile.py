"""A layer's file from its first byte to its last: whole, damaged late, with links back."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import BinaryIO, cast

from pyrox.scan.catalogue import detectors
from pyrox.scan.layer import WALK
from pyrox.scan.layerfile import read_layer_file
from pyrox.scan.model import LayerFinds, NoteKind

STATUS = b"Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n\n"


def packed(*, link: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        name = "kept/status" if link else "var/lib/dpkg/status"
        member = tarfile.TarInfo(name)
        member.size = len(STATUS)
        tar.addfile(member, io.BytesIO(STATUS))
        if link:
            hard = tarfile.TarInfo("var/lib/dpkg/status")
            hard.type, hard.linkname = tarfile.LNKTYPE, name
            tar.addfile(hard)
    return gzip.compress(out.getvalue())


def read(data: bytes) -> tuple[LayerFinds, int]:
    """The finds, and how often the file was opened."""
    files: list[io.BytesIO] = []

    def opened() -> BinaryIO:
        files.append(io.BytesIO(data))
        return cast("BinaryIO", files[-1])

    found = read_layer_file(opened, len(data), "sha256:x", detectors())
    assert all(file.closed for file in files)
    return found, len(files)


def names(found: LayerFinds) -> list[str]:
    return [package.name for finds in found.by_detector.values() for package in finds.packages]


def test_layer_is_read_once() -> None:
    found, passes = read(packed())
    assert (found.digest, names(found), passes) == ("sha256:x", ["bash"], 1)


def test_link_back_to_a_file_that_had_passed_takes_a_second_pass() -> None:
    found, passes = read(packed(link=True))
    assert (names(found), passes) == (["bash"], 2)


def test_damage_after_the_end_of_the_tar_is_noted_and_what_was_found_stays() -> None:
    found, _ = read(packed()[:-4])
    assert names(found) == ["bash"]
    assert [(note.kind, note.ends) for note in found.by_detector[WALK].notes] == [(NoteKind.TRUNCATED, True)]
