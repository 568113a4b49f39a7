"""Which id and link of an advisory a report shows (upstream pkg/scannerv4/mappers/mappers.go)."""

from __future__ import annotations

import re
from typing import Final

from pyrox.scan.advisories.model import Advisory

_AMAZON: Final = re.compile(r"ALAS\d*-\d{4}-\d+", re.ASCII)
_RED_HAT: Final = re.compile(r"(?:RHSA|RHBA|RHEA)-\d{4}:\d+", re.ASCII)
_CVE: Final = re.compile(r"CVE-\d{4}-\d+", re.ASCII)
_GHSA: Final = re.compile(r"GHSA(?:-[2-9cfghjmpqrvwx]{4}){3}")
# From the beginning of a run of capitals, so that a text of capitals alone is read once.
_ANY: Final = re.compile(r"(?<![A-Z])[A-Z]++-\d{4}[-:]\d+", re.ASCII)
_EVERY: Final = re.compile(f"{_CVE.pattern}|{_GHSA.pattern}|{_ANY.pattern}", re.ASCII)
_ERRATA: Final = "https://access.redhat.com/errata/"
VEX: Final = "rhel-vex"
# The longest ids that feeds give have some thirty characters; an index entry has its bounds.
_LONGEST_ID: Final = 100


def _first(pattern: re.Pattern[str], name: str, links: str) -> str:
    found = pattern.search(name) or pattern.search(links)
    return found[0] if found else ""


def shown_name(advisory: Advisory) -> str:
    """The id that a report shows: a CVE where name or links hold one, else the next best."""
    return shown(advisory.source, advisory.name, advisory.links, cve_of(advisory))


def shown(source: str, name: str, links: str, cve: str) -> str:
    """The same, of an advisory's parts; `cve` is what `cve_in` found."""
    if source.startswith("aws-") and (found := _first(_AMAZON, name, links)):
        return found
    return cve or _first(_GHSA, name, links) or _first(_ANY, name, links) or name


def cve_of(advisory: Advisory) -> str:
    """The CVE by which enrichments are looked up; empty when name and links hold none."""
    return cve_in(advisory.name, advisory.links)


def cve_in(name: str, links: str) -> str:
    """The same, of an advisory's name and links."""
    return _first(_CVE, name, links)


def ids_of(advisory: Advisory) -> tuple[str, ...]:
    """Every id by which somebody may ask for the advisory, in capitals: in name, links and aliases."""
    texts = (advisory.name, advisory.links, *(alias.name for alias in advisory.aliases))
    found = [id_ for text in texts for id_ in _EVERY.findall(text)]
    whole = [] if " " in advisory.name or len(advisory.name) > _LONGEST_ID else [advisory.name]
    return tuple(dict.fromkeys(id_.upper() for id_ in (*found, *whole) if len(id_) <= _LONGEST_ID))


def red_hat_advisory(advisory: Advisory) -> tuple[str, str]:
    """Name and link of the Red Hat advisory that a VEX statement points to, or two empty texts."""
    return errata_in(advisory.links) if advisory.source == VEX else ("", "")


def errata_in(links: str) -> tuple[str, str]:
    """The same, of a VEX statement's links."""
    found = _RED_HAT.search(links)
    return (found[0], _ERRATA + found[0]) if found else ("", "")
