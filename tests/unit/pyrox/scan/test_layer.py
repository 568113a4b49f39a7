"""One pass over a layer: who gets what, what becomes a note, and links that came too late."""

from __future__ import annotations

import io
import tarfile
from typing import BinaryIO

import pytest

from pyrox.scan import catalogue
from pyrox.scan.formats.bounded import BoundedReader
from pyrox.scan.formats.run import Collector
from pyrox.scan.layer import WALK, WHITEOUT, index_files, index_layer
from pyrox.scan.model import Finds, Note, NoteKind, Owned, Package
from pyrox.scan.protocols import Entry, Limits

DIGEST = "sha256:" + "a" * 64


class Recorder:
    """A detector that keeps what it is given."""

    name, version, kind, reads_text = "recorder", "1", "package", True

    def __init__(self) -> None:
        self.seen: dict[str, bytes] = {}

    def wants(self, path: str, mode: int) -> bool:
        return path.startswith("want")

    def start(self, limits: Limits) -> Recorder:
        return self

    def take(self, entry: Entry, data: BinaryIO) -> None:
        self.seen[entry.path] = data.read()

    def finish(self) -> Finds:
        return Finds(databases=tuple(self.seen))


def layer(*entries: tuple[str, bytes | str]) -> io.BytesIO:
    """Files from bytes, hard links from text, symbolic links from text after an arrow."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                symbolic = content.startswith("->")
                info.type = tarfile.SYMTYPE if symbolic else tarfile.LNKTYPE
                info.linkname = content.removeprefix("->")
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def test_wanted_files_reach_every_detector_once() -> None:
    one, two = Recorder(), Recorder()
    two.name = "second"
    result = index_layer(
        layer(("want/a", b"A"), ("other", b"B"), ("want/c", b"")), digest=DIGEST, detectors=(one, two)
    )
    assert one.seen == two.seen == {"want/a": b"A", "want/c": b""}
    assert result.finds.digest == DIGEST
    assert set(result.finds.by_detector) == {"recorder", "second"}


def test_whiteouts_are_found_and_bookkeeping_is_not() -> None:
    stream = layer(("a/.wh.b", b""), (".wh..wh..opq", b""), (".wh..wh.plnk", b""), (".wh.top", b""))
    found = index_layer(stream, digest=DIGEST, detectors=()).finds
    assert found.by_detector[WHITEOUT].whiteouts == ("a/.wh.b", ".wh..wh..opq", ".wh.top")


def test_hard_link_to_an_unwanted_file_is_read_in_a_second_pass() -> None:
    entries = layer(("plain", b"content"), ("want/link", "plain"))
    first = Recorder()
    result = index_layer(entries, digest=DIGEST, detectors=(first,))
    assert (first.seen, result.missed) == ({}, {"plain": ("want/link",)})
    entries.seek(0)
    again = Recorder()
    index_layer(entries, digest=DIGEST, detectors=(again,), aliases=result.missed)
    assert again.seen == {"want/link": b"content"}


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (Limits(text_bytes=3), NoteKind.TOO_LARGE),
        (Limits(kept_bytes=3), NoteKind.TOO_MANY),
        (Limits(entries=1), NoteKind.TOO_MANY),
    ],
)
def test_crossed_limit_is_a_note(limits: Limits, kind: NoteKind) -> None:
    recorder = Recorder()
    found = index_layer(
        layer(("ab", b""), ("want", b"four"), ("want2", b"1")),
        digest=DIGEST,
        detectors=(recorder,),
        limits=limits,
    )
    assert [note.kind for note in found.finds.by_detector[WALK].notes][:1] == [kind]
    assert "want" not in recorder.seen


def test_too_many_whiteouts_are_a_note() -> None:
    stream = layer((".wh.a", b""), (".wh.b", b""))
    found = index_layer(stream, digest=DIGEST, detectors=(), limits=Limits(packages=1)).finds
    assert found.by_detector[WHITEOUT].whiteouts == (".wh.a",)
    assert found.by_detector[WALK].notes[0].kind is NoteKind.TOO_MANY


def test_damaged_stream_keeps_what_came_before() -> None:
    recorder = Recorder()
    stream = io.BytesIO(layer(("want", b"x"), ("want2", b"y" * 2000)).getvalue()[:1600])
    found = index_layer(stream, digest=DIGEST, detectors=(recorder,)).finds
    assert recorder.seen == {"want": b"x"}
    assert found.by_detector[WALK].notes[0].kind is NoteKind.TRUNCATED


def test_bomb_ends_with_a_note() -> None:
    stream = BoundedReader(layer(("big", b"\x00" * 100_000)), 10_000)
    found = index_layer(stream, digest=DIGEST, detectors=()).finds
    assert found.by_detector[WALK].notes[0].kind is NoteKind.TOO_LARGE


def test_notes_themselves_are_bounded() -> None:
    stream = layer(*((f"want{i}", b"1234") for i in range(10)))
    found = index_layer(
        stream, digest=DIGEST, detectors=(Recorder(),), limits=Limits(text_bytes=1, notes=3)
    ).finds
    assert len(found.by_detector[WALK].notes) == 3


def test_files_in_memory_give_the_same_finds_as_a_stream() -> None:
    files = {"lib/apk/db/installed": b"P:a\nV:1-r0\n\n", "etc/os-release": b"ID=alpine\nVERSION_ID=3.19.1\n"}
    detectors = catalogue.detectors()
    direct = index_files(files, digest=DIGEST, detectors=detectors)
    assert direct == index_layer(layer(*files.items()), digest=DIGEST, detectors=detectors).finds
    assert direct.merged().packages[0].name == "a"


def test_collector_bounds_packages_owned_files_and_text() -> None:
    collector = Collector(Limits(packages=1, text_bytes=2, notes=5))
    assert collector.add("p", Package("a", "1", "dpkg"))
    assert not collector.add("p", Package("b", "1", "dpkg"))
    collector.own(Owned("x", "a", "db"))
    collector.own(Owned("y", "a", "db"))
    assert collector.text(Entry("t", 3), io.BytesIO(b"abc")) == b"ab"
    finds = collector.finds()
    assert ([p.name for p in finds.packages], finds.owned) == (["a"], (Owned("x", "a", "db"),))
    assert [note.kind for note in finds.notes] == [NoteKind.TOO_MANY] * 2 + [NoteKind.TOO_LARGE]
    collector.begin("p")
    assert collector.finds().packages == ()


def test_union_of_finds_keeps_the_order() -> None:
    one, two = Finds(notes=(Note(NoteKind.LINK, "a"),)), Finds(notes=(Note(NoteKind.LINK, "b"),))
    assert [note.subject for note in (one + two).notes] == ["a", "b"]


def test_overlong_path_is_a_note_and_the_rest_is_read() -> None:
    recorder = Recorder()
    stream = layer(("want" + "x" * 50, b"long"), ("want", b"x"))
    found = index_layer(stream, digest=DIGEST, detectors=(recorder,), limits=Limits(path_bytes=40)).finds
    assert recorder.seen == {"want": b"x"}
    assert found.by_detector[WALK].notes[0].kind is NoteKind.TOO_LARGE


def both_passes(*entries: tuple[str, bytes | str], limits: Limits | None = None) -> Finds:
    stream, detectors = layer(*entries), catalogue.detectors()
    first = index_layer(stream, digest=DIGEST, detectors=detectors, limits=limits)
    if not first.missed:
        return first.finds.merged()
    stream.seek(0)
    second = index_layer(stream, digest=DIGEST, detectors=detectors, limits=limits, aliases=first.missed)
    return first.finds.merged() + second.finds.merged()


def test_hard_link_to_a_hard_link_leads_to_the_file() -> None:
    entries = layer(("plain", b"content"), ("second", "plain"), ("want/third", "second"))
    recorder = Recorder()
    result = index_layer(entries, digest=DIGEST, detectors=(recorder,))
    assert result.missed == {"plain": ("want/third",)}


def test_hard_links_in_a_circle_end() -> None:
    entries = layer(("a", "b"), ("b", "a"), ("want/c", "a"))
    assert index_layer(entries, digest=DIGEST, detectors=(Recorder(),)).missed == {"a": ("want/c",)}


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("os.release.d/os-release-fedora", "usr/lib/os.release.d/os-release-fedora"),
        ("/usr/lib/os.release.d/x", "usr/lib/os.release.d/x"),
        ("../../lib/other", "usr/lib/other"),
        ("../../../../../../../lib/other", "lib/other"),
    ],
)
def test_release_file_behind_a_symbolic_link_is_read(link: str, target: str) -> None:
    found = both_passes((target, b"ID=fedora\nVERSION_ID=35\n"), ("usr/lib/os-release", f"->{link}"))
    assert [(system.did, system.version_id) for system in found.distributions] == [("fedora", "35")]


def test_release_file_linked_to_the_usual_place_needs_no_second_pass() -> None:
    stream = layer(("usr/lib/os-release", b"ID=debian\n"), ("etc/os-release", "->../usr/lib/os-release"))
    result = index_layer(stream, digest=DIGEST, detectors=catalogue.detectors())
    assert result.missed == {}
    assert [system.did for system in result.finds.merged().distributions] == ["debian"]


def test_symbolic_link_to_a_package_is_no_second_package() -> None:
    metadata = b"Name: a\nVersion: 1\n"
    found = both_passes(("x/a.dist-info/METADATA", metadata), ("y/a.dist-info/METADATA", "->../../x"))
    assert [package.filepath for package in found.packages] == ["x/a.dist-info/METADATA"]


def test_links_and_whiteouts_have_a_bound() -> None:
    stream = layer(("want/1", "first"), ("want/2", "second"), ("a/.wh.b", b""), ("a/.wh.another", b""))
    result = index_layer(stream, digest=DIGEST, detectors=(Recorder(),), limits=Limits(found_bytes=11))
    assert result.missed == {"first": ("want/1",)}
    assert result.finds.by_detector[WHITEOUT].whiteouts == ("a/.wh.b",)
    kinds = [note.kind for note in result.finds.by_detector[WALK].notes]
    assert kinds == [NoteKind.LINK, NoteKind.TOO_MANY]
