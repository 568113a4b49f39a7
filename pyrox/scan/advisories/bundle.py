"""Reads upstream's bundles: one JSON object a line, an advisory or an enrichment each.

The Matcher passes the lines of `<name>.json.zst`, decompressed. An advisory there is
upstream's own record; its namespace follows from its distribution or repository, its range
from a fixed version, a text of the form `introduced=…&fixed=…`, or a pair of numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

import msgspec

from pyrox.scan import catalogue, cpe, severity
from pyrox.scan.advisories.enrichment import Epss, Kev, Nvd, RedHatAdvisory, parse_nvd_record
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, ParsedAdvisory, Skipped
from pyrox.scan.advisories.ranges import Bounds, Subject, row
from pyrox.scan.advisories.vex import CONTAINER_NAMESPACE, RPM_NAMESPACE
from pyrox.scan.formats import unpack
from pyrox.scan.model import Kind
from pyrox.scan.protocols import VersionScheme

MAX_LINE: Final = 16_000_000
_UNBOUNDED: Final = 2_147_483_647  # upstream's upper number of a range without an end
_PACKAGES: Final = "rhel-cpe-repository"
_CONTAINERS: Final = "rhcc-container-repository"
_RED_HAT: Final = "rhel-vex"


class _Package(msgspec.Struct):
    name: str = ""
    version: str = ""
    kind: str = ""
    arch: str = ""
    module: str = ""


class _System(msgspec.Struct):
    did: str = ""
    version: str = ""
    version_id: str = ""
    pretty_name: str = ""


class _Repository(msgspec.Struct):
    name: str = ""
    key: str = ""
    cpe: str = ""


class _Range(msgspec.Struct):
    lower: str = msgspec.field(name="[", default="")
    upper: str = msgspec.field(name=")", default="")


class _Alias(msgspec.Struct):
    space: str = msgspec.field(name="Space", default="")
    name: str = msgspec.field(name="Name", default="")


class _Vuln(msgspec.Struct):
    name: str = ""
    updater: str = ""
    description: str = ""
    issued: str = ""
    links: str = ""
    severity: str = ""
    normalized_severity: str = ""
    package: _Package | None = None
    distribution: _System | None = None
    repository: _Repository | None = None
    fixed_in_version: str = ""
    arch_op: str = ""
    range: _Range | None = None
    invert: bool = msgspec.field(name="Invert", default=False)
    aliases: msgspec.Raw = msgspec.field(name="Aliases", default=msgspec.Raw(b"[]"))


class _EnrichmentRecord(msgspec.Struct):
    tags: list[str] = msgspec.field(name="tags", default_factory=list)
    enrichment: msgspec.Raw = msgspec.field(name="enrichment", default=msgspec.Raw(b"null"))


class _Line(msgspec.Struct):
    updater: str = msgspec.field(name="Updater", default="")
    fingerprint: str = msgspec.field(name="Fingerprint", default="")
    date: str = msgspec.field(name="Date", default="")
    ref: str = msgspec.field(name="Ref", default="")
    kind: str = msgspec.field(name="Kind", default="")
    vuln: _Vuln | None = msgspec.field(name="Vuln", default=None)
    enrichment: _EnrichmentRecord | None = msgspec.field(name="Enrichment", default=None)


class _EpssRecord(msgspec.Struct, rename="camel"):
    cve: str = ""
    epss: float = 0.0
    percentile: float = 0.0
    date: str = ""
    model_version: str = ""


class _KevRecord(msgspec.Struct):
    cve: str = ""
    catalog_version: str = ""
    date_added: str = ""
    short_description: str = ""
    required_action: str = ""
    due_date: str = ""
    known_ransomware_campaign_use: str = ""


class _CsafScore(msgspec.Struct):
    score: float = 0.0
    vector: str = ""


class _CsafRecord(msgspec.Struct):
    name: str = ""
    description: str = ""
    release_date: str = ""
    severity: str = ""
    cvss_v3: _CsafScore | None = None
    cvss_v2: _CsafScore | None = None


_LINE: Final = msgspec.json.Decoder(_Line)
_ALIASES: Final = msgspec.json.Decoder(list[_Alias] | None)
_EPSS: Final = msgspec.json.Decoder(_EpssRecord)
_KEV: Final = msgspec.json.Decoder(_KevRecord)
_CSAF: Final = msgspec.json.Decoder(_CsafRecord)
_DAMAGE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)

Content = ParsedAdvisory | Nvd | Epss | Kev | RedHatAdvisory | Skipped


@dataclass(frozen=True, slots=True)
class Record:
    """One line: the update operation that it belongs to, and what it says."""

    updater: str
    ref: str
    fingerprint: str
    date: datetime | None
    content: Content


@dataclass(frozen=True, slots=True)
class _Forms:
    """What the ecosystems say of their namespaces, looked up once for all lines."""

    schemes: Mapping[str, VersionScheme]
    languages: Collection[str]
    orders: Mapping[str, str]
    spellings: Mapping[str, Callable[[str], str]]


def read(lines: Iterable[bytes], schemes: Mapping[str, VersionScheme]) -> Iterator[Record]:
    """Every line as a record; a bad one is a `Skipped` and the rest goes on."""
    forms = _Forms(schemes, catalogue.names().languages, catalogue.orders(), catalogue.spellings())
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"line {number}"
        if len(line) > MAX_LINE:
            yield Record("", "", "", None, Skipped(where, "line too long"))
            continue
        try:
            parsed = _LINE.decode(line)
        except _DAMAGE as error:
            yield Record("", "", "", None, Skipped(where, f"malformed: {error}"[:200]))
            continue
        content = _content(where, parsed, forms)
        yield Record(parsed.updater, parsed.ref, parsed.fingerprint, unpack.time(parsed.date), content)


def _content(where: str, line: _Line, forms: _Forms) -> Content:
    if line.vuln is not None:
        return _advisory(line.vuln, line.updater, forms)
    if line.enrichment is not None:
        return _enrichment(where, line.updater, bytes(line.enrichment.enrichment))
    return Skipped(where, "neither advisory nor enrichment")


def _enrichment(where: str, updater: str, content: bytes) -> Content:
    """The record of an enricher, told by its updater's name."""
    try:
        if "nvd" in updater:
            return parse_nvd_record(content)
        if "epss" in updater:
            epss = _EPSS.decode(content)
            return Epss(epss.cve, epss.epss, epss.percentile, epss.date, epss.model_version)
        if "kev" in updater:
            return Kev(**msgspec.structs.asdict(_KEV.decode(content)))
        if "csaf" in updater:
            return _red_hat(_CSAF.decode(content))
    except _DAMAGE as error:
        return Skipped(where, f"malformed enrichment: {error}"[:200])
    return Skipped(where, f"enrichment of unknown updater {updater[:64]!r}")


def _red_hat(record: _CsafRecord) -> RedHatAdvisory:
    v3, v2 = record.cvss_v3 or _CsafScore(), record.cvss_v2 or _CsafScore()
    return RedHatAdvisory(
        name=record.name,
        description=record.description,
        released=unpack.time(record.release_date),
        severity=record.severity,
        v3_vector=v3.vector,
        v3_score=v3.score,
        v2_vector=v2.vector,
        v2_score=v2.score,
    )


def _advisory(vuln: _Vuln, updater: str, forms: _Forms) -> ParsedAdvisory | Skipped:
    name = vuln.name or "advisory without a name"
    if vuln.package is None or not vuln.package.name:
        return Skipped(name, "no package")
    namespace, order = _namespace(vuln, forms)
    scheme = forms.schemes.get(order)
    if not namespace or scheme is None:
        return Skipped(name, "neither a distribution nor a repository that is known")
    advisory = _text(vuln, updater)
    if _never(vuln, namespace):
        return Skipped(name, "never affected")
    subject = _subject(vuln, vuln.package, forms, Subject(namespace, "", Kind.BINARY, scheme, advisory.key))
    made = _row(vuln, subject)
    return ParsedAdvisory(advisory, (made,) if made else ())


def _text(vuln: _Vuln, updater: str) -> Advisory:
    parts = (vuln.name, vuln.description, vuln.issued, vuln.links, vuln.severity, vuln.normalized_severity)
    digest = hashlib.blake2b("\x00".join(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()
    try:
        aliases = tuple(Alias(a.space, a.name) for a in _ALIASES.decode(vuln.aliases) or () if a.name)
    except _DAMAGE:
        aliases = ()  # another form of the same list: the advisory itself stays good
    return Advisory(
        source=vuln.updater or updater,
        key=digest,
        name=vuln.name,
        description=vuln.description,
        issued=unpack.time(vuln.issued),
        links=vuln.links,
        severity=vuln.severity,
        normalized=severity.from_word(vuln.normalized_severity),
        aliases=aliases,
    )


def _namespace(vuln: _Vuln, forms: _Forms) -> tuple[str, str]:
    """Namespace and version order; empty texts when the record names neither."""
    repository, system = vuln.repository, vuln.distribution
    if repository is not None and repository.name in forms.languages:
        return repository.name, forms.orders[repository.name]
    if repository is not None and repository.key == _CONTAINERS:
        return CONTAINER_NAMESPACE, "rhctag"
    # What has no fix carries the product's id as its key there, so the updater decides.
    if repository is not None and (repository.key == _PACKAGES or vuln.updater == _RED_HAT):
        return RPM_NAMESPACE, "rpm"
    if system is None or not system.did:
        return "", ""
    if system.did == "alpine":
        release = system.pretty_name.removeprefix("Alpine Linux ") or system.version
        return f"alpine:{release}", "apk"
    version = system.version_id or system.version
    return (f"{system.did}:{version}" if version else system.did), forms.orders.get(system.did, "rpm")


def _never(vuln: _Vuln, namespace: str) -> bool:
    """A fixed version of "0" says so for Debian and Alpine; for Ubuntu it means "no fix"."""
    return vuln.fixed_in_version == "0" and namespace.startswith(("debian:", "alpine:"))


def _subject(vuln: _Vuln, package: _Package, forms: _Forms, subject: Subject) -> Subject:
    """The subject with the package as it is looked up."""
    namespace = subject.namespace
    language = namespace in forms.languages
    known = package.kind in {kind.value for kind in Kind}
    return replace(
        subject,
        package=forms.spellings[namespace](package.name) if language else package.name,
        kind=Kind.BINARY if language or not known else Kind(package.kind),
        arch=f"!{package.arch}" if package.arch and vuln.arch_op == "not equals" else package.arch,
        module=package.module,
        cpe=_cpe(vuln.repository) if namespace in {RPM_NAMESPACE, CONTAINER_NAMESPACE} else "",
    )


def _cpe(repository: _Repository | None) -> str:
    """The product's name as a formatted string, which upstream keeps as the repository's name."""
    if repository is None:
        return ""
    return cpe.formatted(repository.cpe) or cpe.formatted(repository.name) or repository.name


def _row(vuln: _Vuln, subject: Subject) -> AdvisoryRow | None:
    fixed = "" if vuln.fixed_in_version == "0" else vuln.fixed_in_version
    if subject.namespace == CONTAINER_NAMESPACE:
        bounds = Bounds(introduced=_minor(vuln.range), fixed=fixed)
    elif "=" in fixed:
        values = parse_qs(fixed)
        bounds = Bounds(
            introduced=_first(values, "introduced"),
            fixed=_first(values, "fixed"),
            last=_first(values, "lastAffected"),
        )
    else:
        bounds = Bounds(fixed=fixed)
    if vuln.range is not None and subject.namespace != CONTAINER_NAMESPACE:
        lower, upper = _numbers(vuln.range.lower), _numbers(vuln.range.upper)
        if lower and any(lower) and not bounds.introduced:
            # The number form forgets pre-releases, so the bound includes those of the version.
            bounds = Bounds(introduced=_version(lower) + "-0", fixed=bounds.fixed, last=bounds.last)
        if upper and not (bounds.fixed or bounds.last) and _UNBOUNDED not in upper:
            bounds = Bounds(introduced=bounds.introduced, fixed=_version(upper))
    return row(subject, bounds, not_affected=vuln.invert)


def _minor(found: _Range | None) -> str:
    """The minor release with which a container's range begins; empty for the first of all."""
    lower = (*(_numbers(found.lower) if found else ()), 0, 0)
    return f"{lower[0]}.{lower[1]}" if any(lower[:2]) else ""


def _first(values: Mapping[str, list[str]], name: str) -> str:
    found = values.get(name, [""])[0]
    return "" if found == "0" else found


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers of `semver:0.1.2.3`; empty when the text has another form."""
    parts = text.partition(":")[2].split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() and len(part) < 11 for part in parts) else ()


def _version(numbers: tuple[int, ...]) -> str:
    padded = (*numbers, 0, 0, 0, 0)
    return f"{padded[1]}.{padded[2]}.{padded[3]}"
