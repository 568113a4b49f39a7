"""Central's start: settings that cannot be used end it before anything else happens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import pytest

from services.central import main as entry
from services.central.app import App
from services.central.backups.restart import Restart
from services.central.config import Config


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


@pytest.mark.parametrize(
    ("wanted", "code", "expected"),
    [(False, 0, 0), (True, 0, entry.RESTART), (True, 1, 1), (False, 1, 1)],
)
async def test_serve_starts_again_only_after_a_clean_stop(
    monkeypatch: pytest.MonkeyPatch, wanted: bool, code: int, expected: int
) -> None:
    restart = Restart(stop=lambda: None)

    async def prepare() -> None:
        if wanted:
            restart.request()

    async def build(*_: object) -> App:
        return App((), prepare, restart)

    async def run(_: object) -> int:
        return code

    monkeypatch.setattr(entry, "build", build)
    monkeypatch.setattr(entry, "run", run)
    assert await entry.serve(cast("Config", None)) == expected


def test_main_becomes_central_again_after_a_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(_: object) -> int:
        return entry.RESTART

    (tmp_path / "db-password").mkdir()
    (tmp_path / "db-password" / "password").write_text("x")
    (tmp_path / "db.yaml").write_text("centralDB: {source: host=x}")
    monkeypatch.setattr(entry, "serve", serve)
    monkeypatch.setattr(entry, "become", lambda _: 7)
    words = ["central", "--secrets", str(tmp_path), "--external-db", str(tmp_path / "db.yaml")]
    monkeypatch.setattr(sys, "argv", words)
    assert entry.main() == 7
