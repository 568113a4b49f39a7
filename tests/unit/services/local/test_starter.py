"""The starter advisories: well-formed, known to the engine, and saying what they should."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from pyrox.scan import catalogue
from pyrox.scan.advisories.bundle import read
from pyrox.scan.advisories.enrichment import Kev, Nvd
from pyrox.scan.advisories.model import ParsedAdvisory, Skipped
from pyrox.scan.severity import score
from services.local import starter
from tests.support.pki import FixedClock


def contents(path: Path) -> Iterator[object]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            lines = zstandard.decompress(archive.read(name)).splitlines()
            yield from (record.content for record in read(lines, catalogue.schemes()))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("starter") / "vulnerabilities.zip"
    assert starter.write(path, FixedClock())
    return path


def test_the_engine_reads_every_record_of_the_bundle(bundle: Path) -> None:
    assert not [found for found in contents(bundle) if isinstance(found, Skipped)]
    kinds = Counter(type(found).__name__ for found in contents(bundle))
    assert kinds["Nvd"] == len(starter.names())
    assert kinds["Kev"] >= 5
    assert all(found.rows for found in contents(bundle) if isinstance(found, ParsedAdvisory))


def test_at_least_forty_vulnerabilities_are_known_the_famous_ones_among_them() -> None:
    assert len(starter.names()) >= 40
    assert {
        "CVE-2021-44228", "CVE-2021-45046", "CVE-2021-45105", "CVE-2022-22965", "CVE-2024-3094",
        "CVE-2022-0778", "CVE-2022-3602", "CVE-2014-0160", "CVE-2014-6271",
    } <= starter.names()  # fmt: skip


@pytest.mark.parametrize(
    ("name", "alias", "package", "fixed"),
    [
        ("GHSA-jfh8-c2jp-5v3q", "CVE-2021-44228", "org.apache.logging.log4j:log4j-core", "2.15.0"),
        ("CVE-2024-3094", "", "xz-utils", "5.6.1+really5.4.5-1"),
        ("CVE-2022-0778", "", "openssl", "1.1.1n-r0"),
    ],
)
def test_an_advisory_says_which_version_mends_which_package(
    name: str, alias: str, package: str, fixed: str, bundle: Path
) -> None:
    found = [
        (item.advisory, row)
        for item in contents(bundle)
        if isinstance(item, ParsedAdvisory) and item.advisory.name == name
        for row in item.rows
        if row.package == package
    ]
    assert fixed in {row.fixed_in for _, row in found}
    assert all([known.name for known in advisory.aliases] == [alias] for advisory, _ in found if alias)


def test_parsers_leave_nothing_of_the_files_out_but_releases_never_affected(bundle: Path) -> None:
    written = sum(isinstance(item, ParsedAdvisory) for item in contents(bundle))
    assert written == sum(len(item.rows) for item in starter.advisories())
    assert {item.reason for item in starter.items() if isinstance(item, Skipped)} == {"never affected"}


def test_every_vulnerability_has_the_score_that_its_vector_gives(bundle: Path) -> None:
    found = {record.cve: record for record in contents(bundle) if isinstance(record, Nvd)}
    assert found.keys() == starter.names()
    for record in found.values():
        computed = score(record.v3_vector)
        assert computed is not None
        assert computed.base == record.v3_score, record.cve
    assert found["CVE-2021-44228"].v3_score == 10.0
    assert {record.cve for record in contents(bundle) if isinstance(record, Kev)} <= starter.names()


def test_a_current_bundle_is_left_alone_and_a_damaged_one_is_written_anew(bundle: Path) -> None:
    assert not starter.write(bundle, FixedClock())
    bundle.write_bytes(b"damaged")
    assert starter.write(bundle, FixedClock())
    assert not starter.write(bundle, FixedClock())
