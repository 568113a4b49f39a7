"""Which files of a package database are kept."""

from __future__ import annotations

import pytest

from pyrox.scan.model import Owned
from pyrox.scan.ownership import key, owned

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
]
DROPPED = [
    "",
    "etc/passwd",
    "usr/bin",
    "usr/bin/",
    "usr/bin/sub/tool",
    "usr/libexec",
    "usr/lib/x86_64-linux-gnu/libc.so.6",
    "usr/lib/python3/dist-packages/numpy/core.so.1",
    "usr/lib/numpy/core.so",
    "usr/share/doc/package.json.gz",
    "package.json",
    "usr/lib/go/bin/go",
    "opt/a.jar.bak",
    "srv/usr/bin/tool",
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
