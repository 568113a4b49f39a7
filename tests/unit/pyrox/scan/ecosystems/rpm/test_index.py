"""Rpm databases as packages."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find
from tests.unit.pyrox.scan.formats import test_rpmdb, test_rpmheader


def test_rpm_packages_with_source_module_hint_and_files() -> None:
    full = test_rpmdb.package(
        "nodejs",
        EPOCH=1,
        MODULARITY="nodejs:18:8090:abc",
        PAYLOAD_DIGEST=["f00d"],
        PAYLOAD_ALGORITHM=8,
        BASE_NAMES=["node", "package.json"],
        DIR_NAMES=["/usr/bin/", "/usr/lib/node_modules/npm/"],
        DIR_INDEXES=[0, 1],
    )
    database = test_rpmdb.sqlite(
        full, test_rpmdb.package("gpg-pubkey"), test_rpmdb.package(""), b"broken", test_rpmdb.package("z")
    )
    finds = find({"usr/lib/sysimage/rpm/rpmdb.sqlite": database, "x/Packages": b"no database"})
    node, last = finds.packages
    assert (node.name, node.version, node.arch, node.module) == (
        "nodejs",
        "1:1.0-1.el9",
        "x86_64",
        "nodejs:18",
    )
    assert (node.source_name, node.source_version, node.source_module) == (
        "nodejs-src",
        "1.0-1.el9",
        "nodejs:18",
    )
    assert (node.package_db, node.repository_hint) == ("sqlite:usr/lib/sysimage/rpm", "hash=sha256:f00d")
    assert (last.name, last.version, last.repository_hint) == ("z", "1.0-1.el9", "")
    assert [o.path for o in finds.owned] == ["usr/bin/node", "usr/lib/node_modules/npm/package.json"]
    assert finds.databases == ("sqlite:usr/lib/sysimage/rpm",)
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED] * 2


def test_rpm_hint_names_the_signing_key() -> None:
    packet = b"\x88" + bytes([len(test_rpmheader.V4)]) + test_rpmheader.V4
    header = test_rpmdb.header({1000: "a", 1001: "1", 1002: "1", 268: packet})
    (package,) = find({"var/lib/rpm/Packages": test_rpmdb.bdb(header)}).packages
    assert (package.repository_hint, package.package_db) == (
        f"key={test_rpmheader.KEY.hex()}",
        "bdb:var/lib/rpm",
    )
    assert (package.source_name, package.source_module) == ("", "")


def test_rpm_damaged_database_keeps_what_came_before_and_packages_are_bounded() -> None:
    headers = [test_rpmdb.package(name) for name in ("a", "b", "c")]
    data = test_rpmdb.ndb(*headers)
    finds = find({"var/lib/rpm/Packages.db": data[: len(data) - len(headers[2]) - 40]})
    assert ([p.name for p in finds.packages][:2], len(finds.notes)) == (["a", "b"], 1)
    assert len(find({"var/lib/rpm/Packages.db": data}, Limits(packages=2)).packages) == 2


def test_rpm_module_of_absurd_length_is_a_note() -> None:
    database = test_rpmdb.sqlite(test_rpmdb.package("a", MODULARITY=":" * 100_000), test_rpmdb.package("b"))
    assert [package.name for package in find({"var/lib/rpm/rpmdb.sqlite": database}).packages] == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("bash-5.1-2.el9.src.rpm", ("bash", "5.1-2.el9")),
        ("a-b-c-1-2.nosrc.rpm", ("a-b-c", "1-2")),
        ("bash-5.1.src.rpm", ("", "")),
        ("bash-5.1-2.el9.x86_64.rpm", ("", "")),
        ("(none)", ("", "")),
        ("", ("", "")),
    ],
)
def test_rpm_source_is_taken_from_its_file_name(source: str, expected: tuple[str, str]) -> None:
    database = test_rpmdb.sqlite(test_rpmdb.package("a", SOURCE_RPM=source))
    (package,) = find({"var/lib/rpm/rpmdb.sqlite": database}).packages
    assert (package.source_name, package.source_version) == expected


@pytest.mark.parametrize(
    ("epoch", "version"), [(0, "1.0-1.el9"), (1, "1:1.0-1.el9"), (2**32 - 1, "4294967295:1.0-1.el9")]
)
def test_rpm_epoch_is_shown_unless_it_is_zero(epoch: int, version: str) -> None:
    database = test_rpmdb.sqlite(test_rpmdb.package("a", EPOCH=epoch))
    assert find({"var/lib/rpm/rpmdb.sqlite": database}).packages[0].version == version


def test_rpm_release_file_of_a_name_without_end_is_read() -> None:
    # Going back over the text for each name would take minutes in a file of this size.
    text = b'ID=x\nPRETTY_NAME="' + b"VMware Photon OS" * 4000 + b'"\n'
    assert [
        found.did for found in find({"etc/os-release": text, "usr/lib/os-release": text}).distributions
    ] == ["x"]


def in_use(directory: Path, before: Sequence[bytes], after: Sequence[bytes]) -> dict[str, bytes]:
    """The files of a database that was never closed: what came after stands in its log only."""
    path = directory / "rpmdb.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in before])
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in after])
        return {f"var/lib/rpm/{found.name}": found.read_bytes() for found in directory.iterdir()}


@pytest.mark.parametrize("backwards", [False, True])
def test_rpm_database_is_read_with_its_write_ahead_log_in_either_order(
    tmp_path: Path, *, backwards: bool
) -> None:
    files = in_use(tmp_path, [test_rpmdb.package("old")], [test_rpmdb.package("new")])
    finds = find(dict(sorted(files.items(), reverse=backwards)))
    assert [package.name for package in finds.packages] == ["old", "new"]
    assert (finds.databases, finds.notes) == (("sqlite:var/lib/rpm",), ())


def test_rpm_log_that_is_damaged_or_alone_is_noted(tmp_path: Path) -> None:
    files = in_use(tmp_path, [test_rpmdb.package("old")], [test_rpmdb.package("new")])
    log = "var/lib/rpm/rpmdb.sqlite-wal"
    spoilt = find(files | {log: b"?" + files[log][1:]})
    assert [(note.kind, note.subject) for note in spoilt.notes] == [
        (NoteKind.MALFORMED, "var/lib/rpm/rpmdb.sqlite")
    ]
    assert [package.name for package in spoilt.packages] == ["old"]
    alone = find({log: files[log]})
    assert [(note.kind, note.subject) for note in alone.notes] == [(NoteKind.UNSUPPORTED, log)]
    empty = find(files | {log: b""})
    assert ([package.name for package in empty.packages], empty.notes) == (["old"], ())


def test_rpm_databases_that_wait_for_a_log_are_bounded(tmp_path: Path) -> None:
    files = in_use(tmp_path, [test_rpmdb.package("a")], [])
    database = files["var/lib/rpm/rpmdb.sqlite"]
    finds = find({f"{n:02}/rpmdb.sqlite": database for n in range(20)})
    assert len(finds.databases) == len({p.package_db for p in finds.packages}) == 20
    assert [note.kind for note in finds.notes] == [NoteKind.TOO_MANY] * 4
