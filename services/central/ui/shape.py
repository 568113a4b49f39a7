"""From rows of the store to the values of `ui/src/api/contract.json`. Pure.

No field is ever left out: unknown texts are empty, unknown scores 0, unknown times null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol

from pyrox.pb.storage.cve_pb2 import ImageCVEV2, VulnerabilitySeverity
from pyrox.pb.storage.image_component_pb2 import ImageComponentV2
from pyrox.pb.storage.image_pb2 import SourceType
from pyrox.pb.storage.image_v2_pb2 import ImageV2
from services.central.ui.listing import BY_SEVERITY
from services.central.ui.notes import sentences

Json = dict[str, Any]


class Row(Protocol):
    """One row of an answer, its columns by name."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""


def time(value: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def score(value: float | None) -> float:
    """A CVSS score; stored ones are 32-bit floats of one decimal."""
    return round(value or 0.0, 1)


def probability(value: float | None) -> float | None:
    """An EPSS probability, published with five decimals; 0 stands for unknown."""
    return round(value, 5) if value else None


def severities(row: Row, prefix: str = "") -> Json:
    """The five counters of a row."""
    return {word: row[prefix + word] for word in BY_SEVERITY}


def _fixable(row: Row) -> Json:
    return {"fixable": row["fixable"], "notFixable": row["notfixable"]}


def _severity(number: int) -> str:
    return VulnerabilitySeverity.Name(VulnerabilitySeverity.ValueType(number))


def _cve(data: bytes | None) -> ImageCVEV2:
    return ImageCVEV2.FromString(data or b"")


def page(rows: Sequence[Row], make: Callable[[Row], Json]) -> Json:
    """A list's answer; the row of an empty page has no place."""
    return {"total": rows[0]["total"], "items": [make(row) for row in rows if row["place"] is not None]}


def cve_row(row: Row) -> Json:
    """`CveRow`."""
    return {
        "cve": row["cve"],
        "severityCounts": severities(row),
        "topCvss": score(row["cvss"]),
        "topNvdCvss": score(row["nvdcvss"]),
        "epssProbability": probability(row["epss"]),
        "knownExploit": row["kev"],
        "fixable": row["fixable"],
        "imageCount": row["images"],
        "deploymentCount": row["deployments"],
        "firstDiscovered": time(row["first"]),
        "published": time(row["published"]),
        "summary": _cve(row["serialized"]).cve_base_info.summary,
    }


def image_row(row: Row) -> Json:
    """`ImageRow`."""
    return {
        **_image(row),
        "topCvss": score(row["topcvss"]),
        "firstDiscovered": time(row["first"]),
    }


def _image(row: Row) -> Json:
    return {
        "id": row["id"],
        "digest": row["digest"] or "",
        "name": row["name"] or "",
        "severityCounts": severities(row),
        "fixableCounts": _fixable(row),
        "operatingSystem": row["os"] or "",
        "deploymentCount": row["deployments"],
        "created": time(row["created"]),
        "scanTime": time(row["scanned"]),
        "scanned": row["scanned"] is not None,
    }


def deployment_row(row: Row) -> Json:
    """`DeploymentRow`."""
    return {
        "id": row["id"],
        "name": row["name"] or "",
        "type": row["type"] or "",
        "clusterId": row["clusterid"] or "",
        "clusterName": row["clustername"] or "",
        "namespace": row["namespace"] or "",
        "severityCounts": severities(row),
        "fixableCounts": _fixable(row),
        "imageCount": row["images"],
        "firstDiscovered": time(row["first"]),
    }


def cve_detail(rows: Sequence[Row]) -> Json:
    """`CveDetail`; the first row is the severest operating system."""
    head = rows[0]
    info = _cve(head["serialized"]).cve_base_info
    return {
        "cve": head["cve"],
        "summary": info.summary,
        "link": info.link,
        "published": time(head["published"]),
        "firstDiscovered": time(head["first"]),
        "topCvss": score(head["cvss"]),
        "topNvdCvss": score(head["nvdcvss"]),
        "epssProbability": probability(head["epss"]),
        "knownExploit": head["kev"],
        "imageSeverityCounts": severities(head),
        "imageCount": head["images"],
        "deploymentCount": head["deployments"],
        "totalImages": head["total"],
        "distros": [_distro(row) for row in rows],
    }


def cve_without_matches(known: Sequence[Row], total: int) -> Json:
    """`CveDetail` of a CVE that exists in scope and not in what the query lets through."""
    return {
        **cve_detail(known),
        "imageSeverityCounts": dict.fromkeys(BY_SEVERITY, 0),
        "imageCount": 0,
        "deploymentCount": 0,
        "totalImages": total,
        "distros": [],
    }


def _distro(row: Row) -> Json:
    info = _cve(row["serialized"]).cve_base_info
    return {
        "operatingSystem": row["os"] or "",
        "severity": _severity(row["severity"]),
        "cvss": score(row["oscvss"]),
        "summary": info.summary,
        "link": info.link,
    }


def image_detail(row: Row) -> Json:
    """`ImageDetail`."""
    image = ImageV2.FromString(row["serialized"])
    return {
        **_image(row),
        "otherNames": list(row["others"] or ()),
        "notes": sentences(image),
        "dataSource": image.scan.data_source.name,
        "componentCount": row["components"] or 0,
    }


def image_cve_page(rows: Sequence[Row], layers: Mapping[int, Row]) -> Json:
    """`ImageCvePage`: rows of one place are the components of one CVE."""
    items = []
    for place, group in groupby(rows, key=lambda row: row["place"]):
        if place is not None:
            items.append(_image_cve(list(group), layers))
    return {"total": rows[0]["total"], "items": items}


def _image_cve(rows: Sequence[Row], layers: Mapping[int, Row]) -> Json:
    head = rows[0]
    info = _cve(head["serialized"]).cve_base_info
    return {
        "cve": head["cve"],
        "severity": _severity(head["severity"]),
        "fixable": head["fixable"],
        "cvss": score(head["cvss"]),
        "nvdCvss": score(head["nvdcvss"]),
        "epssProbability": probability(head["epss"]),
        "knownExploit": head["kev"],
        "componentCount": head["components"],
        "components": [_component(row, layers) for row in rows],
        "firstDiscovered": time(head["first"]),
        "published": time(head["published"]),
        "summary": info.summary,
        "link": info.link,
    }


def _component(row: Row, layers: Mapping[int, Row]) -> Json:
    component = ImageComponentV2.FromString(row["component"] or b"")
    finding = _cve(row["serialized"])
    layer = layers.get(component.layer_index) if component.WhichOneof("has_layer_index") else None
    return {
        "name": component.name,
        "version": component.version,
        "fixedBy": finding.fixed_by,
        "advisory": finding.advisory.name,
        "advisoryLink": finding.advisory.link,
        "source": SourceType.Name(component.source),
        "location": component.location,
        "layerInstruction": (layer["instruction"] or "") if layer is not None else "",
        "layerValue": (layer["value"] or "") if layer is not None else "",
        "severity": _severity(row["oneseverity"]),
        "cvss": score(row["onecvss"]),
    }
