"""Central's start: settings that cannot be used end it before anything else happens."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.central import main as entry


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "central-external-db.yaml: No such file or directory"),
        ({"db.yaml": "nothing: here"}, "expected centralDB.source"),
        ({"db.yaml": "centralDB: {source: host=x}"}, "password: No such file or directory"),
        (
            {"db.yaml": "centralDB: {source: host=x}", "db-password/password": "x"},
            "unknown log level 'loud'",
        ),
    ],
)
def test_main_ends_with_two_and_the_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    message: str,
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    database = tmp_path / ("db.yaml" if files else "central-external-db.yaml")
    monkeypatch.setenv("LOGLEVEL", "loud")
    monkeypatch.setattr(sys, "argv", ["central", "--secrets", str(tmp_path), "--external-db", str(database)])
    assert entry.main() == 2
    error = capsys.readouterr().err
    assert error.startswith("central: ")
    assert message in error
