"""Bundles from a folder of feeds: entries, times, provenance, and what is written anew."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import zstandard

from pyrox.scan import catalogue
from pyrox.scan.advisories.bundle import Record, read
from pyrox.scan.advisories.enrichment import Epss, Kev, Nvd, RedHatAdvisory
from pyrox.scan.advisories.model import ParsedAdvisory
from tools.vulnbundle.fetch import Answer
from tools.vulnbundle.write import Bundle, build, bundle_name

MADE = 1_700_000_000
TRACKER = {
    "zlib": {
        "CVE-2099-1": {"releases": {"bookworm": {"fixed_version": "1:1.2-1", "urgency": "low"}}},
        "CVE-2099-2": {"releases": {"sid": {"fixed_version": "1"}}},
    }
}
NVD = {
    "vulnerabilities": [
        {
            "cve": {
                "id": "CVE-2099-1",
                "descriptions": [{"lang": "en", "value": "words"}],
                "published": "2024-01-01T00:00:00",
                "metrics": {
                    "cvssMetricV30": [{"cvssData": {"vectorString": "CVSS:3.0/x", "baseScore": 7.5}}],
                    "cvssMetricV2": [{"cvssData": {"vectorString": "AV:N", "baseScore": 5.0}}],
                },
            }
        }
    ]
}
KEV = {"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2099-1", "dateAdded": "2024-01-02"}]}
CSAF = {
    "document": {
        "tracking": {"id": "RHSA-2023:1", "initial_release_date": "2023-01-01T00:00:00+00:00"},
        "title": "t",
    },
    "vulnerabilities": [{"scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/x", "baseScore": 8.1}}]}],
}


def write(folder: Path, name: str, content: object, moment: int = MADE) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    os.utime(path, (moment, moment))


def feeds(folder: Path) -> Path:
    write(folder, "debian/tracker.json", TRACKER)
    write(folder, "nvd/1.json", NVD)
    write(folder, "kev/known.json", KEV)
    write(
        folder,
        "epss/epss_scores.csv",
        "#model_version:v1,score_date:d\ncve,epss,percentile\nCVE-2099-1,0.5,0.9\n",
    )
    write(folder, "rhel-csaf/2023/rhsa-2023_1.json", CSAF)
    write(folder, ".fetched.json", {})
    return folder


def entries(target: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(target) as archive:
        return {
            info.filename: zstandard.ZstdDecompressor().stream_reader(archive.read(info)).read()
            for info in archive.infolist()
        }


def records(target: Path) -> dict[str, list[Record]]:
    schemes = catalogue.schemes()
    return {name: list(read(data.splitlines(), schemes)) for name, data in entries(target).items()}


def by_name(made: list[Bundle]) -> dict[str, Bundle]:
    return {bundle.name: bundle for bundle in made}


def test_every_feed_becomes_an_entry_that_is_read_again(tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    build(feeds(tmp_path / "f"), target)
    found = {name: [record.content for record in lines] for name, lines in records(target).items()}
    assert list(found) == [
        f"bundles/{n}.json.zst" for n in ("debian", "nvd", "epss", "cisa-kev", "stackrox-rhel-csaf")
    ]
    (debian,) = found["bundles/debian.json.zst"]
    assert isinstance(debian, ParsedAdvisory)
    assert (debian.advisory.name, debian.rows[0].fixed_in) == ("CVE-2099-1", "1:1.2-1")
    (nvd,) = found["bundles/nvd.json.zst"]
    assert isinstance(nvd, Nvd)
    assert (nvd.v3_vector, nvd.v3_score, nvd.v2_score, nvd.description) == ("CVSS:3.0/x", 7.5, 5.0, "words")
    assert nvd.published is not None
    assert found["bundles/epss.json.zst"] == [Epss("CVE-2099-1", 0.5, 0.9, "d", "v1")]
    assert found["bundles/cisa-kev.json.zst"] == [Kev("CVE-2099-1", "1", "2024-01-02")]
    (red_hat,) = found["bundles/stackrox-rhel-csaf.json.zst"]
    assert isinstance(red_hat, RedHatAdvisory)
    assert (red_hat.name, red_hat.v3_score, red_hat.released is not None) == ("RHSA-2023:1", 8.1, True)


def test_time_of_an_entry_is_that_of_its_newest_file(tmp_path: Path) -> None:
    build(feeds(tmp_path / "f"), tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_provenance_names_files_and_what_was_left_out(tmp_path: Path) -> None:
    folder = feeds(tmp_path / "f")
    size = (folder / "debian/tracker.json").stat().st_size
    answer = Answer("https://d", '"e"', "", "a" * 64, size, "2025-01-01")
    build(folder, tmp_path / "out.zip", {"debian/tracker.json": answer})
    found: list[dict[str, Any]] = json.loads((tmp_path / "out.zip.provenance.json").read_text())
    debian = next(bundle for bundle in found if bundle["name"] == "debian")
    assert debian["left_out"] == {"release ": 1}
    assert (debian["advisories"], debian["lines"]) == (1, 1)
    assert debian["inputs"] == [
        {
            "path": "debian/tracker.json",
            "sha256": "a" * 64,
            "size": size,
            "modified": "2023-11-14T22:13:20+00:00",
            "url": "https://d",
            "etag": '"e"',
            "fetched": "2025-01-01",
        }
    ]
    assert not list(tmp_path.glob(".*"))


def test_only_bundles_whose_files_changed_are_written_anew(tmp_path: Path) -> None:
    folder, target, cache = feeds(tmp_path / "f"), tmp_path / "out.zip", tmp_path / "cache"
    first = by_name(build(folder, target, cache=cache))
    times = {path.name: path.stat().st_mtime_ns for path in cache.glob("*.zst")}
    write(folder, "kev/known.json", KEV | {"catalogVersion": "2"}, MADE + 10)
    second = by_name(build(folder, target, cache=cache))
    changed = {name for name, moment in times.items() if (cache / name).stat().st_mtime_ns != moment}
    assert changed == {"cisa-kev.json.zst"}
    assert second["cisa-kev"].sha256 != first["cisa-kev"].sha256
    assert second["debian"] == first["debian"]
    assert b'"catalog_version":"2"' in entries(target)["bundles/cisa-kev.json.zst"]


def test_damaged_cache_is_written_anew(tmp_path: Path) -> None:
    folder, target, cache = feeds(tmp_path / "f"), tmp_path / "out.zip", tmp_path / "cache"
    build(folder, target, cache=cache)
    (cache / "debian.json.zst").write_bytes(b"damage")
    build(folder, target, cache=cache)
    assert b"CVE-2099-1" in entries(target)["bundles/debian.json.zst"]
    (cache / "bundles.json").write_text("{")
    assert by_name(build(folder, target, cache=cache))["debian"].lines == 1


def test_names_of_bundles_are_upstreams() -> None:
    names = {bundle_name(source) for source in catalogue.sources()}
    upstream = {"alpine", "aws", "debian", "manual", "oracle", "osv", "photon", "rhel-vex", "suse", "ubuntu"}
    assert names == upstream | {"wolfi", "chainguard", "azure", "fedora"}
