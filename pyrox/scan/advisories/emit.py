"""Writes advisories as lines of upstream's bundles: the inverse of `pyrox.scan.advisories.bundle`.

The bundle builder and the starter set use it; upstream's Matcher and ours read the
result. Pure. What the line form cannot express (an OSV `limit` without a fix) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import msgspec

from pyrox.scan import catalogue
from pyrox.scan.advisories.model import HIGHEST, Advisory, AdvisoryRow, ParsedAdvisory, Severity

# claircore's words, which upstream's Matcher normalises to the numbers of the report.
_WORDS: Final[Mapping[Severity, str]] = {
    Severity.UNSPECIFIED: "Unknown",
    Severity.LOW: "Low",
    Severity.MODERATE: "Medium",
    Severity.IMPORTANT: "High",
    Severity.CRITICAL: "Critical",
}
_NO_TIME: Final = "0001-01-01T00:00:00Z"
_KEYS: Final[Mapping[str, str]] = {
    "rhel": "rhel-cpe-repository",
    "rhcc": "rhcc-container-repository",
}
_WORD: Final = re.compile(r"\w+")
_NUMBERS: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?")
_HIGHEST: Final = 2_147_483_647  # upstream's numbers have 32 bits
_NAMES: Final[Mapping[str, str]] = {
    "debian": "Debian GNU/Linux",
    "ubuntu": "Ubuntu",
    "alpine": "Alpine Linux",
    "almalinux": "AlmaLinux",
}


def lines(advisory: ParsedAdvisory, *, fingerprint: str) -> Iterator[bytes]:
    """One line for each row, without line ends; `fingerprint` names the state of the feed."""
    for row in advisory.rows:
        if expressible(row):
            yield msgspec.json.encode(record(advisory.advisory, row, fingerprint=fingerprint))


def expressible(row: AdvisoryRow) -> bool:
    """Whether the line form can say where the row ends."""
    return bool(row.fixed_in or row.last_affected or row.fallback) or row.hi == HIGHEST


def record(advisory: Advisory, row: AdvisoryRow, *, fingerprint: str) -> dict[str, Any]:
    """The record of one row, as a value."""
    issued = advisory.issued.isoformat().replace("+00:00", "Z") if advisory.issued else _NO_TIME
    vuln: dict[str, Any] = {
        "id": "",
        "updater": advisory.source,
        "name": advisory.name,
        "description": advisory.description,
        "issued": issued,
        "links": advisory.links,
        "severity": advisory.severity,
        "normalized_severity": _WORDS[advisory.normalized],
        "package": {
            "id": "",
            "name": row.package,
            "version": "",
            "kind": row.kind.value,
            "module": row.module,
            "arch": row.arch.removeprefix("!"),
        },
        **_arch_operation(row.arch),
        **_numbers(row),
        "fixed_in_version": _fixed(row),
        "Aliases": [{"Space": alias.space, "Name": alias.name} for alias in advisory.aliases],
        "Invert": row.not_affected,
        **_origin(row),
    }
    return {
        "Updater": advisory.source,
        "Fingerprint": fingerprint,
        "Ref": str(uuid5(NAMESPACE_URL, f"{advisory.source} {fingerprint}")),
        "Kind": "vulnerability",
        "Vuln": vuln,
    }


def _origin(row: AdvisoryRow) -> dict[str, Any]:
    """The distribution or repository that a namespace stands for."""
    if row.namespace in catalogue.names().languages:
        return {"repository": {"id": "", "name": row.namespace, "key": "", "uri": "", "cpe": ""}}
    key = _KEYS.get(row.namespace)
    if key is not None:
        return {"repository": {"id": "", "name": row.cpe, "key": key, "uri": "", "cpe": row.cpe}}
    did, _, version = row.namespace.partition(":")
    name = _NAMES.get(did, did)
    distribution = {"id": "", "did": did, "name": name, "version": version.removeprefix("v")}
    if did == "alpine":
        # Alpine's records carry the release in the pretty name only (claircore alpine/).
        distribution |= {"version_id": "", "pretty_name": f"{name} {version}"}
    else:
        distribution |= {"version_id": version, "pretty_name": f"{name} {version}".strip()}
    return {"distribution": distribution}


def _arch_operation(arch: str) -> dict[str, str]:
    """How the architecture is to be compared (claircore ArchOp)."""
    if not arch:
        return {}
    if arch.startswith("!"):
        return {"arch_op": "not equals"}
    return {"arch_op": "equals" if _WORD.fullmatch(arch) else "pattern match"}


def _numbers(row: AdvisoryRow) -> dict[str, Any]:
    """The range in numbers, by which upstream finds rows of containers, Go and npm."""
    if row.namespace == "rhcc":
        low = _NUMBERS.match(row.introduced)
        high = _NUMBERS.match(row.fixed_in.removeprefix("v"))
        upper = f"{int(high[1])}.{int(high[2] or 0)}.{_HIGHEST}" if high else str(_HIGHEST)
        lower = f"{int(low[1])}.{int(low[2] or 0)}" if low else "0"
        return {"range": {"[": f"rhctag:{lower}", ")": f"rhctag:{upper}"}}
    if row.namespace not in {"go", "npm"} or row.last_affected:
        return {}
    bounds = [_NUMBERS.match(text.removeprefix("v")) for text in (row.introduced, row.fixed_in)]
    lower, upper = (".".join(part or "0" for part in found.groups()) if found else "" for found in bounds)
    return {
        "range": {"[": f"semver:0.{lower or '0.0.0'}", ")": f"semver:{f'0.{upper}' if upper else _HIGHEST}"}
    }


def _fixed(row: AdvisoryRow) -> str:
    """The fix as it stands, or a query text when the range has other bounds, as OSV's have."""
    language = row.namespace in catalogue.names().languages
    plain = not language and not row.introduced and not row.last_affected
    if plain or row.namespace == "rhcc":
        return row.fixed_in
    bounds = {"introduced": row.introduced, "fixed": row.fixed_in, "lastAffected": row.last_affected}
    return urlencode({name: value for name, value in bounds.items() if value})
