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
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from pyrox.clock import Clock
from pyrox.scan import catalogue
from pyrox.scan.advisories.emit import lines
from pyrox.scan.advisories.model import Item, ParsedAdvisory
from pyrox.scan.naming import cve_of

SOURCE = Path(__file__).parent / "advisories"
Json = dict[str, Any]


def write(target: Path, clock: Clock) -> bool:
    """Write the bundle unless it is there and current; whether it was written."""
    bundles = _bundles()
    fingerprint = hashlib.sha256(repr(sorted(bundles.items())).encode()).hexdigest().encode()
    if _comment(target) == fingerprint:
        return False
    moment = clock.now().timetuple()[:6]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = fingerprint
        for name, content in bundles.items():
            info = zipfile.ZipInfo(f"bundles/{name}.json.zst", moment)
            archive.writestr(info, zstandard.compress(content))
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".new")
    scratch.write_bytes(out.getvalue())
    scratch.replace(target)
    return True


def _bundles() -> dict[str, bytes]:
    """The lines of each bundle, by its name: the first word of its updaters' names."""
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCE.glob("*.json")))).hexdigest()
    bundles: defaultdict[str, bytes] = defaultdict(bytes)
    for parsed in advisories():
        name = re.split("[/-]", parsed.advisory.source)[0]
        bundles[name] += b"".join(line + b"\n" for line in lines(parsed, fingerprint=state))
    bundles["nvd"] = b"".join(map(_line, nvd()))
    bundles["kev"] = b"".join(map(_line, kev()))
    return dict(bundles)


def _comment(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment
    except (OSError, zipfile.BadZipFile):
        return b""


def advisories() -> Iterator[ParsedAdvisory]:
    """The starter advisories, as the engine has them."""
    return (item for item in items() if isinstance(item, ParsedAdvisory))


def items() -> Iterator[Item]:
    """What the engine's own parsers of these feeds make of the files, and what they leave out."""
    sources = catalogue.sources()
    for path, document in _documents():
        data = json.dumps(document).encode()
        for source in sources:
            if source.accepts(path):
                yield from source.parse(path, data)


def _documents() -> Iterator[tuple[str, Json]]:
    """The documents of the feeds, each under the path that its parser knows it by."""
    for advisory in _read("osv"):
        for ecosystem in {affected["package"]["ecosystem"]: None for affected in advisory["affected"]}:
            yield f"osv/{ecosystem}/{advisory['id']}.json", advisory
    yield "debian/tracker.json", _read("debian")
    for secdb in _read("alpine"):
        yield f"alpine/{secdb['distroversion']}/{secdb['reponame']}.json", secdb


def _read(name: str) -> Any:
    return json.loads((SOURCE / f"{name}.json").read_bytes())


def nvd() -> Iterator[Json]:
    """Upstream's records of NVD's scores."""
    for cve in _read("nvd"):
        yield _enrichment("nvd", cve["id"], cve)


def kev() -> Iterator[Json]:
    """Upstream's records of CISA's catalogue of exploited vulnerabilities."""
    catalogue = _read("kev")
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


def _enrichment(updater: str, cve: str, content: Json) -> Json:
    enrichment = {"tags": [cve], "enrichment": content}
    return {"Updater": updater, "Kind": "enrichment", "Enrichment": enrichment}


def _line(record: Json) -> bytes:
    return json.dumps(record, sort_keys=True).encode() + b"\n"


def names() -> set[str]:
    """Every CVE that the starter advisories know."""
    return {cve for parsed in advisories() if (cve := cve_of(parsed.advisory))}
