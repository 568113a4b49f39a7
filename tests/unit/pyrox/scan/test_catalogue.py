"""The ecosystems fit together: names, orders and namespaces agree between their parts."""

from __future__ import annotations

import re

import pytest

from pyrox.scan import catalogue
from pyrox.scan.model import Distribution, Package, Repository
from pyrox.scan.protocols import Limits, Matcher


def test_detectors_have_names_of_their_own_versions_and_known_kinds() -> None:
    found = catalogue.detectors()
    names = [detector.name for detector in found]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"v?[0-9.]+", detector.version) for detector in found)
    assert {detector.kind for detector in found} == {"package", "distribution", "repository"}


def test_matchers_ask_with_orders_that_the_catalogue_has() -> None:
    matchers = catalogue.matchers()
    assert len({matcher.name for matcher in matchers}) == len(matchers)
    assert {matcher.ecosystem for matcher in matchers} == set(catalogue.ECOSYSTEMS)
    for matcher in matchers:
        for lookup in _asked(matcher):
            assert lookup in catalogue.schemes()


_REPOSITORIES = (
    Repository("r"),
    Repository("cpe:2.3:o:redhat:enterprise_linux:9:*:*:*:*:*:*:*", "rhel-cpe-repository"),
    Repository("Red Hat Container Catalog", "rhcc-container-repository"),
)


def _asked(matcher: Matcher) -> set[str]:
    package = Package(name="p", version="1", ecosystem=matcher.ecosystem, package_db="d")
    systems = [
        Distribution(did=did, name=did, version="1", version_id="1", pretty_name=did)
        for did in ("debian", "ubuntu", "alpine", "wolfi", "rhel", "almalinux")
    ]
    found = {
        lookup.scheme for system in systems for lookup in matcher.lookups("1", package, system, _REPOSITORIES)
    }
    assert found
    return found


def test_schemes_have_one_entry_for_each_name() -> None:
    assert set(catalogue.schemes()) == {
        "dpkg",
        "apk",
        "rpm",
        "rhctag",
        "pep440",
        "semver",
        "maven",
        "go",
        "gem",
        "cargo",
        "nuget",
        "composer",
    }
    assert all(
        scheme.name == name and scheme.key_version >= 1 for name, scheme in catalogue.schemes().items()
    )


def test_detectors_without_files_find_nothing() -> None:
    for detector in catalogue.detectors():
        assert detector.start(Limits()).finish().packages == ()


@pytest.mark.parametrize(
    ("path", "mode", "names"),
    [
        ("var/lib/dpkg/status", 0o644, {"dpkg"}),
        ("var/lib/dpkg/status.d/base", 0o644, {"dpkg-distroless"}),
        ("lib/apk/db/installed", 0o644, {"apk"}),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", 0o644, {"rpm"}),
        ("usr/bin/tool", 0o755, {"gobin", "cargo"}),
        ("usr/bin/kubelet", 0o755, {"gobin", "cargo", "kubernetes"}),
        ("usr/bin/tool", 0o644, set()),
        ("a/node_modules/b/package.json", 0o644, {"nodejs"}),
        ("a/x.dist-info/METADATA", 0o644, {"python"}),
        ("a/x.jar", 0o644, {"java"}),
        ("a/x.jar", 0o755, {"java", "gobin", "cargo"}),
        ("a/x.so", 0o644, {"gobin", "cargo"}),
        ("vendor/composer/installed.php", 0o644, {"composer"}),
        ("specifications/x.gemspec", 0o644, {"ruby"}),
        ("a/x.deps.json", 0o644, {"nuget"}),
        ("vendor/composer/installed.json", 0o644, {"composer"}),
        ("etc/passwd", 0o644, set()),
        ("", 0o644, set()),
    ],
)
def test_file_is_wanted_by_the_detectors_that_read_it(path: str, mode: int, names: set[str]) -> None:
    wanted = {d.name for d in catalogue.detectors() if d.kind == "package" and d.wants(path, mode)}
    assert wanted == names


def test_os_release_is_wanted_by_every_reader_of_distributions() -> None:
    for detector in catalogue.detectors():
        assert detector.wants("etc/os-release", 0o644) == (detector.kind == "distribution")
