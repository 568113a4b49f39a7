"""Known attacks: layers and files made to exhaust whoever reads them.

Each gives an answer in bounded memory: the notes of the finds. `test_fuzz.py` says which words
must stand in it.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import zstandard

from pyrox.scan import catalogue
from pyrox.scan.advisories.model import Skipped
from pyrox.scan.layer import index_files
from services.scanner_indexer.finds import unpack_finds
from services.scanner_indexer.layer import read_layer
from tests.fuzz.documents import FEEDS
from tests.unit.pyrox.scan.formats import test_rpmdb

MEBI = 1 << 20
Chunks = Iterator[bytes]


def indexed(chunks: Chunks) -> str:
    """What is said of a layer: its notes."""
    with tempfile.NamedTemporaryFile() as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        names = [detector.name for detector in catalogue.detectors()] + ["layer"]
        packed = read_layer(str(Path(file.name)), "sha256:attack", names)
    return "; ".join(
        f"{n.kind} {n.subject[:80]} {n.detail}" for data in packed.values() for n in unpack_finds(data).notes
    )


def noted(path: str, data: bytes) -> str:
    """The notes of one file."""
    found = index_files({path: data}, digest="sha256:0", detectors=catalogue.detectors()).merged()
    return "; ".join(f"{note.kind} {note.detail}" for note in found.notes)


def head(name: str, size: int, **more: bytes) -> bytes:
    """The header of a file."""
    info = tarfile.TarInfo(name)
    info.size = size
    if "kind" in more:
        info.type, info.linkname = more["kind"], more["link"].decode()
    return info.tobuf(tarfile.GNU_FORMAT)


def gzip_bomb() -> str:
    """Members of zeros: 6 GiB from 6 MiB, behind a header that makes them one file."""
    zeros = gzip.compress(bytes(64 * MEBI))
    return indexed(iter([gzip.compress(head("big", 7 << 30)), *[zeros] * 110]))


def zstd_bomb() -> str:
    """The same in frames of zstd, of which a kilobyte makes gigabytes."""
    zeros = zstandard.compress(bytes(64 * MEBI))
    return indexed(iter([zstandard.compress(head("big", 7 << 30)), *[zeros] * 110]))


def million_entries() -> str:
    """Empty files that every detector is asked about, and one package at the end."""

    def chunks() -> Chunks:
        pack = gzip.compress(b"".join(head(f"d{n % 100}/f{n}", 0) for n in range(1000)), 1)
        yield from [pack] * 1000
        metadata = b"Name: last\nVersion: none at all\n"
        yield gzip.compress(head("x/a-1.dist-info/METADATA", len(metadata)) + metadata.ljust(512, b"\0"))
        yield gzip.compress(bytes(1024))

    return indexed(chunks())


def million_links() -> str:
    """Hard links with long names that a detector wants, to files that are not there."""

    def chunks() -> Chunks:
        directory = "d/" * 1000
        pack = b"".join(
            head(f"{directory}{n}.jar", 0, kind=tarfile.LNKTYPE, link=f"{directory}{n}.bin".encode())
            for n in range(200)
        )
        yield from [gzip.compress(pack, 1)] * 500
        yield gzip.compress(bytes(1024))

    return indexed(chunks())


def many_packages() -> str:
    """Hundreds of thousands of packages below a long path."""

    def chunks() -> Chunks:
        data = b'{"name":"n","version":"1"}'
        directory = "node_modules/" + "d" * 900
        for n in range(0, 60_000, 500):
            pack = b"".join(
                head(f"{directory}{i}/package.json", len(data)) + data.ljust(512, b"\0")
                for i in range(n, n + 500)
            )
            yield gzip.compress(pack, 1)
        yield gzip.compress(bytes(1024))

    return indexed(chunks())


def large_package_json() -> str:
    """One gigabyte of it."""
    size = 1 << 30
    zeros = gzip.compress(bytes(64 * MEBI))
    name = gzip.compress(head("node_modules/a/package.json", size))
    return indexed(iter([name, *[zeros] * 16, gzip.compress(bytes(1024))]))


def sparse_lie() -> str:
    """A file that claims to expand to a terabyte, and one whose pieces overlap."""
    info = tarfile.TarInfo("var/lib/dpkg/status")
    info.pax_headers = {"GNU.sparse.map": "0,1,0,1", "GNU.sparse.size": "100", "GNU.sparse.name": info.name}
    big = tarfile.TarInfo("lib/apk/db/installed")
    big.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 40), "GNU.sparse.name": big.name}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for one in (big, info):
            one.size = 2
            tar.addfile(one, io.BytesIO(b"xx"))
    return indexed(iter([out.getvalue()]))


def bdb_loop() -> str:
    """An overflow page that names itself as the next."""
    data = bytearray(test_rpmdb.bdb(test_rpmdb.package("b", BASE_NAMES=["x" * 20] * 400)))
    data[1024 + 16 : 1024 + 20] = struct.pack("<I", 2)
    position = data.index(b"\x03\x00\x00\x00" + struct.pack("<I", 2), 512)
    data[position + 8 : position + 12] = struct.pack("<I", 1 << 31)
    return noted("var/lib/rpm/Packages", bytes(data))


def ndb_overlap() -> str:
    """Every slot of many names the same large header."""
    return noted("var/lib/rpm/Packages.db", test_rpmdb.overlapping())


def nested_jars() -> str:
    """An archive in an archive in an archive, two dozen deep."""
    data = b""
    for _ in range(24):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("META-INF/MANIFEST.MF", b"Bundle-Version: 1\n")
            archive.writestr("lib/inner-1.0.jar", data)
        data = out.getvalue()
    return noted("opt/outer-1.0.jar", data)


def deep_advisories() -> str:
    """JSON ten thousand levels deep where each feed has a document, and where it has a value."""
    deep = b"[" * 10_000 + b"]" * 10_000
    said = []
    for path in FEEDS:
        for source in catalogue.sources():
            for data in (deep, b'{"affected":' + deep + b"}") if source.accepts(path) else ():
                said += [item.reason for item in source.parse(path, data) if isinstance(item, Skipped)]
    return "; ".join(said)


def line_ends() -> str:
    """Databases that are nothing but line ends or shortest stanzas."""
    said = [
        noted("var/lib/dpkg/status", b"a\n" * (15 * MEBI)),
        noted("lib/apk/db/installed", b"P\n\n" * (10 * MEBI)),
        noted("lib/apk/db/installed", b"P:a\nV:1\n\n" * (3 * MEBI)),
        noted("x/y-1.dist-info/METADATA", b"\n" * (30 * MEBI)),
    ]
    return "; ".join(part[:300] for part in said)


ATTACKS: Mapping[str, tuple[Callable[[], str], str]] = {
    "gzip bomb": (gzip_bomb, "unpacks to more than"),
    "zstd bomb": (zstd_bomb, "unpacks to more than"),
    "million entries": (million_entries, "unparsable version"),
    "million links": (million_links, "more links than are followed"),
    "many packages": (many_packages, "too many"),
    "large package.json": (large_package_json, "too large"),
    "sparse lie": (sparse_lie, "sparse file"),
    "bdb loop": (bdb_loop, "header of"),
    "ndb overlap": (ndb_overlap, "more headers than"),
    "nested jars": (nested_jars, "too deep"),
    "deep advisories": (deep_advisories, "malformed"),
    "line ends": (line_ends, "malformed"),
}
"""What is done, and what must be said of it."""
