"""Modules of Go executables."""

from __future__ import annotations

import pytest

from pyrox.scan.ecosystems.go import index as go
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import in_layer, names
from tests.unit.pyrox.scan.formats import test_gobuild


def test_go_modules_main_module_and_toolchain() -> None:
    content = test_gobuild.elf(test_gobuild.inline(b"go1.22.1 X:nocoverageredesign"))
    finds = in_layer(
        {
            "usr/local/bin/app": (content, 0o755),
            "usr/local/bin/data": (content, 0o644),
            "bin/sh": (b"#!", 0o755),
        }
    )
    assert names(finds) == [
        ("stdlib", "1.22.1"),
        ("example.org/app", "v1.2.3"),
        ("github.com/a/b", "v0.1.0"),
        ("github.com/e/f", "v0.3.0"),
    ]
    assert {package.package_db for package in finds.packages} == {"go:usr/local/bin/app"}
    assert finds.packages[0].normalized.v == (0, 1, 22, 1, 0, 0, 0, 0, 0, 0)
    assert finds.notes == ()


def test_go_libraries_are_read_scripts_are_not_and_packages_are_bounded() -> None:
    content = test_gobuild.elf(test_gobuild.inline())
    read = {"libx.so.1.2": 0o644, "x.dll": 0o644, "x.so": 0o755, "x.sh": 0o755, "plain": 0o644}
    finds = in_layer({path: (content, mode) for path, mode in read.items()})
    assert {package.filepath for package in finds.packages} == {"libx.so.1.2", "x.dll", "x.so"}
    assert len(in_layer({"app": (content, 0o755)}, Limits(packages=2)).packages) == 2


def test_go_version_without_numbers_has_no_normalized_form() -> None:
    assert go.normalized("(devel)").kind == ""
    assert go.normalized("v0.0.0-20170424173420-06e7a29f36a3").v == (0,) * 10


@pytest.mark.parametrize(
    ("settings", "version"),
    [
        (b"", "(devel)"),
        (b"build\tCGO_ENABLED=0\n", "(devel)"),
        (
            b"build\tvcs=git\nbuild\tvcs.revision=" + b"a" * 40 + b"\nbuild\tvcs.time=2024-05-01T10:00:00Z\n"
            b"build\tvcs.modified=true\n",
            f"(devel) (git, commit {'a' * 40}, built at 2024-05-01T10:00:00Z, dirty)",
        ),
        (b"build\tvcs=svn\nbuild\tvcs.revision=17\nbuild\tvcs.modified=false\n", "(devel) (svn, rev 17)"),
    ],
)
def test_go_main_module_without_a_version_says_what_the_build_knew(settings: bytes, version: str) -> None:
    text = b"0" * 16 + b"path\tx\nmod\texample.org/app\t(devel)\t\n" + settings + b"1" * 16
    finds = in_layer({"app": (test_gobuild.elf(test_gobuild.inline(text=text)), 0o755)})
    assert names(finds)[1:] == [("example.org/app", version)]
