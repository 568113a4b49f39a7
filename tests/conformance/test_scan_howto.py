"""The worked example of docs/how-to/add-an-ecosystem.md, written out and used as it stands."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrox.scan import catalogue, ecosystems, matching
from pyrox.scan.advisories.model import ParsedAdvisory
from pyrox.scan.coalesce import coalesce
from pyrox.scan.layer import index_files
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "how-to" / "add-an-ecosystem.md"
FILES = ("__init__.py", "version.py", "index.py", "match.py", "update.py")


@pytest.fixture
def conan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's files as one more folder, and its name as one more line of the list."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    folder = tmp_path / "conan"
    folder.mkdir()
    for name, block in zip(FILES, blocks, strict=False):
        (folder / name).write_text(block, "utf-8")
    monkeypatch.setattr(ecosystems, "__path__", [*ecosystems.__path__, str(tmp_path)])
    monkeypatch.setattr(catalogue, "ECOSYSTEMS", (*catalogue.ECOSYSTEMS, "conan"))
    yield
    for name in [name for name in sys.modules if name.startswith("pyrox.scan.ecosystems.conan")]:
        del sys.modules[name]


@pytest.mark.usefixtures("conan")
def test_worked_example_indexes_and_matches() -> None:
    files = {
        "root/.conan2/p/zlib1/metadata.json": b'{"name": "ZLib", "version": "1.2.11"}',
        "x/metadata.json": b"{",
    }
    report = coalesce([index_files(files, digest="sha256:0", detectors=catalogue.detectors())])
    document = {
        "id": "X-1",
        "affected": [
            {
                "package": {"ecosystem": "ConanCenter", "name": "zlib"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.12"}]}],
            }
        ],
    }
    path = "osv/ConanCenter/X-1.json"
    (source,) = (source for source in catalogue.sources() if source.accepts(path))
    (parsed,) = source.parse(path, json.dumps(document).encode())
    assert isinstance(parsed, ParsedAdvisory)
    (lookup,) = matching.plan(report, catalogue.matchers()).lookups
    (row,) = parsed.rows
    assert (lookup.namespace, lookup.package, lookup.kind) == (row.namespace, row.package, row.kind)
    assert matching.decide(lookup, row, catalogue.schemes()).hit
    assert len(report.packages) == 1
