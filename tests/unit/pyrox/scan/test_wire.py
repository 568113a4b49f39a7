"""The names of ecosystems outside; and the ecosystem of the how-to page, made from that page alone."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import pyrox.scan.ecosystems
from pyrox.scan import catalogue, wire
from pyrox.scan.advisories import bundle, emit
from pyrox.scan.advisories.manual import ManualSource
from pyrox.scan.advisories.model import AdvisoryRow, ParsedAdvisory
from pyrox.scan.coalesce import coalesce
from pyrox.scan.codec import from_contents, to_contents
from pyrox.scan.layer import index_layer
from pyrox.scan.matching import decide, plan
from pyrox.scan.model import IndexReport
from pyrox.scan.sbom.purl import Purl
from pyrox.scan.sbom.records import purl_of, record_of
from pyrox.scan.wire import Wire
from tests.support.fake_registry import tar_of
from tools.vulnbundle import feeds

PAGE = Path(__file__).resolve().parents[4] / "docs/how-to/add-an-ecosystem.md"
# A line that begins with a file's name, and the code after it.
_BLOCK = re.compile(r"^`(?:\S+/)?(\w+\.py)`[^\n]*\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
METADATA = "root/.conan2/p/zlib1234/metadata.json"
ADVISORY = {
    "id": "OSV-2026-1",
    "summary": "Overflow.",
    "affected": [
        {
            "package": {"ecosystem": "ConanCenter", "name": "Zlib"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.3.1"}]}],
        }
    ],
}


def test_two_ecosystems_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="'x' stands for one and for two"):
        wire.names({"one": Wire(databases=("x",)), "two": Wire(databases=("x",))})


def test_namespace_of_a_system_is_no_language() -> None:
    found = wire.names({"kubernetes": Wire(repository="kubernetes", systems=("kubernetes",))})
    assert (dict(found.languages), found.by_repository) == ({}, {"kubernetes": "kubernetes"})


def test_every_language_has_an_order_a_spelling_and_a_package_url() -> None:
    known = catalogue.names()
    assert set(known.languages) >= {
        "pypi",
        "npm",
        "maven",
        "go",
        "rubygems",
        "crates.io",
        "nuget",
        "packagist",
    }
    assert set(known.languages) <= set(catalogue.orders()) & set(catalogue.spellings())
    assert all(known.wires[ecosystem].purl for ecosystem in known.languages.values())


def test_orders_and_spellings_are_those_of_the_folders() -> None:
    orders = catalogue.orders()
    assert (orders["pypi"], orders["rubygems"], orders["debian"], orders["kubernetes"]) == (
        "pep440", "gem", "dpkg", "semver",
    )  # fmt: skip
    assert catalogue.spellings()["pypi"]("Zope.Interface") == "zope-interface"
    assert {"PyPI", "npm", "Rocky Linux"} <= set(catalogue.osv_folders())


@pytest.fixture
def conan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's folder in place, and its line in the list."""
    text = PAGE.read_text()
    folder = tmp_path / "conan"
    folder.mkdir()
    for name, code in _BLOCK.findall(text):
        (folder / name).write_text(code)
    assert sorted(path.name for path in folder.iterdir()) == [
        "__init__.py", "index.py", "match.py", "update.py", "version.py",
    ]  # fmt: skip
    assert '"conan",' in text
    monkeypatch.setattr(pyrox.scan.ecosystems, "__path__", [*pyrox.scan.ecosystems.__path__, str(tmp_path)])
    monkeypatch.setattr(catalogue, "ECOSYSTEMS", (*catalogue.ECOSYSTEMS, "conan"))
    yield
    for name in [name for name in sys.modules if name.startswith("pyrox.scan.ecosystems.conan")]:
        del sys.modules[name]


def scanned(version: str) -> IndexReport:
    """What the Matcher has of an image, by way of a layer and the wire."""
    layer = tar_of({METADATA: json.dumps({"name": "zlib", "version": version}).encode()})
    found = index_layer(io.BytesIO(layer), digest="sha256:1", detectors=catalogue.detectors())
    return from_contents(to_contents(coalesce([found.finds])))


def rows() -> tuple[AdvisoryRow, ...]:
    """The advisory's rows, by way of the feed and a line of a bundle."""
    path = "osv/ConanCenter/OSV-2026-1.json"
    (source,) = [source for source in catalogue.sources() if source.accepts(path)]
    (parsed,) = source.parse(path, json.dumps(ADVISORY).encode())
    assert isinstance(parsed, ParsedAdvisory)
    lines = list(emit.lines(parsed, fingerprint="f"))
    assert json.loads(lines[0])["Vuln"]["repository"]["name"] == "conan"
    (record,) = bundle.read(lines, catalogue.schemes())
    assert isinstance(record.content, ParsedAdvisory)
    assert record.content.rows[0].lo == parsed.rows[0].lo
    return record.content.rows


@pytest.mark.usefixtures("conan")
@pytest.mark.parametrize(("version", "hit"), [("1.3.0", True), ("1.3.1-rc.1", True), ("1.3.1", False)])
def test_ecosystem_of_the_page_goes_from_a_layer_to_a_hit(version: str, hit: bool) -> None:
    report = scanned(version)
    (package,) = report.packages.values()
    assert (package.ecosystem, package.name, package.repository) == ("conan", "zlib", "conan")
    (lookup,) = plan(report, catalogue.matchers()).lookups
    (row,) = rows()
    assert (lookup.namespace, lookup.package) == (row.namespace, row.package) == ("conan", "zlib")
    assert lookup.key is not None
    assert (row.lo <= lookup.key < row.hi) is hit
    assert decide(lookup, row, catalogue.schemes()).hit is hit


@pytest.mark.usefixtures("conan")
def test_ecosystem_of_the_page_is_in_bills_of_materials_lists_and_feeds() -> None:
    (package,) = scanned("1.3.0").packages.values()
    url = Purl("conan", "zlib", "1.3.0")
    assert purl_of(package) == url
    assert (record_of(url).package.ecosystem, record_of(url).package.repository) == ("conan", "conan")
    assert "osv/ConanCenter/all.zip" in {file.path for file in feeds.files("osv", date(2026, 1, 1))}
    listed = b"- Name: C-1\n  Package: {Name: ZLIB}\n  FixedInVersion: fixed=1.3.1\n  Repo: {Name: conan}\n"
    (item,) = ManualSource(catalogue.schemes()).parse("manual/vulns.yaml", listed)
    assert isinstance(item, ParsedAdvisory)
    assert (item.rows[0].namespace, item.rows[0].package, item.rows[0].fixed_in) == ("conan", "zlib", "1.3.1")
