"""Parsers with samples to change; `child.py` runs one of them.

A parser takes any bytes and raises nothing but what its callers turn into a note or an error
that names the layer.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import zstandard

from pyrox.scan import catalogue
from pyrox.scan.layer import index_files, index_layer
from services.scanner_indexer.unpack import Unpacked
from tests.support.fake_registry import tar_of
from tests.unit.pyrox.scan.formats import test_rpmdb

STATUS = (
    b"Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\nSource: b (5.2)\n\n"
)
APK = b"C:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nF:usr/bin\nR:x\n\n"
FILES: Mapping[str, bytes] = {
    "var/lib/dpkg/status": STATUS * 3,
    "var/lib/dpkg/info/bash.list": b"/usr/bin/x\n",
    "lib/apk/db/installed": APK * 3,
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "opt/a-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\n",
    "opt/.wh.b": b"",
}


def layer(data: bytes) -> None:
    """A whole layer, compressed or not, by every detector."""
    stream = io.BufferedReader(Unpacked(io.BytesIO(data), compressed=len(data), free_bytes=64 << 20))
    index_layer(stream, digest="sha256:0", detectors=catalogue.detectors())


def file_at(path: str) -> Callable[[bytes], None]:
    """One file of a layer, by the detectors that want it."""

    def run(data: bytes) -> None:
        index_files({path: data}, digest="sha256:0", detectors=catalogue.detectors())

    return run


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def _jar() -> bytes:
    pom = b"groupId=a.b\nartifactId=c\nversion=1.0\n"
    inner = _zip({"META-INF/MANIFEST.MF": b"Implementation-Title: x\n", "META-INF/maven/pom.properties": pom})
    return _zip({"META-INF/MANIFEST.MF": b"Bundle-Version: 1\n", "BOOT-INF/lib/inner-1.0.jar": inner})


HEADERS = (test_rpmdb.package("a"), test_rpmdb.package("b", BASE_NAMES=[f"f{i}" for i in range(300)]))


@dataclass(frozen=True)
class Parser:
    """What is run, and what it is run on."""

    run: Callable[[bytes], None]
    samples: tuple[bytes, ...]


PARSERS: Mapping[str, Parser] = {
    "tar": Parser(layer, (tar_of(FILES),)),
    "gzip": Parser(layer, (gzip.compress(tar_of(FILES)), gzip.compress(tar_of(FILES), 0))),
    "zstd": Parser(layer, (zstandard.compress(tar_of(FILES)),)),
    "rpm sqlite": Parser(file_at("var/lib/rpm/rpmdb.sqlite"), (test_rpmdb.sqlite(*HEADERS),)),
    "rpm ndb": Parser(file_at("var/lib/rpm/Packages.db"), (test_rpmdb.ndb(*HEADERS),)),
    "rpm bdb": Parser(
        file_at("var/lib/rpm/Packages"), (test_rpmdb.bdb(*HEADERS), test_rpmdb.bdb(*HEADERS, order=">"))
    ),
    "dpkg status": Parser(file_at("var/lib/dpkg/status"), (STATUS * 3,)),
    "dpkg status.d": Parser(file_at("var/lib/dpkg/status.d/a"), (STATUS,)),
    "apk": Parser(file_at("lib/apk/db/installed"), (APK * 3,)),
    "os-release": Parser(file_at("etc/os-release"), (b'ID=\'x\'\nNAME="a\\"b"\nCPE_NAME=cpe:/o:a:b:1\n',)),
    "lsb-release": Parser(file_at("etc/lsb-release"), (b"DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=20.04\n",)),
    "python": Parser(file_at("a-1.dist-info/METADATA"), (FILES["opt/a-1.dist-info/METADATA"],)),
    "npm": Parser(
        file_at("app/node_modules/a/package.json"), (json.dumps({"name": "a", "version": "1.0"}).encode(),)
    ),
    "gem": Parser(
        file_at("x/specifications/a-1.gemspec"), (b's.name = "a".freeze\ns.version = "1.0"\n' * 2,)
    ),
    "jar": Parser(file_at("opt/a-1.0.jar"), (_jar(),)),
    "deps.json": Parser(
        file_at("app/a.deps.json"), (b'{"libraries": {"A/1.0.0": {"type": "package", "sha512": "x"}}}',)
    ),
    "composer": Parser(
        file_at("app/vendor/composer/installed.json"), (b'{"packages": [{"name": "a/b", "version": "1.0"}]}',)
    ),
}
