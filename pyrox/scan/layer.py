"""One pass over one layer: every wanted file goes to the detectors that asked for it.

The Indexer calls `index_layer` with the decompressed tar stream. Whatever the stream holds,
the answer is a `LayerFinds`; what was not read stands in its notes. No I/O but reading the
given stream and writing to the given spool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from pyrox.scan.formats.bounded import Readable, StreamDamage
from pyrox.scan.formats.run import Room
from pyrox.scan.formats.tar import Member, TarReader, normal
from pyrox.scan.model import Finds, LayerFinds, Note, NoteKind
from pyrox.scan.ownership import key
from pyrox.scan.protocols import Detector, Entry, LayerRun, Limits

WALK: Final = "layer"
"""The name under which the walk's own notes stand in `LayerFinds.by_detector`."""

WHITEOUT: Final = "whiteout"
_MARK: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class LayerResult:
    """The finds, and links to files that had passed before anybody wanted them.

    `missed` maps a target path to the wanted paths that link to it; index the layer again
    with `aliases=missed` to see them, and add the finds of both passes.
    """

    finds: LayerFinds
    missed: dict[str, tuple[str, ...]]


class _Links:
    """Links whose wanted name stands elsewhere than the file's content."""

    _MOST_HOPS: Final = 40  # as many as Linux follows (path_resolution(7))

    def __init__(self, limits: Limits) -> None:
        self._wanted: list[tuple[str, str]] = []
        self._hard: dict[str, str] = {}
        self._wanted_room, self._hard_room = Room(limits.found_bytes), Room(limits.found_bytes)

    def hard(self, path: str, target: str, *, wanted: bool) -> bool:
        """Remember a hard link; False when a wanted one is lost because there are too many."""
        if self._hard_room.take(path, target):
            self._hard[path] = target
        return self.want(path, target) if wanted else True

    def want(self, path: str, target: str) -> bool:
        """Remember a path whose content is the target's; False when there are too many."""
        fits = self._wanted_room.take(path, target)
        if fits:
            self._wanted.append((target, path))
        return fits

    def missed(self) -> dict[str, tuple[str, ...]]:
        """For each file that a wanted link leads to, the links."""
        found: dict[str, list[str]] = {}
        for target, path in self._wanted:
            found.setdefault(self._end(target), []).append(path)
        return {target: tuple(paths) for target, paths in found.items()}

    def _end(self, target: str) -> str:
        for _ in range(self._MOST_HOPS):
            if target not in self._hard:
                break
            target = self._hard[target]
        return target


class _Walk:
    """The state of one pass."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        limits: Limits,
        spool: Callable[[], BinaryIO],
        aliases: Mapping[str, Sequence[str]],
    ) -> None:
        self._runs: list[tuple[Detector, LayerRun]] = [(d, d.start(limits)) for d in detectors]
        self._limits = limits
        self._spool = spool
        self._aliases = aliases
        self._served: set[str] = set()
        self._kept = 0
        self.links = _Links(limits)
        self._whiteout_room = Room(limits.found_bytes)
        self._at = ""
        self.notes: list[Note] = []
        self.whiteouts: list[str] = []

    def run(self, stream: Readable) -> None:
        """Read to the end, to a limit, or to the damage."""
        reader = TarReader(stream, max_path=self._limits.path_bytes)
        try:
            for count, member in enumerate(reader):
                self._at = member.path
                if count >= self._limits.entries:
                    self._end(NoteKind.TOO_MANY, f"more than {self._limits.entries} entries")
                    return
                self._member(reader, member)
                if self._aliases and len(self._served) == len(self._aliases):
                    return
        except StreamDamage as damage:
            self._end(damage.kind, damage.detail)

    def finish(self, digest: str) -> LayerFinds:
        """What every detector found."""
        found = {detector.name: run.finish() for detector, run in self._runs}
        found[WHITEOUT] = Finds(whiteouts=tuple(self.whiteouts))
        found[WALK] = Finds(notes=tuple(self.notes))
        return LayerFinds(digest, {name: finds for name, finds in found.items() if finds != Finds()})

    def _end(self, kind: NoteKind, detail: str) -> None:
        """Say where the walk had come to when it ended; the bound of notes does not hide it."""
        self.notes.insert(0, Note(kind, self._at, detail, ends=True))
        del self.notes[self._limits.notes :]

    def note(self, kind: NoteKind, subject: str, detail: str) -> None:
        """Remember what was not read, up to the bound of notes."""
        if len(self.notes) < self._limits.notes:
            self.notes.append(Note(kind, subject, detail))

    def _member(self, reader: TarReader, member: Member) -> None:
        base = member.path.rpartition("/")[2]
        if member.kind == "overlong":
            self.note(
                NoteKind.TOO_LARGE, member.path, f"path of more than {self._limits.path_bytes} characters"
            )
            return
        if base.startswith(_MARK):
            self._whiteout(member.path, base)
            return
        if member.kind == "file" or (member.kind == "hardlink" and member.size):
            self._file(reader, member)
        elif not self._aliases and member.link:
            self._link(member)

    def _link(self, member: Member) -> None:
        """A hard link is the file under another name; a symbolic one matters for release files.

        Detectors of packages take files where they lie, so that a link is no second package.
        """
        wanting = [detector for detector, _ in self._wanting(member.path, member.mode)]
        kept = True
        if member.kind == "hardlink":
            kept = self.links.hard(member.path, normal(member.link), wanted=bool(wanting))
        elif systems := [detector for detector in wanting if detector.kind == "distribution"]:
            for target in _targets(member):
                if not any(detector.wants(target, member.mode) for detector in systems):
                    kept = self.links.want(member.path, target) and kept
        if not kept:
            self.note(NoteKind.LINK, member.path, "more links than are followed")

    def _whiteout(self, path: str, base: str) -> None:
        if base.startswith(".wh..wh.") and base != _OPAQUE:
            return  # bookkeeping of the aufs driver
        if len(self.whiteouts) < self._limits.packages and self._whiteout_room.take(path):
            self.whiteouts.append(path)
        else:
            self.note(NoteKind.TOO_MANY, path, "more whiteouts than are read")

    def _wanting(self, path: str, mode: int) -> list[tuple[Detector, LayerRun]]:
        return [pair for pair in self._runs if pair[0].wants(path, mode)]

    def _file(self, reader: TarReader, member: Member) -> None:
        paths: Sequence[str] = (member.path,)
        if self._aliases:
            paths = self._aliases.get(member.path, ())
            self._served.update((member.path,) if paths else ())
        takers = [
            (path, run)
            for path in paths
            for detector, run in self._wanting(path, member.mode)
            if self._fits(path, member.size, detector)
        ]
        if not takers:
            return
        self._kept += member.size
        if self._kept > self._limits.kept_bytes:
            self.note(NoteKind.TOO_MANY, member.path, "the wanted files of the layer are too large together")
            return
        with self._spool() as data:
            reader.copy(data)
            for path, run in takers:
                data.seek(0)
                run.take(Entry(path, member.size, member.mode), data)

    def _fits(self, path: str, size: int, detector: Detector) -> bool:
        bound = self._limits.text_bytes if detector.reads_text else self._limits.file_bytes
        if size > bound:
            self.note(NoteKind.TOO_LARGE, path, f"{size} bytes; {detector.name} reads at most {bound}")
        return size <= bound


def _targets(member: Member) -> Iterable[str]:
    """Where a symbolic link leads, also when its first directory is a link into `usr`."""
    below = member.link if member.link.startswith("/") else f"{member.path.rpartition('/')[0]}/{member.link}"
    return dict.fromkeys((normal(below), key(normal(below))))


def index_layer(
    stream: Readable,
    *,
    digest: str,
    detectors: Sequence[Detector],
    limits: Limits | None = None,
    spool: Callable[[], BinaryIO] = BytesIO,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> LayerResult:
    """Read a layer's tar stream once and let the detectors see what they want.

    Args:
        stream: the decompressed tar; wrap it in `BoundedReader`, whose error becomes a note.
        digest: the layer's digest, copied into the result.
        detectors: who looks; see `pyrox.scan.catalogue.detectors`.
        limits: bounds; the defaults when None.
        spool: makes the seekable buffer that holds one wanted file at a time.
        aliases: `LayerResult.missed` of a former pass; only those files are then read, and
            nothing that follows the last of them.
    """
    walk = _Walk(detectors, limits or Limits(), spool, aliases or {})
    walk.run(stream)
    return LayerResult(walk.finish(digest), walk.links.missed())


def index_files(
    files: Mapping[str, bytes], *, digest: str, detectors: Sequence[Detector], limits: Limits | None = None
) -> LayerFinds:
    """The same for files that are already in memory, path by path (a host's root, a test)."""
    bounds = limits or Limits()
    runs = [(detector, detector.start(bounds)) for detector in detectors]
    for path, data in files.items():
        for detector, run in runs:
            if detector.wants(path, 0o644):
                run.take(Entry(path, len(data)), BytesIO(data))
    return LayerFinds(digest, {d.name: found for d, run in runs if (found := run.finish()) != Finds()})
