"""The tool that adds the compact form to a bundle."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from services.scanner_matcher import feed
from services.scanner_matcher.bundle import prepare
from tests.support.definitions import archive, debian, lines
from tools.compact_vuln_bundle import add, main


def test_each_bundle_stands_in_both_forms_with_its_time(tmp_path: Path) -> None:
    data = lines([debian("CVE-2099-1", "a", "1")])
    (tmp_path / "in.zip").write_bytes(archive({"debian": data, "osv": data}))
    assert add(tmp_path / "in.zip", tmp_path / "out.zip") == ["debian", "osv"]
    found = feed.entries(tmp_path / "out.zip")
    assert [(entry.name, entry.suffix) for entry in found] == [
        ("debian", ".copy.zst"), ("debian", ".json.zst"), ("osv", ".copy.zst"), ("osv", ".json.zst"),
    ]  # fmt: skip
    assert len({entry.made for entry in found}) == 1
    with zipfile.ZipFile(tmp_path / "out.zip") as made:
        assert made.read("debian.json.zst") == data
        (tmp_path / "debian.copy.zst").write_bytes(made.read("debian.copy.zst"))
    assert prepare(str(tmp_path / "debian.copy.zst"), str(tmp_path)).ranges == 1


def test_compact_bundle_is_made_anew_and_not_twice(tmp_path: Path) -> None:
    (tmp_path / "in.zip").write_bytes(archive({"debian": lines([debian("CVE-2099-1", "a", "1")])}))
    add(tmp_path / "in.zip", tmp_path / "once.zip")
    assert add(tmp_path / "once.zip", tmp_path / "twice.zip") == ["debian"]
    assert len(feed.entries(tmp_path / "twice.zip")) == 2


def test_command_line_wants_two_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tool"]) == 2
    assert "IN.zip OUT.zip" in capsys.readouterr().err
