"""Judge built images by a directory of advisories, with the scanner's own engine and no database.

`python -m tools.images.findings FEEDS ARCHIVE...`, run by `make images-check FEEDS=directory`.
FEEDS is laid out like the live feeds (`debian/tracker.json.gz`, `osv/PyPI/all.zip` …). Each
image gets a line of what judged its packages and what nothing judged, and a line for each
finding that has a fix. It must not know Debian or Python: the engine does.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pyrox.scan import catalogue, matching, naming
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Feed, ParsedAdvisory, Severity
from pyrox.scan.coverage import PackageCoverage, Verdict, coverage
from pyrox.scan.model import IndexReport, Kind, Lookup
from tools.images import verify

Question = tuple[str, str, Kind]
# What may not be in an image that we publish; an advisory without a severity may be critical.
_REFUSED = (Severity.CRITICAL, Severity.UNSPECIFIED)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was read, and what is asked of the advisories."""

    name: str
    report: IndexReport
    plan: matching.Plan


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A package that an advisory hits, and what fixes it."""

    package: str
    version: str
    name: str
    severity: Severity
    fixed_in: str

    @property
    def refused(self) -> bool:
        """Whether the image may not be published."""
        return bool(self.fixed_in) and self.severity in _REFUSED

    def __str__(self) -> str:
        word = self.severity.name.lower() if self.severity else "of no known severity"
        return f"{self.package} {self.version}: {self.name}, {word}, fixed in {self.fixed_in}"


@dataclass(slots=True)
class Advisories:
    """The rows that the images ask for, and what was loaded for each namespace."""

    rows: dict[Question, list[tuple[Advisory, AdvisoryRow]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    feeds: dict[str, dict[str, datetime]] = field(default_factory=dict)

    def load(self, feeds: Path, wanted: frozenset[Question]) -> None:
        """Read every feed once and keep what is wanted."""
        files = [path for path in sorted(feeds.rglob("*")) if path.is_file()]
        for source in catalogue.sources():
            for path in files:
                name = path.relative_to(feeds).as_posix()
                if not source.accepts(name):
                    continue
                made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                for item in source.parse(name, path.read_bytes()):
                    if isinstance(item, ParsedAdvisory):
                        self._take(item, made, wanted)

    def _take(self, item: ParsedAdvisory, made: datetime, wanted: frozenset[Question]) -> None:
        for row in item.rows:
            known = self.feeds.setdefault(row.namespace, {})
            known[item.advisory.source] = max(made, known.get(item.advisory.source, made))
            question = (row.namespace, row.package, row.kind)
            if question in wanted:
                self.rows[question].append((item.advisory, row))

    def loaded(self) -> Mapping[str, list[Feed]]:
        """The feeds by namespace, as the engine asks for them."""
        return {
            name: [Feed(source, at) for source, at in sorted(known.items())]
            for name, known in self.feeds.items()
        }


def question(lookup: Lookup) -> Question:
    """What of a question chooses its rows."""
    return lookup.namespace, lookup.package, lookup.kind


def read(archive: Path) -> Image:
    """Index an image and plan its questions."""
    report = verify.scan(archive)
    return Image(archive.name, report, matching.plan(report, catalogue.matchers()))


def findings(image: Image, advisories: Advisories) -> list[Finding]:
    """Everything that hits, with or without a fix."""
    schemes = catalogue.schemes()
    found: set[Finding] = set()
    for lookup in image.plan.lookups:
        package = image.report.packages[lookup.package_id]
        for advisory, row in advisories.rows.get(question(lookup), ()):
            if not row.not_affected and matching.decide(lookup, row, schemes).hit:
                shown = naming.shown_name(advisory)
                found.add(Finding(package.name, package.version, shown, advisory.normalized, row.fixed_in))
    return sorted(found)


def judged(image: Image, advisories: Advisories) -> Iterator[str]:
    """How many packages each feed judged, and why others were not."""
    seen = coverage(image.report, image.plan, advisories.loaded(), catalogue.schemes())
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for lookup in image.plan.lookups:
        asked[lookup.package_id].add(lookup.namespace)
    counts: Counter[str] = Counter()
    for one in seen.packages:
        if image.report.packages[one.package_id].kind is Kind.BINARY:
            counts[_by(one, asked[one.package_id])] += 1
    for words, count in sorted(counts.items()):
        yield f"{count} packages {words}"


def _by(one: PackageCoverage, asked: Iterable[str]) -> str:
    if one.verdict is Verdict.NO_FEED:
        return f"not judged: no feed for {', '.join(sorted(asked))}"
    if one.verdict is not Verdict.MATCHED:
        return f"not judged: {one.verdict}"
    dated = (f"{feed.source} of {feed.as_of:%Y-%m-%d}" for feed in one.feeds)
    return f"judged by {', '.join(sorted(dated))}"


def main(feeds: str, archives: list[str]) -> int:
    """Judge; 1 when an image has something critical that could be fixed."""
    images = [read(Path(name)) for name in archives]
    wanted = frozenset(question(lookup) for image in images for lookup in image.plan.lookups)
    advisories = Advisories()
    advisories.load(Path(feeds), wanted)
    wrong = 0
    for image in images:
        print(f"{image.name}: {'; '.join(judged(image, advisories))}")
        found = findings(image, advisories)
        for one in found:
            if one.fixed_in:
                print(f"  {'REFUSED' if one.refused else 'fixable'}: {one}")
        wrong += any(one.refused for one in found)
        print(f"  {len(found)} findings, {sum(bool(one.fixed_in) for one in found)} of them fixable")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
