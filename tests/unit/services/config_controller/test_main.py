from __future__ import annotations

import pytest

from services.config_controller.main import main


def test_setting_that_cannot_be_used_ends_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["config-controller"])
    monkeypatch.setenv("ROX_CONFIG_CONTROLLER_RECONCILE_INTERVAL", "soon")
    assert main() == 2
    assert "config-controller: " in capsys.readouterr().err
