"""The compatibility tables: made from what is served, between their markers only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import served as central
from tests.support.tools import load_tool

FOUND = {
    "sensor": {"sensor.S": {"Work": True}},
    "central": {
        "v1.PingService": {"Ping": True},
        "v1.NodeService": {"GetNode": True, "ExportNodes": False, "ListNodes": True},
        "v1.GroupService": {"GetGroup": False},
    },
}


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", list(sys.path))
    module = load_tool("gen_compatibility")
    module.PAGE = tmp_path / "compatibility.md"
    return module


def test_tables_count_and_list_by_process_and_service(tool: Any) -> None:
    lines = tool.tables(FOUND).splitlines()
    assert "### central: 3 of 5 methods of the services it offers" in lines
    assert "### sensor: 1 of 1 methods of the services it offers" in lines
    assert lines.index("| v1.GroupService | - | GetGroup |") < lines.index("| v1.PingService | Ping | - |")
    assert "| v1.NodeService | GetNode, ListNodes | ExportNodes |" in lines
    rest = lines[lines.index("### Services of Central that answer UNIMPLEMENTED as a whole") :]
    assert "- v1.NotifierService" in rest
    assert "- v1.PingService" not in rest


def test_served_tells_what_the_servicers_tables_say(tool: Any) -> None:
    found = tool.served()
    assert found["central"].keys() == {servicer.SERVICE for servicer in central.servicers()}
    told = {
        f"/{service}/{method}"
        for service, methods in found["central"].items()
        for method, is_served in methods.items()
        if is_served
    }
    assert told == {method.path for method in central.methods()}


@pytest.fixture
def small(tool: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tool, "served", lambda: FOUND)
    tool.PAGE.write_text(f"# Head\n\n{tool.BEGIN}\nold\n{tool.END}\n\ntail <b>\n")
    return tool


def test_run_replaces_what_is_between_the_markers(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gen_compatibility"])
    assert small.main() == 0
    page = small.PAGE.read_text()
    assert page.startswith(f"# Head\n\n{small.BEGIN}\n")
    assert page.endswith(f"{small.END}\n\ntail <b>\n")
    assert "old" not in page.splitlines()
    assert small.tables(FOUND) in page


def test_check_fails_until_the_page_is_made(
    small: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = small.PAGE.read_text()
    monkeypatch.setattr(sys, "argv", ["gen_compatibility", "--check"])
    assert small.main() == 1
    assert "run `make compatibility`" in capsys.readouterr().out
    assert small.PAGE.read_text() == before
    monkeypatch.setattr(sys, "argv", ["gen_compatibility"])
    small.main()
    monkeypatch.setattr(sys, "argv", ["gen_compatibility", "--check"])
    assert small.main() == 0
