"""Real feeds: everything loads or is named, and hits are those that native comparators find."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from pyrox.scan import catalogue, cpe
from pyrox.scan.advisories.enrichment import Kev, Nvd, parse_kev, parse_nvd
from pyrox.scan.advisories.model import AdvisoryRow, ParsedAdvisory, Skipped
from pyrox.scan.ecosystems.dpkg.update import RELEASES
from pyrox.scan.matching import decide, plan
from pyrox.scan.model import Distribution, Environment, IndexReport, Kind, Package, Repository
from tests.conftest import shared_folder
from tests.support import feed_oracle
from tests.support.feed_oracle import Sample

pytestmark = [pytest.mark.needs("shared"), pytest.mark.needs("dpkg")]

FEEDS = shared_folder() / "data/feeds"
SCHEMES = catalogue.schemes()
MATCHERS = catalogue.matchers()
# What is known to be left out of these files, by the beginning of its reason.
LEFT_OUT = {
    "withdrawn": 27,
    "fixed version without an id": 1,
    "never affected": 1,
    "source package of a fix": 2,
    "product without a relationship": 2,
    "package without a package URL": 1,
}
Found = tuple[str, AdvisoryRow]


def advisories() -> Iterator[tuple[str, ParsedAdvisory | Skipped]]:
    for path in sorted(p for p in FEEDS.rglob("*") if p.is_file()):
        name = path.relative_to(FEEDS).as_posix()
        for source in catalogue.sources():
            if source.accepts(name):
                yield from ((name, item) for item in source.parse(name, path.read_bytes()))


@cache
def loaded() -> dict[tuple[str, str, Kind], list[Found]]:
    """Every row with its advisory's name, by what it is looked up by."""
    rows: defaultdict[tuple[str, str, Kind], list[Found]] = defaultdict(list)
    for _, item in advisories():
        if isinstance(item, ParsedAdvisory):
            for row in item.rows:
                rows[row.namespace, row.package, row.kind].append((item.advisory.name, row))
    return rows


def asked(
    package: Package, system: Distribution | None, repositories: Sequence[Repository] = ()
) -> IndexReport:
    return IndexReport(
        packages={"1": package},
        distributions={"1": system} if system else {},
        repositories={str(n): r for n, r in enumerate(repositories)},
        environments={
            "1": (
                Environment(
                    "db",
                    "sha256:a",
                    "1" if system else "",
                    tuple(str(n) for n, _ in enumerate(repositories)),
                ),
            )
        },
    )


def answer(report: IndexReport) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the advisories that hit, and of those that exclude the package."""
    hits: set[str] = set()
    excluded: set[str] = set()
    for lookup in plan(report, MATCHERS).lookups:
        for name, row in loaded().get((lookup.namespace, lookup.package, lookup.kind), ()):
            if decide(lookup, row, SCHEMES).hit:
                (excluded if row.not_affected else hits).add(name)
    return frozenset(hits), frozenset(excluded)


def wrong(samples: Sequence[Sample], reports: Sequence[IndexReport]) -> list[str]:
    """The samples whose answers differ, with what is missing and what is too much."""
    out = []
    for sample, report in zip(samples, reports, strict=True):
        hits, excluded = answer(report)
        if hits != sample.hits or excluded != sample.excluded:
            missing = sorted((sample.hits - hits) | (sample.excluded - excluded))
            extra = sorted((hits - sample.hits) | (excluded - sample.excluded))
            out.append(f"{sample.space} {sample.name} {sample.version}: missing {missing}, extra {extra}")
    return out


def test_every_document_is_loaded_or_named_by_reason() -> None:
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for name, item in advisories():
        if isinstance(item, Skipped):
            assert item.document
            reasons[item.reason] += 1
        else:
            assert item.rows, item.advisory.name
            counts[name.partition("/")[0]] += 1
    assert reasons == LEFT_OUT
    assert counts == {"alpine": 11472, "debian": 10996, "osv": 12606, "rhel-vex": 19}


def test_every_record_of_the_enrichments_is_read_or_named() -> None:
    kev = list(parse_kev("kev", (FEEDS / "kev/known_exploited_vulnerabilities.json").read_bytes()))
    nvd = list(parse_nvd("nvd", (FEEDS / "nvd/sample.json.gz").read_bytes()))
    assert [item for item in kev if not isinstance(item, Kev)] == []
    assert len(kev) > 1000
    raw = json.loads(gzip.decompress((FEEDS / "nvd/sample.json.gz").read_bytes()))
    assert len(nvd) == len(raw["vulnerabilities"]) >= 100
    assert [item.reason for item in nvd if isinstance(item, Skipped)] == []
    assert all(item.published for item in nvd if isinstance(item, Nvd))


def test_debian_hits_are_those_of_dpkg() -> None:
    samples = feed_oracle.debian(FEEDS / "debian/tracker.json.gz", RELEASES, 120)
    reports = [
        asked(
            Package("b", "1", "dpkg", source_name=s.name, source_version=s.version),
            Distribution("debian", "Debian", version_id=s.space.partition(":")[2]),
        )
        for s in samples
    ]
    assert len(samples) == 120
    assert sum(len(s.hits) for s in samples) > 100
    assert wrong(samples, reports) == []


@pytest.mark.parametrize("release", ["v3.9", "v3.11"])
def test_alpine_hits_are_those_of_a_second_comparator(release: str) -> None:
    samples = feed_oracle.alpine(FEEDS / f"alpine/{release}", 80)
    system = Distribution("alpine", "Alpine Linux", version=release.removeprefix("v"))
    assert sum(len(s.hits) for s in samples) > 80
    assert wrong(samples, [asked(Package(s.name, s.version, "apk"), system) for s in samples]) == []


@pytest.mark.parametrize(
    ("folder", "order", "ecosystem", "normalise"),
    [
        ("PyPI", feed_oracle.pep440_order, "python", feed_oracle.pep503),
        ("Go", feed_oracle.semver_order, "go", str),
        ("Kubernetes", feed_oracle.semver_order, "kubernetes", str),
    ],
)
def test_language_hits_are_those_of_a_second_comparator(
    folder: str, order: feed_oracle.Order, ecosystem: str, normalise: type[str]
) -> None:
    samples = feed_oracle.osv(FEEDS / f"osv/{folder}/all.zip", order, 100, normalise=normalise)
    assert sum(len(s.hits) for s in samples) > len(samples) / 4
    assert wrong(samples, [asked(Package(s.name, s.version, ecosystem), None) for s in samples]) == []


@pytest.mark.skipif(shutil.which("rpm") is None, reason="install Debian's rpm")
def test_almalinux_hits_are_those_of_rpm() -> None:
    samples = feed_oracle.osv(FEEDS / "osv/AlmaLinux/all.zip", None, 120)
    reports = [
        asked(
            Package(s.name, s.version, "rpm"),
            Distribution("almalinux", "AlmaLinux", s.space.partition(":")[2]),
        )
        for s in samples
    ]
    assert sum(len(s.hits) for s in samples) > 100
    assert wrong(samples, reports) == []


@pytest.mark.skipif(shutil.which("rpm") is None, reason="install Debian's rpm")
def test_red_hat_hits_and_exclusions_are_those_of_rpm() -> None:
    samples = feed_oracle.vex(sorted((FEEDS / "rhel-vex").glob("*.json.gz")), 150)
    reports = [
        asked(
            Package(s.name, s.version, "rpm", arch=s.arch, module=s.module, source_name=s.name),
            None,
            (Repository(cpe.formatted(s.cpe), "rhel-cpe-repository", cpe=cpe.formatted(s.cpe)),),
        )
        for s in samples
    ]
    assert len(samples) == 150
    assert sum(len(s.hits) for s in samples) > 30
    assert sum(len(s.excluded) for s in samples) > 70
    assert wrong(samples, reports) == []
