"""Reports as messages: both forms filled, both read, ecosystems told from any Indexer's data."""

from __future__ import annotations

import pytest

from pyrox.pb.internalapi.scanner.v4 import common_pb2
from pyrox.scan.codec import from_contents, to_contents
from pyrox.scan.model import EMPTY_CPE, Distribution, Environment, IndexReport, Kind, Package, Repository


def report() -> IndexReport:
    return IndexReport(
        packages={
            "2": Package(
                "libc6",
                "2.36-9",
                "dpkg",
                package_db="var/lib/dpkg/status",
                arch="amd64",
                source_name="glibc",
                source_version="2.36-9",
            ),
            "4": Package("requests", "2.19.0", "python", package_db="python:usr/lib", repository="pypi"),
        },
        source_ids={"2": "1", "4": "3"},
        distributions={"1": Distribution("debian", "Debian GNU/Linux", version_id="12")},
        repositories={"1": Repository("pypi")},
        environments={
            "2": (Environment("var/lib/dpkg/status", "sha256:0", "1"),),
            "4": (Environment("python:usr/lib", "sha256:1", "", ("1",)),),
        },
    )


def test_message_has_maps_and_lists_and_comes_back() -> None:
    contents = to_contents(report())
    assert [p.id for p in contents.packagesDEPRECATED] == ["2", "4"]
    assert contents.packages["2"].source.kind == "source"
    assert contents.packages["4"].source.kind == "unknown"
    assert contents.packages["4"].cpe == EMPTY_CPE
    assert len(contents.packages["4"].normalized_version.v) == 10
    assert from_contents(contents) == report()


def test_lists_count_where_the_maps_are_empty() -> None:
    contents = to_contents(report())
    for name in ("packages", "distributions", "repositories", "environments"):
        contents.ClearField(name)
    assert from_contents(contents) == report()


@pytest.mark.parametrize(
    ("database", "repository", "did", "ecosystem"),
    [
        ("sqlite:usr/share/rpm", "", "rhel", "rpm"),
        ("ruby:x", "", "", "gem"),
        ("", "go", "", "go"),
        ("lib/apk/db/installed", "", "alpine", "apk"),
        ("usr/lib/apk/db/installed", "", "postmarketos", "apk"),
        ("var/lib/dpkg/status", "", "kali", "dpkg"),
        ("var/lib/dpkg/status.d/tzdata", "", "", "dpkg"),
        ("", "", "photon", "rpm"),
        ("", "", "", ""),
        ("", "unheard of", "", ""),
    ],
)
def test_ecosystem_by_database_repository_or_system(
    database: str, repository: str, did: str, ecosystem: str
) -> None:
    contents = common_pb2.Contents()
    contents.packages["1"].name = "x"
    contents.packages["1"].kind = "binary"
    environment = contents.environments["1"].environments.add(
        package_db=database, distribution_id="9", repository_ids=["8"]
    )
    if repository:
        contents.repositories["8"].name = repository
    if did:
        contents.distributions["9"].did = did
    assert environment.package_db == database
    assert from_contents(contents).packages["1"].ecosystem == ecosystem


def test_unknown_kind_and_missing_parts_are_read() -> None:
    contents = common_pb2.Contents(packagesDEPRECATED=[common_pb2.Package(id="1", name="x", kind="odd")])
    found = from_contents(contents)
    assert found.packages["1"].kind is Kind.UNKNOWN
    assert found.source_ids == {}


def test_cpes_of_packages_distributions_and_repositories_come_back() -> None:
    cpe = "cpe:2.3:o:redhat:enterprise_linux:9:*:baseos:*:*:*:*:*"
    value = IndexReport(
        packages={"1": Package("a", "1-1", "rpm", package_db="sqlite:x", cpe=cpe)},
        distributions={"1": Distribution("rhel", "RHEL", version_id="9", cpe=cpe)},
        repositories={"1": Repository(cpe, key="rhel-cpe-repository", uri="repoid=x", cpe=cpe)},
        environments={"1": (Environment("sqlite:x", "sha256:0", "1", ("1",)),)},
    )
    contents = to_contents(value)
    assert {contents.packages["1"].cpe, contents.distributions["1"].cpe, contents.repositories["1"].cpe} == {
        cpe
    }
    assert from_contents(contents) == value
