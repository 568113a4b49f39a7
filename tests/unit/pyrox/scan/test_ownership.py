"""Which files of a package database are kept."""

from __future__ import annotations

import pytest

from pyrox.scan.model import Finds, Owned, Package
from pyrox.scan.ownership import effective, key, owned

KEPT = [
    "usr/share/java/a.jar",
    "opt/x.war",
    "opt/x.ear",
    "var/jenkins/x.jpi",
    "var/jenkins/x.hpi",
    "usr/lib/ruby/gems/specifications/x.gemspec",
    "usr/lib/python3/dist-packages/x.egg-info",
    "usr/lib/python3/dist-packages/x.egg-info/PKG-INFO",
    "usr/lib/python3/site-packages/x.dist-info/METADATA",
    "usr/lib/python3/site-packages/x.egg/EGG-INFO/PKG-INFO",
    "usr/lib64/dotnet/x.deps.json",
    "usr/share/php/composer/installed.json",
    "usr/lib/node_modules/npm/package.json",
    "usr/lib/python3/dist-packages/numpy/core.so",
    "usr/lib64/python3.9/site-packages/x/y/_z.so",
    "usr/bin/kubectl",
    "usr/sbin/sshd",
    "usr/local/bin/tool",
    "usr/local/sbin/tool",
    "usr/libexec/docker/cli-plugins/docker-compose",
    "usr/lib/golang/bin/go",
    "usr/lib/go-1.22/pkg/tool/linux_amd64/vet",
    "usr/lib/go/bin/go",
    "usr/lib/x86_64-linux-gnu/libc.so.6",
    "usr/lib/librsvg-2.so.2.48.0",
    "usr/lib/numpy/core.so",
    "usr/share/php/composer/installed.php",
]
DROPPED = [
    "",
    "etc/passwd",
    "usr/bin",
    "usr/bin/",
    "usr/bin/sub/tool",
    "usr/libexec",
    "usr/share/doc/package.json.gz",
    "package.json",
    "opt/a.jar.bak",
    "srv/usr/bin/tool",
    "usr/lib/gone/x",
    "etc/ld.so.conf.d/x",
    "x/PKG-INFO",
    "x/METADATA",
]


@pytest.mark.parametrize("path", KEPT)
def test_file_that_a_language_detector_reads_is_kept(path: str) -> None:
    assert owned(path, "p", "db") == Owned(path, "p", "db")
    assert owned(f"/{path}", "p", "db") == owned(f"./{path}", "p", "db") == Owned(path, "p", "db")


@pytest.mark.parametrize("path", DROPPED)
def test_other_file_is_dropped(path: str) -> None:
    assert owned(path, "p", "db") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/lib/x", "usr/lib/x"),
        ("/lib64/x", "usr/lib64/x"),
        ("bin/sh", "usr/bin/sh"),
        ("./sbin/init", "usr/sbin/init"),
        ("usr/bin/sh", "usr/bin/sh"),
        ("/libx/y", "libx/y"),
        ("//bin/sh", "usr/bin/sh"),
        ("bin", "usr/bin"),
        ("", ""),
    ],
)
def test_key_writes_merged_directories_below_usr(path: str, expected: str) -> None:
    assert key(path) == expected


def test_path_of_absurd_length_is_decided_in_one_pass() -> None:
    # Going back over the path for each of its folders would take hours here.
    assert owned("a" + "/dist-packages/" * 1_000_000, "p", "db") is None


DPKG, RPM, APK = "var/lib/dpkg/status", "sqlite:var/lib/rpm", "lib/apk/db/installed"


def layer(database: str, installed: str, *files: str) -> Finds:
    """A database with packages of one letter, and files as `package:path`."""
    return Finds(
        packages=tuple(Package(name, "1", "x", package_db=database) for name in installed),
        databases=(database,),
        owned=tuple(Owned(path, name, database) for name, _, path in (file.partition(":") for file in files)),
    )


def test_dpkg_package_owns_the_files_that_an_earlier_layer_listed() -> None:
    assert effective([layer(DPKG, "a", "a:usr/x"), Finds(), layer(DPKG, "ab", "b:usr/y")]) == {
        "usr/x",
        "usr/y",
    }


def test_removed_dpkg_package_owns_nothing() -> None:
    assert effective([layer(DPKG, "ab", "a:usr/x", "b:usr/y"), layer(DPKG, "b")]) == {"usr/y"}


@pytest.mark.parametrize("database", [RPM, APK])
def test_whole_database_counts_in_its_newest_layer(database: str) -> None:
    older, newer = layer(database, "ab", "a:usr/x", "b:usr/y"), layer(database, "b", "b:usr/z")
    assert effective([older, newer]) == {"usr/z"}
    assert effective([older, Finds()]) == {"usr/x", "usr/y"}


def test_apk_database_that_moved_below_usr_is_the_same() -> None:
    moved = layer(f"usr/{APK}", "a", "a:usr/z")
    assert effective([layer(APK, "a", "a:usr/x"), moved]) == {"usr/z"}


def test_file_of_status_d_owns_by_its_place_and_not_by_its_name() -> None:
    database = "var/lib/dpkg/status.d/dHpkYXRh"
    found = Finds(
        packages=(Package("tzdata", "1", "dpkg", package_db=database),),
        databases=(database,),
        owned=(Owned("usr/x", "dHpkYXRh", database),),
    )
    assert effective([found]) == {"usr/x"}


def test_lists_without_a_database_own_nothing() -> None:
    assert effective([Finds(owned=(Owned("usr/x", "a", DPKG),))]) == frozenset()
