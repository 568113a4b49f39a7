"""What a bill of materials says of itself, for both forms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pyrox.scan.model import Distribution, IndexReport, Repository
from pyrox.scan.sbom.purl import Purl
from pyrox.scan.sbom.records import purl_of

_OUTSIDE: Final = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Document:
    """Names, time and maker of one bill of materials.

    `name` is the document's own (upstream: the image digest), `subject` the image's name,
    `namespace` an address of its own for each document, `tool` who made it.
    """

    name: str
    subject: str
    namespace: str
    created: datetime
    tool: str = "scanner-v4-matcher"
    tool_version: str = ""

    @property
    def stamp(self) -> str:
        """The time as both forms want it."""
        return self.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reference(key: str) -> str:
    """The id of a report as part of a document's id, which has letters, digits, dots and dashes only."""
    return _OUTSIDE.sub("-", key)


def in_order(keys: Iterable[str]) -> list[str]:
    """Ids as upstream sorts them: as numbers; other texts after them."""
    return sorted(keys, key=lambda key: (0, int(key), "") if key.isdecimal() else (1, 0, key))


def system_of(report: IndexReport, key: str) -> Distribution | None:
    """The distribution of a package's first environment that has one."""
    for place in report.environments.get(key, ()):
        if place.distribution_id in report.distributions:
            return report.distributions[place.distribution_id]
    return None


def repositories_of(report: IndexReport, key: str) -> list[Repository]:
    """The repositories of all environments of a package, each once."""
    ids = dict.fromkeys(i for place in report.environments.get(key, ()) for i in place.repository_ids)
    return [report.repositories[i] for i in ids if i in report.repositories]


def purl_in(report: IndexReport, key: str) -> Purl | None:
    """The URL of a package of the report."""
    return purl_of(report.packages[key], system_of(report, key), repositories_of(report, key))
