"""Which files the feeds have, and where: the table that the builder fetches from.

Each feed has a base address, which the caller may replace (a mirror, a test server). Files
keep the paths that the parsers accept. Feeds without an address here live on package
repositories: whoever wants them names one (`--feed amazon=…`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from pyrox.scan import catalogue
from pyrox.scan.advisories.vex import listed, members
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.formats.xmlrecords import records
from tools.vulnbundle.fetch import Fetcher, Outcome

ADDRESSES: Final[Mapping[str, str]] = {
    "alpine": "https://secdb.alpinelinux.org",
    "azure": "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main",
    "debian": "https://security-tracker.debian.org/tracker/data",
    "epss": "https://epss.empiricalsecurity.com",
    "kev": "https://www.cisa.gov/sites/default/files/feeds",
    "nvd": "https://nvd.nist.gov/feeds/json/cve/2.0",
    "manual": "https://raw.githubusercontent.com/stackrox/stackrox/master/scanner/updater/manual",
    "oracle": "https://linux.oracle.com/security/oval",
    "osv": "https://osv-vulnerabilities.storage.googleapis.com",
    "rhel-csaf": "https://security.access.redhat.com/data/csaf/v2/advisories",
    "rhel-vex": "https://security.access.redhat.com/data/csaf/v2/vex",
    "suse": "https://ftp.suse.com/pub/projects/security/oval",
    "ubuntu": "https://security-metadata.canonical.com/oval",
}
WITHOUT_ADDRESS: Final = ("amazon", "chainguard", "photon", "wolfi")
_ALPINE: Final = (*(f"v3.{n}" for n in range(3, 24)), "edge")
_SERIES: Final = ("trusty", "xenial", "bionic", "focal", "jammy", "noble", "oracular", "plucky", "questing")
_SUSE: Final = (
    *(f"suse.linux.enterprise.server.{n}" for n in (11, 12, 15)),
    *(f"opensuse.leap.15.{n}" for n in range(5, 7)),
)
_FIRST_ORACLE: Final = 2007
_FIRST_NVD: Final = 2002
_FIRST_VEX: Final = 2015
_AMAZON: Final = ("AL1", "AL2", "AL2023")


@dataclass(frozen=True)
class File:
    """A file: its address below the feed's, its path below the folder, whether it must exist."""

    address: str
    path: str
    optional: bool = True


def files(feed: str, today: date) -> Iterator[File]:
    """The files of a feed that publishes whole files; `today` bounds those with a year or day."""
    plain = _PLAIN.get(feed)
    if plain is not None:
        yield from plain
    elif feed == "osv":
        for name in catalogue.osv_folders():
            yield File(f"{name.replace(' ', '%20')}/all.zip", f"osv/{name}/all.zip")
    elif feed == "oracle":
        for year in range(_FIRST_ORACLE, today.year + 1):
            name = f"com.oracle.elsa-{year}.xml.bz2"
            yield File(name, f"oracle/{name}")
    elif feed == "nvd":
        for year in range(_FIRST_NVD, today.year + 1):
            name = f"nvdcve-2.0-{year}.json.gz"
            yield File(name, f"nvd/{name}")
    elif feed == "epss":
        name = f"epss_scores-{today - timedelta(days=1)}.csv.gz"
        yield File(name, "epss/epss_scores.csv.gz", optional=False)


_PLAIN: Final[Mapping[str, tuple[File, ...]]] = {
    "alpine": tuple(
        File(f"{release}/{name}.json", f"alpine/{release}/{name}.json")
        for release in _ALPINE
        for name in ("main", "community")
    ),
    "azure": tuple(
        File(f"{name}-oval.xml", f"azure/{name}-oval.xml") for name in ("azurelinux-3.0", "cbl-mariner-2.0")
    ),
    "chainguard": (File("security.json", "chainguard/security.json", optional=False),),
    "debian": (File("json", "debian/tracker.json", optional=False),),
    "kev": (
        File(
            "known_exploited_vulnerabilities.json",
            "kev/known_exploited_vulnerabilities.json",
            optional=False,
        ),
    ),
    "manual": (File("vulns.yaml", "manual/vulns.yaml", optional=False),),
    "photon": tuple(
        File(f"com.vmware.phsa-photon{n}.xml.gz", f"photon/com.vmware.phsa-photon{n}.xml.gz")
        for n in range(1, 6)
    ),
    "suse": tuple(File(f"{name}.xml.gz", f"suse/{name}.xml.gz") for name in _SUSE),
    "ubuntu": tuple(
        File(f"com.ubuntu.{name}.cve.oval.xml.bz2", f"ubuntu/com.ubuntu.{name}.cve.oval.xml.bz2")
        for name in _SERIES
    ),
    "wolfi": (File("security.json", "wolfi/security.json", optional=False),),
}


def fetch(fetcher: Fetcher, feed: str, base: str, folder: Path, today: date) -> dict[Outcome, int]:
    """Bring a feed up to date; how many of its files had which outcome.

    Raises:
        FetchError: a server did not answer well.
        LookupError: a file that must exist does not.
    """
    if feed in {"rhel-vex", "rhel-csaf"}:
        return _csaf(fetcher, feed, base, folder)
    if feed == "amazon":
        return _amazon(fetcher, base, folder)
    counts = dict.fromkeys(Outcome, 0)
    for file in files(feed, today):
        outcome = fetcher.fetch(f"{base}/{file.address}", file.path)
        if outcome is Outcome.ABSENT and not file.optional:
            raise LookupError(f"{base}/{file.address}: not found")
        counts[outcome] += 1
    return counts


def _amazon(fetcher: Fetcher, base: str, folder: Path) -> dict[Outcome, int]:
    """For each repository its list of mirrors, the first mirror's index, and what that names."""
    counts = dict.fromkeys(Outcome, 0)
    for name in _AMAZON:
        mirrors, index = f"amazon/{name}/.mirror.list", f"amazon/{name}/.repomd.xml"
        if fetcher.fetch(f"{base}/{name}/mirror.list", mirrors) is Outcome.ABSENT:
            counts[Outcome.ABSENT] += 1
            continue
        mirror = (folder / mirrors).read_text().strip().partition("\n")[0].strip().rstrip("/")
        if fetcher.fetch(f"{mirror}/repodata/repomd.xml", index) is Outcome.ABSENT:
            raise LookupError(f"{mirror}/repodata/repomd.xml: not found")
        place = _updateinfo((folder / index).read_bytes())
        if not place.endswith("updateinfo.xml.gz") or ".." in place:
            raise LookupError(f"{mirror}/repodata/repomd.xml names no updateinfo: {place[:100]!r}")
        counts[fetcher.fetch(f"{mirror}/{place}", f"amazon/{name}/updateinfo.xml.gz")] += 1
    return counts


def _updateinfo(index: bytes) -> str:
    """Where the index says that updateinfo lies; empty when it does not or is damaged."""
    try:
        found = [n for n in records(index, "data".__eq__) if n.attributes.get("type") == "updateinfo"]
    except StreamDamage:
        return ""
    location = found[0].first("location") if found else None
    return location.attributes.get("href", "") if location is not None else ""


def _csaf(fetcher: Fetcher, feed: str, base: str, folder: Path) -> dict[Outcome, int]:
    """The yearly archive once, then the documents that the lists name as changed or deleted."""
    counts = dict.fromkeys(Outcome, 0)
    state = f"{feed}/.archive"
    if not (folder / state).exists():
        _unpack_archive(fetcher, feed, base, folder, state)
    since = (folder / state).read_text().strip()
    newest = since
    for address, moment in _listed(fetcher, feed, base, folder, "changes.csv"):
        if moment > since and int(address.partition("/")[0]) >= _FIRST_VEX:
            counts[fetcher.fetch(f"{base}/{address}", f"{feed}/{address}")] += 1
            (folder / f"{feed}/{address}.gz").unlink(missing_ok=True)
            newest = max(newest, moment)
    for address, _ in _listed(fetcher, feed, base, folder, "deletions.csv"):
        fetcher.forget(f"{feed}/{address}")
        (folder / f"{feed}/{address}.gz").unlink(missing_ok=True)
    (folder / state).write_text(newest)
    return counts


def _listed(fetcher: Fetcher, feed: str, base: str, folder: Path, name: str) -> Iterator[tuple[str, str]]:
    path = f"{feed}/.{name}"
    if fetcher.fetch(f"{base}/{name}", path) is not Outcome.ABSENT:
        yield from listed((folder / path).read_bytes())


def _unpack_archive(fetcher: Fetcher, feed: str, base: str, folder: Path, state: str) -> None:
    """Every document of the archive as a file of its own, so that changes replace single files."""
    latest = f"{feed}/.archive_latest.txt"
    if fetcher.fetch(f"{base}/archive_latest.txt", latest) is Outcome.ABSENT:
        raise LookupError(f"{base}/archive_latest.txt: not found")
    name = (folder / latest).read_text().strip()
    if "/" in name or not name.endswith(".tar.zst"):
        raise LookupError(f"{base}/archive_latest.txt names no archive: {name[:100]!r}")
    packed = f"{feed}/.{name}"
    if fetcher.fetch(f"{base}/{name}", packed) is Outcome.ABSENT:
        raise LookupError(f"{base}/{name}: not found")
    for member, content in members((folder / packed).read_bytes()):
        year, _, document = member.removeprefix("./").rpartition("/")
        if year.isdigit() and int(year) >= _FIRST_VEX and document.isascii():
            target = folder / feed / year / document
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    fetcher.forget(packed)
    # Archives are named after their day: csaf_vex_2024-08-01.tar.zst
    (folder / state).write_text(name.removesuffix(".tar.zst").rpartition("_")[2])
