"""What the process is made of."""

from __future__ import annotations

import pytest

from services.compliance.app import build
from services.compliance.config import load
from tests.support.pki import FixedClock


@pytest.mark.parametrize(
    ("port", "components"),
    [
        ("disabled", ["certificate-choice", "certificates", "sensor-stream"]),
        (":9091", ["metrics", "certificate-choice", "certificates", "sensor-stream"]),
    ],
)
async def test_build_serves_metrics_unless_they_are_disabled(port: str, components: list[str]) -> None:
    app = build(load([], {"ROX_NODE_NAME": "n", "ROX_METRICS_PORT": port}), FixedClock())
    assert [component.name for component in app.components] == components
    await app.close()
