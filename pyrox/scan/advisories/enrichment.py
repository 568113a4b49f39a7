"""What other feeds know of a CVE: NVD's record, EPSS, CISA's catalogue; values and parsers.

Fetching is another module's work. Each parser yields values and `Skipped`, never raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from pyrox.scan.advisories import csaf
from pyrox.scan.advisories.model import Skipped
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage


@dataclass(frozen=True, slots=True)
class Nvd:
    """NVD's record of one CVE; a vector is empty where NVD has none of that version."""

    cve: str
    description: str = ""
    published: datetime | None = None
    modified: datetime | None = None
    v3_vector: str = ""
    v3_score: float = 0.0
    v2_vector: str = ""
    v2_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Epss:
    """The probability that a CVE is exploited within thirty days."""

    cve: str
    probability: float
    percentile: float
    date: str = ""
    model_version: str = ""


@dataclass(frozen=True, slots=True)
class Kev:
    """An entry of CISA's catalogue of exploited vulnerabilities."""

    cve: str
    catalog_version: str = ""
    date_added: str = ""
    short_description: str = ""
    required_action: str = ""
    due_date: str = ""
    known_ransomware_campaign_use: str = ""


@dataclass(frozen=True, slots=True)
class RedHatAdvisory:
    """A Red Hat advisory by its name; the release date is when the fix came out.

    The scores are the highest of the CVEs that it fixes.
    """

    name: str
    description: str = ""
    released: datetime | None = None
    severity: str = ""
    v3_vector: str = ""
    v3_score: float = 0.0
    v2_vector: str = ""
    v2_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Enrichments:
    """Records by CVE, and Red Hat's advisories by name, for one report."""

    nvd: Mapping[str, Nvd] = field(default_factory=dict)
    epss: Mapping[str, Epss] = field(default_factory=dict)
    kev: Mapping[str, Kev] = field(default_factory=dict)
    red_hat: Mapping[str, RedHatAdvisory] = field(default_factory=dict)


class _Text(msgspec.Struct):
    lang: str = ""
    value: str = ""


class _CvssData(msgspec.Struct, rename="camel"):
    vector_string: str = ""
    base_score: float = 0.0


class _Metric(msgspec.Struct, rename="camel"):
    cvss_data: _CvssData
    type: str = ""


class _Metrics(msgspec.Struct):
    v31: list[_Metric] = msgspec.field(name="cvssMetricV31", default_factory=list)
    v30: list[_Metric] = msgspec.field(name="cvssMetricV30", default_factory=list)
    v2: list[_Metric] = msgspec.field(name="cvssMetricV2", default_factory=list)


class _Cve(msgspec.Struct, rename="camel"):
    id: str = ""
    published: str = ""
    last_modified: str = ""
    vuln_status: str = ""
    descriptions: list[_Text] = []
    metrics: _Metrics = msgspec.field(default_factory=_Metrics)


class _Item(msgspec.Struct):
    cve: msgspec.Raw


class _Page(msgspec.Struct):
    vulnerabilities: list[_Item] = []


class _KevEntry(msgspec.Struct, rename="camel"):
    cve: str = msgspec.field(name="cveID", default="")
    date_added: str = ""
    short_description: str = ""
    required_action: str = ""
    due_date: str = ""
    known_ransomware_campaign_use: str = ""


class _Catalogue(msgspec.Struct, rename="camel"):
    catalog_version: str = ""
    vulnerabilities: list[msgspec.Raw] = []


_MAX_ADVISORY: Final = 64_000_000
_MAX_NVD: Final = 400_000_000  # a year of NVD has up to 150 MB
_ZIP: Final = b"PK\x03\x04"
_PAGE: Final = msgspec.json.Decoder(_Page)
_CVE: Final = msgspec.json.Decoder(_Cve)
_CATALOGUE: Final = msgspec.json.Decoder(_Catalogue)
_KEV: Final = msgspec.json.Decoder(_KevEntry)
_DAMAGE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _best(metrics: list[_Metric]) -> tuple[str, float]:
    """The primary metric (NVD's own), else the first."""
    chosen = next((m for m in metrics if m.type == "Primary"), metrics[0] if metrics else None)
    return (chosen.cvss_data.vector_string, chosen.cvss_data.base_score) if chosen else ("", 0.0)


def parse_nvd_record(content: bytes) -> Nvd | Skipped:
    """One `cve` object of the NVD 2.0 API, as pages and upstream's bundles hold it."""
    try:
        cve = _CVE.decode(content)
    except _DAMAGE as error:
        return Skipped("NVD record", f"malformed: {error}"[:200])
    if not cve.id or cve.vuln_status == "Rejected":
        return Skipped(cve.id or "NVD record", "rejected" if cve.id else "no id")
    v3 = _best(cve.metrics.v31) if cve.metrics.v31 else _best(cve.metrics.v30)
    v2 = _best(cve.metrics.v2)
    return Nvd(
        cve=cve.id,
        description=next((text.value for text in cve.descriptions if text.lang == "en"), ""),
        published=unpack.time(cve.published),
        modified=unpack.time(cve.last_modified),
        v3_vector=v3[0],
        v3_score=v3[1],
        v2_vector=v2[0],
        v2_score=v2[1],
    )


def parse_nvd(path: str, data: bytes) -> Iterator[Nvd | Skipped]:
    """A page of the NVD 2.0 API, a yearly file of the same form, or a zip of such files."""
    if not data.startswith(_ZIP):
        yield from _nvd_page(path, data)
        return
    try:
        for name, content in unpack.documents(data, _MAX_NVD):
            if isinstance(content, StreamDamage):
                yield Skipped(name, content.detail)
            elif name.endswith(".json"):
                yield from _nvd_page(name, content)
            else:
                yield Skipped(name, "not a JSON document")
    except StreamDamage as damage:
        yield Skipped(path, damage.detail)


def _nvd_page(path: str, data: bytes) -> Iterator[Nvd | Skipped]:
    try:
        page = _PAGE.decode(unpack.plain(data))
    except (*_DAMAGE, StreamDamage) as error:
        yield Skipped(path, f"malformed: {error}"[:200])
        return
    for item in page.vulnerabilities:
        yield parse_nvd_record(bytes(item.cve))


def parse_kev(path: str, data: bytes) -> Iterator[Kev | Skipped]:
    """CISA's catalogue."""
    try:
        catalogue = _CATALOGUE.decode(unpack.plain(data))
    except (*_DAMAGE, StreamDamage) as error:
        yield Skipped(path, f"malformed: {error}"[:200])
        return
    for raw in catalogue.vulnerabilities:
        try:
            entry = _KEV.decode(raw)
        except _DAMAGE as error:
            yield Skipped(path, f"malformed entry: {error}"[:200])
            continue
        if not entry.cve:
            yield Skipped(path, "entry without a CVE")
            continue
        yield Kev(
            cve=entry.cve,
            catalog_version=catalogue.catalog_version,
            date_added=entry.date_added,
            short_description=entry.short_description,
            required_action=entry.required_action,
            due_date=entry.due_date,
            known_ransomware_campaign_use=entry.known_ransomware_campaign_use,
        )


def parse_epss(path: str, data: bytes) -> Iterator[Epss | Skipped]:
    """FIRST's table: a comment with model and date, a line of names, then one CVE a line."""
    try:
        lines = unpack.plain(data).decode("utf-8", "replace").splitlines()
    except StreamDamage as damage:
        yield Skipped(path, damage.detail)
        return
    about = dict(part.partition(":")[::2] for part in lines[0].lstrip("#").split(",")) if lines else {}
    for line in lines[1:]:
        cve, _, rest = line.partition(",")
        probability, _, percentile = rest.partition(",")
        if cve == "cve" or not line:
            continue
        scores = _share(probability), _share(percentile)
        if not cve or None in scores:
            yield Skipped(path, f"line that is no score: {line[:80]!r}")
            continue
        yield Epss(
            cve,
            scores[0] or 0.0,
            scores[1] or 0.0,
            about.get("score_date", ""),
            about.get("model_version", ""),
        )


def parse_red_hat(path: str, data: bytes) -> Iterator[RedHatAdvisory | Skipped]:
    """One CSAF advisory of Red Hat (`RHSA-2023:5763`): title, date, severity, highest scores."""
    try:
        document = csaf.decode(unpack.plain(data, _MAX_ADVISORY))
    except (*csaf.DAMAGE, StreamDamage) as error:
        yield Skipped(path, f"malformed: {error}"[:200])
        return
    head = document.document
    if not head.tracking.id or head.tracking.status == "deleted":
        yield Skipped(head.tracking.id or path, "deleted" if head.tracking.id else "no id")
        return
    scores = [score for found in document.vulnerabilities for score in found.scores]
    v3, v2 = _highest(s.cvss_v3 for s in scores), _highest(s.cvss_v2 for s in scores)
    yield RedHatAdvisory(
        name=head.tracking.id,
        description=head.title,
        released=unpack.time(head.tracking.initial_release_date or head.tracking.current_release_date),
        severity=head.aggregate_severity.text if head.aggregate_severity else "",
        v3_vector=v3.vector_string,
        v3_score=v3.base_score,
        v2_vector=v2.vector_string,
        v2_score=v2.base_score,
    )


def _highest(scores: Iterable[csaf.Cvss | None]) -> csaf.Cvss:
    return max((s for s in scores if s is not None), key=lambda s: s.base_score, default=csaf.Cvss())


def _share(text: str) -> float | None:
    """A number from 0 to 1; None for all else, `nan` among it."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
