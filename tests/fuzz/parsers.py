"""Parsers with samples to change; `child.py` runs one of them.

A parser takes any bytes and raises nothing but what its callers turn into a note or an error
that names the layer.
"""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import zstandard

from pyrox.scan import catalogue
from pyrox.scan.formats.unpacked import Unpacked
from pyrox.scan.layer import index_files, index_layer
from tests.fuzz.documents import DOCUMENTS
from tests.support.fake_registry import tar_of
from tests.unit.pyrox.scan.detecting import in_layer
from tests.unit.pyrox.scan.ecosystems.cargo.test_index import CRATES
from tests.unit.pyrox.scan.ecosystems.rhcc.test_index import DOCKERFILE, LABELS, LINES
from tests.unit.pyrox.scan.ecosystems.rpm.test_content import DNF_4, DNF_5, MANIFEST
from tests.unit.pyrox.scan.ecosystems.rpm.test_dnf import DNF4, DNF5
from tests.unit.pyrox.scan.ecosystems.rpm.test_index import in_use
from tests.unit.pyrox.scan.formats import test_gobuild, test_rpmdb
from tests.unit.pyrox.scan.formats.test_sqlitefile import database

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


def files_at(*paths: str) -> Callable[[bytes], None]:
    """The same bytes as each of several files."""

    def run(data: bytes) -> None:
        for path in paths:
            index_files({path: data}, digest="sha256:0", detectors=catalogue.detectors())

    return run


def executable(data: bytes) -> None:
    """A program, by the detectors that want it by its mode."""
    in_layer({"usr/bin/kubelet": (data, 0o755)})


def _history(*statements: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return database(Path(folder), *statements).getvalue()


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


RPMDB = "var/lib/rpm/rpmdb.sqlite"


def _in_use() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return in_use(Path(folder), [test_rpmdb.package("old")], [test_rpmdb.package("new")])


def _log() -> bytes:
    return _in_use()[f"{RPMDB}-wal"]


def log_of_rpm(data: bytes, files: Mapping[str, bytes] = MappingProxyType(_in_use())) -> None:
    """A write-ahead log beside the database that it belongs to."""
    both = {RPMDB: files[RPMDB], f"{RPMDB}-wal": data}
    index_files(both, digest="sha256:0", detectors=catalogue.detectors())


LOCKS: Mapping[str, tuple[bytes, ...]] = {
    "package-lock.json": (
        b'{"packages": {"node_modules/a": {"version": "1.0.0"}}}',
        b'{"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2"}}}}}',
    ),
    "yarn.lock": (b'"a@^1.0", a@1:\n  version "1.0.0"\n', b'"a@npm:^1.0":\n  version: 1.0.0\n'),
    "pnpm-lock.yaml": (b"lockfileVersion: '9.0'\npackages:\n  a@1.0.0(b@2):\n    resolution: {}\n",),
    "poetry.lock": (b'[[package]]\nname = "a"\nversion = "1.0"\n\n[metadata]\nlock-version = "2.0"\n',),
    "Pipfile.lock": (b'{"default": {"idna": {"version": "==3.7"}}, "develop": {}}',),
    "Gemfile.lock": (b"GEM\n  remote: x\n  specs:\n    a (1.0)\n      b (~> 2)\n\nPLATFORMS\n  ruby\n",),
    "Cargo.lock": (b'version = 3\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+x"\n',),
    "composer.lock": (b'{"packages": [{"name": "a/b", "version": "v1.0"}], "packages-dev": []}',),
    "packages.lock.json": (b'{"version": 1, "dependencies": {"net8.0": {"A": {"resolved": "1.0"}}}}',),
    "gradle.lockfile": (b"a.b:c:1.0=compileClasspath,runtimeClasspath\nempty=\n",),
}
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
        files_at("app/vendor/composer/installed.json", "app/vendor/composer/installed.php"),
        (
            b'{"packages": [{"name": "a/b", "version": "1.0"}]}',
            b"<?php return array('versions' => array('a/b' => array('pretty_version' => '1.0',),),);",
        ),
    ),
    "executables": Parser(
        executable,
        (
            test_gobuild.elf(test_gobuild.inline()),
            test_gobuild.elf(test_gobuild.pointers(256, 8, big=False)),
            test_gobuild.pe(test_gobuild.inline()),
            test_gobuild.elf(zlib.compress(CRATES), section=b".dep-v0"),
        ),
    ),
    "rpm sqlite log": Parser(log_of_rpm, (_log(),)),
    "dnf": Parser(files_at(DNF_4, DNF_5), (_history(*DNF4), _history(*DNF5))),
    "files of Red Hat": Parser(
        files_at("root/buildinfo/content_manifests/x.json", "root/buildinfo/labels.json", DOCKERFILE),
        (MANIFEST, LABELS, LINES),
    ),
    "lock files": Parser(
        files_at(*(f"app/{name}" for name in LOCKS)),
        tuple(sample for samples in LOCKS.values() for sample in samples),
    ),
    **{name: Parser(run, samples) for name, (run, samples) in DOCUMENTS.items()},
}
