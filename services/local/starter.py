"""The starter advisories, packed as the bundle that Central hands to the Matcher.

`services/local/advisories` holds them in the forms of OSV, of Debian's tracker and of
Alpine's secdb, with scores in NVD's form and CISA's catalogue, written from public
facts. `up` calls `write`; the bundle has upstream's form, so the Matcher cannot tell it
from one that was downloaded.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import zstandard

from pyrox.clock import Clock

SOURCE = Path(__file__).parent / "advisories"
Json = dict[str, Any]
# Debian's releases by code name; the tracker has no numbers.
_RELEASES = {"wheezy": "7", "jessie": "8", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13"}
# Upstream's reading of Debian's urgencies.
_URGENCIES = {"unimportant": "Low", "low": "Medium", "medium": "High", "high": "Critical"}
_REPOSITORIES = {"Maven": "maven", "PyPI": "pypi", "npm": "npm"}


def write(target: Path, clock: Clock) -> bool:
    """Write the bundle unless it is there and current; whether it was written."""
    bundles = {name: b"".join(_line(record) for record in records()) for name, records in _SOURCES.items()}
    fingerprint = hashlib.sha256(repr(sorted(bundles.items())).encode()).hexdigest().encode()
    if _comment(target) == fingerprint:
        return False
    moment = clock.now().timetuple()[:6]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = fingerprint
        for name, lines in bundles.items():
            info = zipfile.ZipInfo(f"bundles/{name}.json.zst", moment)
            archive.writestr(info, zstandard.compress(lines))
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".new")
    scratch.write_bytes(out.getvalue())
    scratch.replace(target)
    return True


def _comment(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment
    except (OSError, zipfile.BadZipFile):
        return b""


def osv() -> Iterator[Json]:
    """Upstream's records of the OSV advisories: one for each range."""
    for advisory in json.loads((SOURCE / "osv.json").read_bytes()):
        for affected in advisory["affected"]:
            package = affected["package"]
            repository = _REPOSITORIES[package["ecosystem"]]
            for events in affected["ranges"]:
                bounds = {key: value for event in events["events"] for key, value in event.items()}
                yield _record(
                    f"osv/{repository}",
                    name=" ".join([advisory["id"], *advisory["aliases"]]),
                    description=advisory["summary"],
                    issued=advisory["published"],
                    links=f"https://osv.dev/vulnerability/{advisory['id']}",
                    severity=advisory["severity"][0]["score"],
                    normalized_severity="Unknown",
                    package={"name": package["name"], "kind": "binary"},
                    repository={"name": repository, "uri": ""},
                    fixed_in_version=urlencode({k: v for k, v in bounds.items() if v != "0"}),
                )


def debian() -> Iterator[Json]:
    """Upstream's records of Debian's tracker: one for each release."""
    for package, issues in json.loads((SOURCE / "debian.json").read_bytes()).items():
        for cve, issue in issues.items():
            for codename, release in issue["releases"].items():
                yield _record(
                    "debian/updater",
                    name=cve,
                    description=issue["description"],
                    links=f"https://security-tracker.debian.org/tracker/{cve}",
                    severity=release["urgency"],
                    normalized_severity=_URGENCIES[release["urgency"]],
                    package={"name": package, "kind": "source"},
                    distribution=_debian(codename),
                    fixed_in_version=release.get("fixed_version", ""),
                )


def _debian(codename: str) -> Json:
    number = _RELEASES[codename]
    return {
        "did": "debian",
        "name": "Debian GNU/Linux",
        "version": f"{number} ({codename})",
        "version_code_name": codename,
        "version_id": number,
        "pretty_name": f"Debian GNU/Linux {number} ({codename})",
    }


def alpine() -> Iterator[Json]:
    """Upstream's records of Alpine's secdb: one for each package and id."""
    for secdb in json.loads((SOURCE / "alpine.json").read_bytes()):
        release, repository = secdb["distroversion"], secdb["reponame"]
        system = {
            "did": "alpine",
            "name": "Alpine Linux",
            "version": release.removeprefix("v"),
            "version_id": f"{release.removeprefix('v')}.0",
            "pretty_name": f"Alpine Linux {release}",
        }
        for entry in secdb["packages"]:
            for fixed, names in entry["pkg"]["secfixes"].items():
                for name in names:
                    yield _record(
                        f"alpine-{repository}-{release}-updater",
                        name=name,
                        links=f"https://security.alpinelinux.org/vuln/{name}",
                        normalized_severity="Unknown",
                        package={"name": entry["pkg"]["name"], "kind": "source"},
                        distribution=system,
                        fixed_in_version=fixed,
                    )


def nvd() -> Iterator[Json]:
    """Upstream's records of NVD's scores."""
    for cve in json.loads((SOURCE / "nvd.json").read_bytes()):
        yield _enrichment("nvd", cve["id"], cve)


def kev() -> Iterator[Json]:
    """Upstream's records of CISA's catalogue of exploited vulnerabilities."""
    catalogue = json.loads((SOURCE / "kev.json").read_bytes())
    for entry in catalogue["vulnerabilities"]:
        content = {
            "cve": entry["cveID"],
            "catalog_version": catalogue["catalogVersion"],
            "date_added": entry["dateAdded"],
            "short_description": entry["shortDescription"],
            "required_action": entry["requiredAction"],
            "due_date": entry["dueDate"],
            "known_ransomware_campaign_use": entry["knownRansomwareCampaignUse"],
        }
        yield _enrichment("clair.kev", entry["cveID"], content)


_ADVISORIES: Mapping[str, Callable[[], Iterator[Json]]] = {"alpine": alpine, "debian": debian, "osv": osv}
_SOURCES: Mapping[str, Callable[[], Iterator[Json]]] = {**_ADVISORIES, "nvd": nvd, "kev": kev}


def _record(updater: str, **vuln: object) -> Json:
    return {"Updater": updater, "Kind": "vulnerability", "Vuln": {"updater": updater, **vuln}}


def _enrichment(updater: str, cve: str, content: Json) -> Json:
    enrichment = {"tags": [cve], "enrichment": content}
    return {"Updater": updater, "Kind": "enrichment", "Enrichment": enrichment}


def _line(record: Json) -> bytes:
    return json.dumps(record, sort_keys=True).encode() + b"\n"


def names() -> set[str]:
    """Every CVE that the starter advisories know."""
    found: Iterable[Json] = [record for records in _ADVISORIES.values() for record in records()]
    return {
        word for record in found for word in str(record["Vuln"]["name"]).split() if word.startswith("CVE-")
    }
