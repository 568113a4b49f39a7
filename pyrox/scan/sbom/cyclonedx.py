"""Writes CycloneDX 1.6: one component for each package, one for the operating system."""

from __future__ import annotations

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from pyrox.scan.model import Distribution, IndexReport, Kind
from pyrox.scan.sbom.document import Document, in_order, purl_in, reference

MEDIA_TYPE: Final = "application/vnd.cyclonedx+json"
_ROOT: Final = "image"


def write(report: IndexReport, document: Document) -> bytes:
    """The document as JSON."""
    packages = [_package(report, key) for key in in_order(report.packages)]
    systems = [_system(key, report.distributions[key]) for key in in_order(report.distributions)]
    components = [*systems, *packages]
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, document.namespace)}",
        "version": 1,
        "metadata": {
            "timestamp": document.stamp,
            "tools": {
                "components": [
                    {"type": "application", "name": document.tool, "version": document.tool_version}
                ]
            },
            "component": {
                "type": "container",
                "bom-ref": _ROOT,
                "name": document.subject,
                "version": document.name,
            },
        },
        "components": components,
        "dependencies": [{"ref": _ROOT, "dependsOn": [item["bom-ref"] for item in components]}],
    }
    return msgspec.json.encode(content)


def _package(report: IndexReport, key: str) -> dict[str, Any]:
    package, purl = report.packages[key], purl_in(report, key)
    places = report.environments.get(key, ())
    properties = {
        "pyrox:kind": package.kind.value if package.kind is not Kind.BINARY else "",
        "pyrox:package_db": package.package_db or next((p.package_db for p in places if p.package_db), ""),
        "pyrox:layer": next((place.introduced_in for place in places if place.introduced_in), ""),
        "pyrox:source": f"{package.source_name} {package.source_version}".strip(),
    }
    item: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"package-{reference(key)}",
        "name": package.name,
        "version": package.version,
        "properties": [{"name": name, "value": value} for name, value in properties.items() if value],
    }
    if purl is not None:
        item["purl"] = str(purl)
    return item


def _system(key: str, system: Distribution) -> dict[str, Any]:
    return {
        "type": "operating-system",
        "bom-ref": f"distribution-{reference(key)}",
        "name": system.did or system.name,
        "version": system.version_id or system.version,
        "description": system.pretty_name,
    }
