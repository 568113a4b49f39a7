"""What is made from the charts' values, and how staleness is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.tools import load_tool

VALUES = "# -- The one | only.\none: 1\n# -- A group.\ngroup:\n  # -- Inner,\n  # on two lines.\n  inner: x\n"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", list(sys.path))
    module = load_tool("gen_chart_docs")
    product = (module.ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(product)
    _, minor, patch = module.WIRE_VERSION.split(".")
    version = module.tomllib.loads(product)["project"]["version"]
    for name in ("central", "secured"):
        chart = tmp_path / name
        (chart / "templates").mkdir(parents=True)
        (chart / "values.yaml").write_text(VALUES)
        (chart / "Chart.yaml").write_text(
            f"name: {name}\nversion: 400.{minor}.{patch}\nappVersion: {version}\n"
        )
    (tmp_path / "central" / "templates" / "_pyrox.tpl").write_text("shared")
    module.HELM = module.ROOT = tmp_path
    return module


def run(tool: Any, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gen_chart_docs", *words])
    code: int = tool.main()
    return code


def test_files_are_made_for_both_charts(tool: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(tool, monkeypatch) == 0
    page = (tmp_path / "secured" / "README.md").read_text()
    assert "| `one` | `1` | The one \\| only. |" in page
    assert "### `group`" in page
    assert '| `group.inner` | `"x"` | Inner, on two lines. |' in page
    assert (tmp_path / "secured" / "templates" / "_pyrox.tpl").read_text() == "shared"
    assert run(tool, monkeypatch, "--check") == 0


def test_defaults_are_written_for_templates_with_the_open_maps(
    tool: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    labels = '# -- Free.\n# @schema {"type": "object", "additionalProperties": true}\nlabels: {a: b}\n'
    (tmp_path / "central" / "values.yaml").write_text(VALUES + labels)
    run(tool, monkeypatch)
    made = json.loads((tmp_path / "central" / "files" / "defaults.json").read_text())
    assert made == {"open": ["labels"], "values": {"one": 1, "group": {"inner": "x"}, "labels": {"a": "b"}}}


def test_prose_around_the_table_stays(tool: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "central" / "README.md"
    page.write_text(f"before\n{tool.BEGIN}\nold\n{tool.END}\nafter\n")
    run(tool, monkeypatch)
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("after\n")
    assert "old" not in page.read_text()


def test_check_names_the_stale_file(
    tool: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tool, monkeypatch)
    (tmp_path / "central" / "values.yaml").write_text(VALUES + "# -- New.\nnew: 1\n")
    assert run(tool, monkeypatch, "--check") == 1
    assert "central/values.schema.json is out of date; run `make charts`" in capsys.readouterr().out


def test_wrong_version_is_named(
    tool: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = tmp_path / "secured" / "Chart.yaml"
    chart.write_text(chart.read_text().replace("appVersion: ", "appVersion: 9"))
    assert run(tool, monkeypatch) == 1
    assert "secured/Chart.yaml: appVersion should be" in capsys.readouterr().out
