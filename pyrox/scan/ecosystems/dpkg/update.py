"""Reads the Debian security tracker's JSON.

The document maps source packages to CVEs to releases by code name. As upstream does, the
status is not read: a fixed version bounds the range, no version leaves it open, and "0"
says that the release was never affected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Item, ParsedAdvisory, Severity, Skipped
from pyrox.scan.advisories.ranges import Bounds, Subject, row
from pyrox.scan.ecosystems.dpkg.ubuntu import SOURCE as UBUNTU
from pyrox.scan.ecosystems.dpkg.version import SCHEME
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import Kind

# Debian's releases by code name; sid has no number and so no namespace.
RELEASES: Final[Mapping[str, str]] = {
    "wheezy": "7",
    "jessie": "8",
    "stretch": "9",
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "duke": "15",
}
_LINK: Final = "https://security-tracker.debian.org/tracker/"
# Upstream's reading of Debian's urgencies (claircore debian/, normalised by mappers.go).
_URGENCY: Final = {
    "unimportant": Severity.LOW,
    "low": Severity.MODERATE,
    "medium": Severity.IMPORTANT,
    "high": Severity.CRITICAL,
}


class _Release(msgspec.Struct):
    fixed_version: str = ""
    urgency: str = ""


class _Issue(msgspec.Struct):
    description: str = ""
    releases: dict[str, _Release] = {}


_DECODER: Final = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw]])
_ISSUE: Final = msgspec.json.Decoder(_Issue)
_DAMAGE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class DebianSource:
    """The tracker's one document; `releases` maps code names to numbers."""

    name = "debian/updater"

    def __init__(self, releases: Mapping[str, str] = RELEASES) -> None:
        self._releases = releases

    def accepts(self, path: str) -> bool:
        """True for `debian/tracker.json`, packed or not."""
        return path.startswith("debian/") and path.removesuffix(".gz").endswith(".json")

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """One advisory per CVE and urgency, with the rows of all packages and releases."""
        try:
            tracker = _DECODER.decode(unpack.plain(data))
        except StreamDamage as damage:
            yield Skipped(path, damage.detail)
            return
        except _DAMAGE as error:
            yield Skipped(path, f"malformed: {error}"[:200])
            return
        skipped: list[Skipped] = []
        rows: defaultdict[tuple[str, str], list[AdvisoryRow]] = defaultdict(list)
        texts: dict[str, str] = {}
        for package, issues in tracker.items():
            for cve, raw in issues.items():
                issue = self._issue(package, cve, raw, skipped)
                if issue.description:
                    texts.setdefault(cve, issue.description)
                for urgency, made in self._rows(package, cve, issue, skipped):
                    rows[cve, urgency].append(made)
        yield from skipped
        for (cve, urgency), made_rows in rows.items():
            yield ParsedAdvisory(_advisory(self.name, cve, urgency, texts.get(cve, "")), tuple(made_rows))

    @staticmethod
    def _issue(package: str, cve: str, raw: msgspec.Raw, skipped: list[Skipped]) -> _Issue:
        try:
            return _ISSUE.decode(raw)
        except _DAMAGE as error:
            skipped.append(Skipped(f"{package} {cve}", f"malformed: {error}"[:200]))
            return _Issue()

    def _rows(
        self, package: str, cve: str, issue: _Issue, skipped: list[Skipped]
    ) -> Iterator[tuple[str, AdvisoryRow]]:
        for codename, release in issue.releases.items():
            number = self._releases.get(codename)
            if number is None:
                skipped.append(Skipped(f"{package} {cve}", f"release {codename[:64]!r} has no number"))
            elif release.fixed_version == "0":
                skipped.append(Skipped(f"{package} {cve}", "never affected"))
            else:
                subject = Subject(
                    f"debian:{number}", package, Kind.SOURCE, SCHEME, _key(cve, release.urgency)
                )
                made = row(subject, Bounds(fixed=release.fixed_version))
                if made is not None:
                    yield release.urgency, made


def _key(cve: str, urgency: str) -> str:
    return f"{cve} {urgency}".strip()


def _advisory(source: str, cve: str, urgency: str, description: str) -> Advisory:
    return Advisory(
        source=source,
        key=_key(cve, urgency),
        name=cve,
        description=description,
        links=_LINK + cve,
        severity=urgency,
        normalized=_URGENCY.get(urgency.rstrip("*"), Severity.UNSPECIFIED),
    )


SOURCES = (DebianSource(), UBUNTU)
