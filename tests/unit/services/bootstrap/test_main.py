from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.bootstrap.main import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str, **environment: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bootstrap", *words])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return main()


def test_main_without_a_usable_kubeconfig_ends_with_one_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "central", KUBECONFIG=str(tmp_path / "none")) == 1
    assert "Kubernetes configuration" in capfd.readouterr().err


def test_main_with_settings_that_cannot_be_used_ends_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "central", "--namespace", "a/b") == 2
    assert capsys.readouterr().err == "bootstrap: --namespace 'a/b': not the name of a namespace\n"


def test_main_with_an_unknown_log_level_ends_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "secured", LOGLEVEL="loud") == 2
    assert "unknown log level 'loud'" in capsys.readouterr().err
