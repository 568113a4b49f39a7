"""Bundles in the compact form: the COPY files of one source, made elsewhere and checked here.

A zstd frame of one line that names the form, one line of JSON (who made it, what it counted,
each file's size and SHA-256), then the files. Nothing is parsed at load, so it loads as fast
as the database copies; but it fits one release only, the one that made the same keys, so a
zip should have upstream's form of each source beside it.

`bundle` reads it, `tools/compact_vuln_bundle.py` writes it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from pyrox.errors import Invalid
from services.scanner_matcher.loader import Prepared

SUFFIX: Final = ".copy.zst"
_FORM: Final = b"pyrox copy bundle 1\n"
_FILES: Final = ("ranges", "texts", "enrichments")
_MAX_HEADER: Final = 4_000_000
# The whole of all sources has some four gigabytes.
_MAX_FILE: Final = 32 * 1024**3
# Fast to read matters more than the last percent of size.
_LEVEL: Final = 6


class OtherMaker(Invalid):
    """The bundle is whole, but its keys are those of another release."""


class _File(msgspec.Struct):
    name: str
    size: int
    sha256: str


class _Head(msgspec.Struct):
    made_by: str
    ranges: int
    advisories: int
    enrichments: int
    skipped: Mapping[str, int]
    namespaces: list[str]
    files: list[_File]


_HEAD: Final = msgspec.json.Decoder(_Head)


def write(prepared: Prepared, made_by: str, target: Path) -> None:
    """Write the files of one source as one compressed stream."""
    paths = (prepared.ranges_file, prepared.texts_file, prepared.enrichments_file)
    head = _Head(
        made_by=made_by,
        ranges=prepared.ranges,
        advisories=prepared.advisories,
        enrichments=prepared.enrichments,
        skipped=dict(prepared.skipped),
        namespaces=list(prepared.namespaces),
        files=[
            _File(name, path.stat().st_size, _sha256(path)) for name, path in zip(_FILES, paths, strict=True)
        ],
    )
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    with target.open("wb") as file, compressor.stream_writer(file) as out:
        out.write(_FORM + msgspec.json.encode(head) + b"\n")
        for path in paths:
            with path.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(chunks: Iterator[bytes], name: str, made_by: str, directory: Path) -> Prepared:
    """Write the files into the directory, each checked.

    Args:
        chunks: the decompressed stream.
        name: of the bundle, for errors.
        made_by: who this release is.
        directory: where the files go.

    Raises:
        OtherMaker: its keys are not this release's.
        Invalid: it is damaged, or no such bundle.
    """
    stream = _Stream(chunks, name)
    if stream.line() != _FORM:
        raise Invalid(f"bundle {name}: no compact bundle of a form that is known")
    try:
        head = _HEAD.decode(stream.line())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"bundle {name}: its head is damaged: {error}") from error
    if head.made_by != made_by:
        raise OtherMaker(f"bundle {name}: made for another release")
    if tuple(file.name for file in head.files) != _FILES:
        raise Invalid(f"bundle {name}: its files are not {', '.join(_FILES)}")
    for file in head.files:
        if not 0 <= file.size <= _MAX_FILE:
            raise Invalid(f"bundle {name}: {file.name} of {file.size} bytes")
        if stream.copy(directory / file.name, file.size) != file.sha256:
            raise Invalid(f"bundle {name}: {file.name} is not what its maker wrote")
    if stream.more():
        raise Invalid(f"bundle {name}: there are more bytes than its head tells")
    return Prepared(
        ranges_file=directory / "ranges",
        texts_file=directory / "texts",
        enrichments_file=directory / "enrichments",
        ranges=head.ranges,
        advisories=head.advisories,
        enrichments=head.enrichments,
        skipped=head.skipped,
        namespaces=head.namespaces,
    )


class _Stream:
    """Lines, then counted bytes, of chunks."""

    def __init__(self, chunks: Iterator[bytes], name: str) -> None:
        self._chunks = chunks
        self._name = name
        self._rest = b""

    def line(self) -> bytes:
        while b"\n" not in self._rest:
            self._rest += self._next()
            if len(self._rest) > _MAX_HEADER:
                raise Invalid(f"bundle {self._name}: its head is longer than {_MAX_HEADER} bytes")
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"

    def copy(self, target: Path, size: int) -> str:
        """Write so many bytes to a file; their SHA-256."""
        digest = hashlib.sha256()
        with target.open("wb") as out:
            while size:
                data = self._rest[:size] or self._next()
                data, self._rest = data[:size], self._rest[size:] if self._rest else data[size:]
                digest.update(data)
                out.write(data)
                size -= len(data)
        return digest.hexdigest()

    def more(self) -> bool:
        return bool(self._rest) or any(self._chunks)

    def _next(self) -> bytes:
        data = next(self._chunks, None)
        if data is None:
            raise Invalid(f"bundle {self._name} ends too early")
        return data
