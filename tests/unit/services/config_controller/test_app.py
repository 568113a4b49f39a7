from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.errors import Invalid
from services.config_controller.app import build
from services.config_controller.config import load


async def test_process_without_a_kubernetes_configuration_says_so(tmp_path: Path) -> None:
    config = load([], {"KUBECONFIG": str(tmp_path / "none")})
    with pytest.raises(Invalid, match="Kubernetes configuration"):
        await build(config, SystemClock())


async def test_probes_come_up_before_the_controller(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        '{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],'
        '"clusters": [{"name": "k", "cluster": {"server": "https://k"}}],'
        '"users": [{"name": "u", "user": {}}]}'
    )
    app = await build(load([], {"KUBECONFIG": str(kubeconfig)}), SystemClock())
    assert [one.name for one in app.components] == ["certificates", "health", "controller"]
    await app.close()
