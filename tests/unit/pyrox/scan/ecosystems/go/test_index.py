"""Modules of Go executables."""

from __future__ import annotations

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


def test_go_library_by_its_name_is_not_read_and_packages_are_bounded() -> None:
    content = test_gobuild.elf(test_gobuild.inline())
    assert in_layer({"usr/lib/libx.so.1.2": (content, 0o755)}).packages == ()
    assert len(in_layer({"app": (content, 0o755)}, Limits(packages=2)).packages) == 2


def test_go_version_without_numbers_has_no_normalized_form() -> None:
    assert go.normalized("(devel)").kind == ""
    assert go.normalized("v0.0.0-20170424173420-06e7a29f36a3").v == (0,) * 10
