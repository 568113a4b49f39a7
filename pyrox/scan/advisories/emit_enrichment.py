"""Writes what other feeds know of a CVE as lines of upstream's bundles, beside `emit`.

Pure. The names of updaters and fields are those of upstream's enrichers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from pyrox.scan.advisories.enrichment import Epss, Kev, Nvd, RedHatAdvisory

Record = Nvd | Epss | Kev | RedHatAdvisory
UPDATERS: Final[Mapping[type[Record], str]] = {
    Nvd: "nvd",
    Epss: "clair.epss",
    Kev: "clair.kev",
    RedHatAdvisory: "stackrox.rhel-csaf",
}


def line(record: Record, *, fingerprint: str) -> bytes:
    """The record as one line, without its end; `fingerprint` names the state of the feed."""
    updater = UPDATERS[type(record)]
    tag = record.name if isinstance(record, RedHatAdvisory) else record.cve
    return msgspec.json.encode(
        {
            "Updater": updater,
            "Fingerprint": fingerprint,
            "Ref": str(uuid5(NAMESPACE_URL, f"{updater} {fingerprint}")),
            "Kind": "enrichment",
            "Enrichment": {"tags": [tag], "enrichment": _content(record)},
        }
    )


def _content(record: Record) -> dict[str, Any]:
    if isinstance(record, Nvd):
        return _nvd(record)
    if isinstance(record, Epss):
        return {
            "cve": record.cve,
            "epss": record.probability,
            "percentile": record.percentile,
            "date": record.date,
            "modelVersion": record.model_version,
        }
    if isinstance(record, Kev):
        return {name: getattr(record, name) for name in Kev.__slots__}
    return {
        "name": record.name,
        "description": record.description,
        "release_date": record.released.isoformat() if record.released else "",
        "severity": record.severity,
        "cvss_v3": {"score": record.v3_score, "vector": record.v3_vector},
        "cvss_v2": {"score": record.v2_score, "vector": record.v2_vector},
    }


def _nvd(record: Nvd) -> dict[str, Any]:
    """The shape of the NVD API, with what upstream keeps of it."""
    metrics: dict[str, Any] = {}
    for name, vector, score in (
        ("cvssMetricV30" if record.v3_vector.startswith("CVSS:3.0") else "cvssMetricV31",
         record.v3_vector, record.v3_score),
        ("cvssMetricV2", record.v2_vector, record.v2_score),
    ):  # fmt: skip
        if vector:
            data = {"vectorString": vector, "baseScore": score}
            metrics[name] = [{"type": "Primary", "cvssData": data}]
    return {
        "id": record.cve,
        "descriptions": [{"lang": "en", "value": record.description}] if record.description else [],
        "published": record.published.isoformat() if record.published else "",
        "lastModified": record.modified.isoformat() if record.modified else "",
        "metrics": metrics,
    }
