"""One bundle as COPY files: what a worker process does with `<name>.json.zst`.

Records are read by the engine (`pyrox.scan.advisories.bundle`); here their rows and
texts become files, each distinct text once, and what was left out is counted by reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, Self

import zstandard

from pyrox.errors import Invalid
from pyrox.scan import catalogue
from pyrox.scan.advisories.bundle import MAX_LINE, Content, read
from pyrox.scan.advisories.model import Advisory, ParsedAdvisory, Skipped
from pyrox.scan.protocols import VersionScheme
from services.scanner_matcher import compact, copyform, enrich
from services.scanner_matcher.loader import Prepared

# Raise it whenever the same bundle would give other rows.
LOADER_VERSION: Final = 4
# A frame may ask for terabytes; the zstd command's long mode goes to 128 MiB.
_MAX_WINDOW: Final = 128 * 1024 * 1024
_STEP: Final = 1024
# So many bytes of rows and texts are put into order before they are written: some 200,000 rows.
_ORDERED_BYTES: Final = 128 * 1024 * 1024
# What an item of a list and its tuple take beside its bytes (CPython 3.11).
_ITEM_BYTES: Final = 200
_REMEMBERED_KEYS: Final = 50_000
_MAX_REASONS: Final = 100
# Reasons carry what was read; as keys of a count they are cut to what they have in common.
_PARTICULAR: Final = re.compile(r"[:'\"].*")


def made_by() -> str:
    """Names everything that decides what a bundle becomes: this reader and the key orders."""
    orders = sorted(f"{name} {scheme.key_version}" for name, scheme in catalogue.schemes().items())
    return f"bundle {LOADER_VERSION}; {', '.join(orders)}"


def prepare(path: str, directory: str) -> Prepared:
    """Read a bundle and write its COPY files into the directory.

    Raises `Invalid` when the bundle as a whole cannot be read to its end, `OtherMaker` for
    a compact one of another release.
    """
    target = Path(directory)
    if path.endswith(compact.SUFFIX):
        with Path(path).open("rb") as file:
            name = Path(path).name
            return compact.unpack(_chunks(file, name), name, made_by(), target)
    with Path(path).open("rb") as file, _Writer(target) as writer:
        for record in read(_lines(file, Path(path).name), _remembering()):
            writer.take(record.content)
    return Prepared(
        ranges_file=target / "ranges",
        texts_file=target / "texts",
        enrichments_file=target / "enrichments",
        ranges=writer.ranges,
        advisories=writer.advisories,
        enrichments=writer.enrichments,
        skipped=dict(writer.skipped),
        namespaces=sorted(writer.namespaces),
    )


class _Remembering:
    """A version order that makes the key of a text once: feeds name the same fixes again and again."""

    def __init__(self, scheme: VersionScheme) -> None:
        self.name = scheme.name
        self.key_version = scheme.key_version
        self.compare = scheme.compare
        # Refusals are raised anew each time; they are few.
        self.key = lru_cache(_REMEMBERED_KEYS)(scheme.key)
        self.after = lru_cache(_REMEMBERED_KEYS)(scheme.after)


def _remembering() -> dict[str, VersionScheme]:
    return {name: _Remembering(scheme) for name, scheme in catalogue.schemes().items()}


class _Writer:
    """Writes rows and each distinct text once, and counts.

    Rows are put into the order of the index, as many at a time as fit, and texts into the order
    of their rows: what an image asks for then lies together on the disk.
    """

    def __init__(self, directory: Path) -> None:
        self._ranges, self._texts, self._enrichments = (
            (directory / name).open("wb") for name in ("ranges", "texts", "enrichments")
        )
        self._waiting: list[tuple[bytes, bytes, str]] = []
        self._waiting_texts: dict[str, tuple[bytes, bytes]] = {}
        self._waiting_bytes = 0
        self.ranges = 0
        self.advisories = 0
        self.enrichments = 0
        self.skipped: Counter[str] = Counter()
        self.namespaces: set[str] = set()
        for file in (self._ranges, self._texts, self._enrichments):
            file.write(copyform.HEADER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        for file in (self._ranges, self._texts, self._enrichments):
            file.write(copyform.TRAILER)
            file.close()

    def take(self, content: Content) -> None:
        """One record of the bundle."""
        if isinstance(content, ParsedAdvisory):
            self._advisory(content)
        elif isinstance(content, Skipped):
            self._skip(_PARTICULAR.sub("", content.reason))
        else:
            self._enrichment(content)

    def _skip(self, reason: str) -> None:
        known = reason in self.skipped or len(self.skipped) < _MAX_REASONS
        self.skipped[reason if known else "other reasons"] += 1

    def _advisory(self, content: ParsedAdvisory) -> None:
        if not content.rows:
            self._skip("empty range")
            return
        key, digest = content.advisory.key, self._digest(content.advisory)
        for row in content.rows:
            place, fields = copyform.range_fields(digest, row)
            self._waiting.append((place, fields, key))
            self._waiting_bytes += len(place) + len(fields) + _ITEM_BYTES
            self.ranges += 1
            self.namespaces.add(row.namespace)
        if self._waiting_bytes > _ORDERED_BYTES:
            self._flush()

    def _digest(self, advisory: Advisory) -> bytes:
        """The text's digest; the text waits for its rows when it is new."""
        known = self._waiting_texts.get(advisory.key)
        if known is None:
            known = copyform.text_digest(advisory), copyform.text_fields(advisory)
            self._waiting_texts[advisory.key] = known
            self._waiting_bytes += len(known[1]) + _ITEM_BYTES
        return known[0]

    def _flush(self) -> None:
        """Write what waits. Records of one advisory lie close together, so few texts come again later."""
        numbers: dict[str, int] = {}
        self._waiting.sort()
        for _, fields, key in self._waiting:
            number = numbers.get(key)
            if number is None:
                self.advisories += 1
                number = numbers[key] = self.advisories
                self._texts.write(copyform.text_tuple(number, self._waiting_texts[key][1]))
            self._ranges.write(copyform.range_tuple(number, fields))
        self._waiting.clear()
        self._waiting_texts.clear()
        self._waiting_bytes = 0

    def _enrichment(self, record: enrich.Record) -> None:
        key = enrich.key_of(record)
        if not key or len(key) > enrich.MAX_KEY:
            self._skip("enrichment without a usable key")
            return
        data = enrich.pack(record)
        self._enrichments.write(copyform.enrichment_tuple(enrich.kind_of(record), key, data))
        self.enrichments += 1


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The lines of a zstd file; of one that is too long only the beginning, which the reader refuses."""
    rest, cut = b"", False
    for chunk in _chunks(file, name):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if not cut:
                yield line
            cut = False
        if len(rest) > MAX_LINE:
            if not cut:
                yield rest
            rest, cut = b"", True
    if rest and not cut:
        yield rest


def _chunks(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The decompressed bytes; `Invalid` when the file is damaged or ends inside a frame.

    Small steps bound what one call can give: a block takes at least four bytes and
    holds at most 128 KiB. The library's own reader would take a cut file for a whole one.
    """
    frames = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    frame = frames.decompressobj()
    try:
        while data := file.read(_STEP):
            while data:
                if frame.eof:
                    frame = frames.decompressobj()
                yield frame.decompress(data)
                data = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as err:
        raise Invalid(f"bundle {name}: its compressed data are damaged: {err}") from err
    if not frame.eof:
        raise Invalid(f"bundle {name} ends in the middle of its compressed data")
