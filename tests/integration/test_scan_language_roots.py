"""Packages of each language equal what its own tools list: none missing, none too many.

The parts are real: `tests.support.language_roots` says where they come from.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support import language_roots as roots

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty root; what is beside it is not scanned."""
    made = tmp_path / "root"
    made.mkdir()
    return made


CASES = [
    pytest.param(roots.node, "nodejs", marks=pytest.mark.needs("node"), id="nodejs"),
    pytest.param(roots.ruby, "gem", marks=pytest.mark.needs("gem"), id="gem"),
    pytest.param(roots.php, "composer", marks=pytest.mark.needs("composer"), id="composer"),
    pytest.param(roots.rust, "cargo", marks=pytest.mark.needs("objcopy", "uv"), id="cargo"),
    pytest.param(roots.dotnet, "nuget", id="nuget"),
]


@pytest.mark.parametrize(("build", "ecosystem"), CASES)
def test_packages_equal_what_the_native_tool_lists(
    root: Path, build: Callable[[Path], roots.Names], ecosystem: str
) -> None:
    listed = build(root)
    found = roots.found(roots.index(root), ecosystem)
    assert len(listed) > 2
    assert set(found) == listed


def test_python_packages_equal_pip_list(root: Path) -> None:
    listed = roots.python(root)
    found = roots.found(roots.index(root), "python")
    assert ("eggs", "1.0rc1") in listed
    assert sorted((str(canonicalize_name(name)), version) for name, version in found) == sorted(listed)


@pytest.mark.needs("go")
def test_go_modules_equal_go_version(root: Path) -> None:
    listed = roots.go(root)
    report = roots.index(root)
    found: dict[str, roots.Names] = {name: set() for name in listed}
    for key, places in report.environments.items():
        for place in places:
            package = report.packages[key]
            found[place.package_db.removeprefix("go:")].add((package.name, package.version))
    assert ("golang.org/x/text", "v0.3.8") in listed["plain"]
    assert found == listed


@pytest.mark.needs("maven")
def test_java_artifacts_equal_pom_properties(root: Path) -> None:
    listed = roots.java(root)
    report = roots.index(root)
    by_pom = {
        (report.packages[key].name, report.packages[key].version)
        for key, places in report.environments.items()
        if any(place.package_db.startswith("maven:") for place in places)
    }
    assert by_pom == listed
    others = set(roots.found(report, "java")) - by_pom
    # H2 has no pom.properties: it is known by its manifest.
    assert others == {("com.h2database:H2 Database Engine", "1.4.200")}
    nested = {place.package_db for places in report.environments.values() for place in places}
    assert any(place.startswith("maven:all.ear:lib/boot.jar:BOOT-INF/lib/") for place in nested)
