"""Writes SPDX 2.3 as upstream's Matcher does (quay/claircore sbom/spdx/encoder.go).

Packages, their sources, distributions and repositories are SPDX packages, tied by
relationships. Two things are added to upstream's form: package URLs, and what the
document describes, which the validator of SPDX asks for.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pyrox.scan.model import EMPTY_CPE, Distribution, IndexReport, Kind, Package, Repository
from pyrox.scan.sbom.document import Document, in_order, purl_in, reference

MEDIA_TYPES: Final = frozenset({"application/spdx+json", "text/spdx+json"})
_ROOT: Final = "SPDXRef-DOCUMENT"
_NOWHERE: Final = "NOASSERTION"


def write(report: IndexReport, document: Document) -> bytes:
    """The document as JSON."""
    packages: dict[str, dict[str, Any]] = {}
    ties: dict[str, list[dict[str, str]]] = {}
    for key in in_order(report.packages):
        _add(report, key, packages, ties)
    written = [packages[key] for key in in_order(packages)]
    described = [_tie(_ROOT, item["SPDXID"], "DESCRIBES") for item in written]
    used_systems = _used(report, systems=True)
    used_repositories = _used(report, systems=False)
    content = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _ROOT,
        "name": document.name,
        "documentNamespace": document.namespace,
        "comment": f"Generated for '{document.subject}'",
        "creationInfo": {
            "creators": [f"Tool: {document.tool}-{document.tool_version}"],
            "created": document.stamp,
        },
        "packages": [
            *written,
            *(_system(key, report.distributions[key]) for key in used_systems),
            *(_repository(key, report.repositories[key]) for key in used_repositories),
        ],
        "relationships": [*described, *(tie for key in in_order(ties) for tie in _sorted(ties[key]))],
    }
    return msgspec.json.encode(content)


def _add(
    report: IndexReport,
    key: str,
    packages: dict[str, dict[str, Any]],
    ties: dict[str, list[dict[str, str]]],
) -> None:
    """The package, its source unless it is there, and its ties."""
    package, places = report.packages[key], report.environments.get(key, ())
    item = packages.setdefault(key, _package(key, package.name, package.version))
    purpose = "APPLICATION" if package.kind is Kind.BINARY else "SOURCE"
    database = package.package_db or next((place.package_db for place in places if place.package_db), "")
    item |= {"filesAnalyzed": True, "primaryPackagePurpose": purpose}
    if database:
        item["packageFileName"] = database
    purl = purl_in(report, key)
    if purl is not None:
        item["externalRefs"] = [_reference("PACKAGE-MANAGER", "purl", str(purl))]
    mine = ties.setdefault(key, [])
    source = _source_id(report, key, package)
    if source:
        packages.setdefault(
            source,
            _package(source, package.source_name, package.source_version)
            | {"primaryPackagePurpose": "SOURCE"},
        )
        mine.append(_tie(item["SPDXID"], packages[source]["SPDXID"], "GENERATED_FROM"))
    for place in places:
        if place.distribution_id in report.distributions:
            mine.append(_tie(item["SPDXID"], _id("Distribution", place.distribution_id), "CONTAINED_BY"))
        mine += [
            _tie(item["SPDXID"], _id("Repository", repository), "CONTAINED_BY")
            for repository in place.repository_ids
            if repository in report.repositories
        ]


def _source_id(report: IndexReport, key: str, package: Package) -> str:
    """The id of the source; a report without source ids gets ones of its own."""
    if not package.source_name:
        return ""
    return (
        report.source_ids.get(key)
        or f"source-{reference(package.source_name)}-{reference(package.source_version)}"
    )


def _used(report: IndexReport, *, systems: bool) -> list[str]:
    """The distributions or repositories that some package stands in."""
    known = report.distributions if systems else report.repositories
    named = (
        key
        for places in report.environments.values()
        for place in places
        for key in ((place.distribution_id,) if systems else place.repository_ids)
    )
    return in_order({key for key in named if key in known})


def _sorted(ties: list[dict[str, str]]) -> list[dict[str, str]]:
    unique = {tuple(tie.values()): tie for tie in ties}
    return sorted(unique.values(), key=lambda tie: (tie["relatedSpdxElement"], tie["relationshipType"]))


def _id(kind: str, key: str) -> str:
    return f"SPDXRef-{kind}-{reference(key)}"


def _tie(one: str, other: str, kind: str) -> dict[str, str]:
    return {"spdxElementId": one, "relatedSpdxElement": other, "relationshipType": kind}


def _reference(category: str, kind: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}


def _package(key: str, name: str, version: str) -> dict[str, Any]:
    return {
        "name": name,
        "SPDXID": _id("Package", key),
        "versionInfo": version,
        "downloadLocation": _NOWHERE,
        "filesAnalyzed": False,
    }


def _system(key: str, system: Distribution) -> dict[str, Any]:
    texts = {"did": system.did, "version_id": system.version_id, "pretty_name": system.pretty_name}
    return {
        "name": system.name or system.did,
        "SPDXID": _id("Distribution", key),
        "versionInfo": system.version,
        "downloadLocation": _NOWHERE,
        "filesAnalyzed": True,
        "summary": "distribution",
        "externalRefs": _references(system.cpe, texts),
        "primaryPackagePurpose": "OPERATING-SYSTEM",
    }


def _repository(key: str, repository: Repository) -> dict[str, Any]:
    return {
        "name": repository.name,
        "SPDXID": _id("Repository", key),
        "downloadLocation": _NOWHERE,
        "filesAnalyzed": True,
        "summary": "repository",
        "externalRefs": _references(repository.cpe, {"uri": repository.uri, "key": repository.key}),
        "primaryPackagePurpose": "OTHER",
    }


def _references(cpe: str, texts: dict[str, str]) -> list[dict[str, str]]:
    """References of a distribution or repository; a locator has no blanks in SPDX."""
    found = (
        [_reference("SECURITY", "cpe23Type", cpe)] if cpe.startswith("cpe:2.3:") and cpe != EMPTY_CPE else []
    )
    return found + [
        _reference("OTHER", name, text) for name, text in texts.items() if text and " " not in text
    ]
