"""Advisories as the bytes that a report holds of them: encoded once, put into many reports.

`report` puts them together, the Matcher's store keeps those that images ask for again and
again. The rules are those of upstream's mappers (pkg/scannerv4/mappers/mappers.go). A message
may be written as its fields one after the other in any order, so that what belongs to the
advisory, to the package and to other feeds is encoded apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.pb.internalapi.scanner.v4 import vulnerability_report_pb2 as pb
from pyrox.scan import naming, severity
from pyrox.scan.advisories.enrichment import Enrichments, Epss, Kev, Nvd
from pyrox.scan.advisories.model import Advisory, Alias, Severity
from pyrox.scan.fields import Tags, decimal, message, number, text

Cvss = pb.VulnerabilityReport.Vulnerability.CVSS
Raw = tuple[str, str, str, datetime | None, str, str, int, Sequence[str]]
"""An advisory as it is stored: source, name, description, issued, links, severity, normalised, aliases."""
_OSV_PAGE: Final = "https://osv.dev/vulnerability/"
_NVD_PAGE: Final = "https://nvd.nist.gov/vuln/detail/"
_RED_HAT_PAGE: Final = "https://access.redhat.com/security/cve/"
_MANUAL: Final = "stackrox-manual"
# An object with slots, the headers of its texts and bytes, its place in a map (CPython 3.11).
_OBJECT_BYTES: Final = 600

_OF: Final = Tags(pb.VulnerabilityReport.Vulnerability)
_NAME: Final = _OF.counted("name")
_DESCRIPTION: Final = _OF.counted("description")
_ISSUED: Final = _OF.counted("issued")
_LINK: Final = _OF.counted("link")
_WORD: Final = _OF.counted("severity")
_NORMALIZED: Final = _OF.number("normalized_severity")
_FIXED_IN: Final = _OF.counted("fixed_in_version")
_FIXED_DATE: Final = _OF.counted("fixed_date")
_CVSS: Final = _OF.counted("cvss")
_CVSS_METRICS: Final = _OF.counted("cvss_metrics")
_UPDATER: Final = _OF.counted("updater")
_ADVISORY: Final = _OF.counted("advisory")
_ALIASES: Final = _OF.counted("aliases")
_EPSS: Final = _OF.counted("epss_metrics")
_EXPLOIT: Final = _OF.counted("exploit")
_OF_ADVISORY: Final = Tags(pb.VulnerabilityReport.Advisory)
_OF_ALIAS: Final = Tags(pb.VulnerabilityReport.Alias)
_OF_CVSS: Final = Tags(Cvss)
_OF_SCORE: Final = Tags(Cvss.V3)
_OF_EPSS: Final = Tags(pb.VulnerabilityReport.Vulnerability.EPSS)
_OF_EXPLOIT: Final = Tags(pb.VulnerabilityReport.Vulnerability.CISAExploit)


@dataclass(frozen=True, slots=True)
class Metric:
    """One CVSS score: the encoded message, its base score, whether it is NVD's."""

    data: bytes
    base: float
    from_nvd: bool = False


@dataclass(slots=True)
class Text:
    """An advisory, encoded as far as it is the same in every report.

    `head` and the advisory's own name together are what upstream takes for the same
    vulnerability; `tail` are the fields beside that. `cve` and `red_hat` are the ids under
    which enrichments are looked up; empty when there is none.
    """

    raw: Raw
    head: bytes
    tail: bytes
    cve: str
    red_hat: str
    metric: Metric | None

    @property
    def advisory(self) -> Advisory:
        """The advisory as a value; its key is not known any more."""
        return advisory_of(self.raw)


def weight(stored: Text) -> int:
    """About how many bytes of memory a text takes."""
    return _OBJECT_BYTES + 2 * len(stored.head)


def advisory_of(raw: Raw, key: str = "") -> Advisory:
    """The advisory of a stored form."""
    source, name, description, issued, links, word, normalized, aliases = raw
    parts = (alias.rpartition(":") for alias in aliases)
    found = tuple(Alias(space, other) for space, _, other in parts)
    return Advisory(source, key, name, description, issued, links, word, Severity(normalized), found)


def raw_of(advisory: Advisory) -> Raw:
    """The stored form of an advisory."""
    aliases = [f"{alias.space}:{alias.name}" for alias in advisory.aliases]
    return (
        advisory.source, advisory.name, advisory.description, advisory.issued, advisory.links,
        advisory.severity, int(advisory.normalized), aliases,
    )  # fmt: skip


def text_of(raw: Raw) -> Text:
    """Encode an advisory. A report has thousands of them, so that this is a hot path."""
    source, raw_name, description, issued, links, word, normalized, aliases = raw
    cve = naming.cve_in(raw_name, links)
    name = naming.shown(source, raw_name, links, cve)
    head = b"".join(
        (
            text(_NAME, name),
            text(_DESCRIPTION, description),
            _moment(_ISSUED, issued),
            text(_LINK, links),
            _severity_words(word, normalized),
        )
    )
    red_hat, tail, metric = "", _updater(source), None
    if source == naming.VEX:
        red_hat, errata = naming.errata_in(links)
        tail += _advisory(red_hat, errata) if red_hat else b""
    if aliases:
        tail += b"".join(map(_alias, aliases))
    if not severity.is_word(word):
        metric = _own_metric(source, raw_name, links, word, cve=cve, shown=name)
    return Text(raw, head, tail, cve, red_hat, metric)


# Few sources, severities and dates are those of many advisories.
@lru_cache(maxsize=4096)
def _severity_words(word: str, normalized: int) -> bytes:
    return text(_WORD, word) + number(_NORMALIZED, normalized)


@lru_cache(maxsize=1024)
def _updater(source: str) -> bytes:
    return text(_UPDATER, source)


@lru_cache(maxsize=16384)
def _moment(tag: bytes, moment: datetime | None) -> bytes:
    if moment is None:
        return b""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return message(tag, stamp.SerializeToString())


def _advisory(name: str, link: str) -> bytes:
    data = text(_OF_ADVISORY.counted("name"), name) + text(_OF_ADVISORY.counted("link"), link)
    return message(_ADVISORY, data)


def _alias(stored: str) -> bytes:
    space, _, name = stored.rpartition(":")
    return message(_ALIASES, text(_OF_ALIAS.counted("space"), space) + text(_OF_ALIAS.counted("name"), name))


Shown = tuple[bytes, tuple[int, float]]
"""A vulnerability of one report, without its number: bytes, and its place in the order."""


def show(advisory: Text, fixed_in: str, enrichments: Enrichments) -> Shown:
    """The vulnerability with its fix and with what other feeds know of it."""
    normalized = advisory.raw[6]
    record = enrichments.nvd.get(advisory.cve)
    metrics = _metrics(advisory, record)
    parts = [advisory.head, advisory.tail, text(_FIXED_IN, fixed_in)]
    base = 0.0
    if metrics:
        base = metrics[0].base
        if not normalized:
            normalized = int(severity.from_score(base))
            parts.append(number(_NORMALIZED, normalized))
        parts.append(message(_CVSS, metrics[0].data))
        parts.extend([message(_CVSS_METRICS, metric.data) for metric in metrics])
    if record is not None:
        parts.append(_from_nvd(advisory, record))
    parts.extend(_known_elsewhere(advisory, enrichments))
    return b"".join(parts), (-normalized, -base)


def _from_nvd(advisory: Text, record: Nvd) -> bytes:
    """What the feed itself does not say."""
    _, _, description, issued, *_ = advisory.raw
    said = b"" if description else text(_DESCRIPTION, record.description)
    return said if issued is not None else said + _moment(_ISSUED, record.published)


def _known_elsewhere(advisory: Text, enrichments: Enrichments) -> Iterable[bytes]:
    if advisory.red_hat and (known := enrichments.red_hat.get(advisory.red_hat)) is not None:
        yield _moment(_FIXED_DATE, known.released)
    if (epss := enrichments.epss.get(advisory.cve)) is not None:
        yield message(_EPSS, _epss(epss))
    if (kev := enrichments.kev.get(advisory.cve)) is not None:
        yield message(_EXPLOIT, _exploit(kev))


_EPSS_MODEL: Final = (_OF_EPSS.counted("date"), _OF_EPSS.counted("model_version"))
_PROBABILITY: Final = _OF_EPSS.decimal("probability")
_PERCENTILE: Final = _OF_EPSS.decimal("percentile")


def _epss(record: Epss) -> bytes:
    date, model = _EPSS_MODEL
    return b"".join(
        (
            text(date, record.date),
            text(model, record.model_version),
            decimal(_PROBABILITY, record.probability),
            decimal(_PERCENTILE, record.percentile),
        )
    )


_EXPLOIT_FIELDS: Final = (
    "catalog_version", "date_added", "short_description", "required_action", "due_date",
    "known_ransomware_campaign_use",
)  # fmt: skip


def _exploit(record: Kev) -> bytes:
    return b"".join(text(_OF_EXPLOIT.counted(name), getattr(record, name)) for name in _EXPLOIT_FIELDS)


def _metrics(advisory: Text, record: Nvd | None) -> Sequence[Metric]:
    """Scores with their sources, the feed's own first, then NVD's unless it came first."""
    own = advisory.metric
    if record is None or (own is not None and own.from_nvd):
        return () if own is None else (own,)
    return [metric for metric in (own, _nvd_metric(record)) if metric is not None]


def _nvd_metric(record: Nvd) -> Metric | None:
    if not (record.v3_vector or record.v2_vector):
        return None
    scores = _score(_V2, record.v2_score, record.v2_vector) + _score(_V3, record.v3_score, record.v3_vector)
    data = _metric(scores, Cvss.SOURCE_NVD, _NVD_PAGE + record.cve)
    return Metric(data, record.v3_score if record.v3_vector else record.v2_score, from_nvd=True)


_V2: Final = _OF_CVSS.counted("v2")
_V3: Final = _OF_CVSS.counted("v3")
_SOURCE: Final = _OF_CVSS.number("source")
_URL: Final = _OF_CVSS.counted("url")
_BASE: Final = _OF_SCORE.decimal("base_score")
_VECTOR: Final = _OF_SCORE.counted("vector")


def _score(tag: bytes, base: float, vector: str) -> bytes:
    return message(tag, decimal(_BASE, base) + text(_VECTOR, vector)) if vector else b""


def _metric(scores: bytes, source: Cvss.Source.ValueType, url: str) -> bytes:
    return scores + number(_SOURCE, source) + text(_URL, url)


def _own_metric(source: str, name: str, links: str, vector: str, *, cve: str, shown: str) -> Metric | None:
    """The metric of the advisory's own vector, where its source is one that gives vectors."""
    place: tuple[Cvss.Source.ValueType, str] | None = None
    if source == naming.VEX:
        place = (Cvss.SOURCE_RED_HAT, _RED_HAT_PAGE + shown)
    elif source.startswith("osv/"):
        place = (Cvss.SOURCE_OSV, _OSV_PAGE + name)
    elif source == _MANUAL:
        place = _manual_place(links.partition(" ")[0], cve)
    return _vector(vector, *place) if place else None


def _manual_place(link: str, cve: str) -> tuple[Cvss.Source.ValueType, str]:
    """The source of a manual entry's vector, by the beginning of its link."""
    if link.startswith("https://nvd.nist.gov/"):
        return Cvss.SOURCE_NVD, _NVD_PAGE + cve
    if link.startswith("https://osv.dev/"):
        return Cvss.SOURCE_OSV, link
    if link.startswith("https://access.redhat.com/"):
        return Cvss.SOURCE_RED_HAT, link
    return Cvss.SOURCE_UNKNOWN, link


def _vector(vector: str, source: Cvss.Source.ValueType, url: str) -> Metric | None:
    """The vector as a metric; the message has no place for version 4."""
    found = _scored(vector)
    if found is None or found.major > 3:
        return None
    scores = _score(_V3 if found.major == 3 else _V2, found.base, found.vector)
    return Metric(_metric(scores, source, url), found.base, from_nvd=source == Cvss.SOURCE_NVD)


@lru_cache(maxsize=16384)
def _scored(vector: str) -> severity.Score | None:
    """Advisories share vectors, and to reckon one out takes the library long."""
    return severity.score(vector)
