"""`helm lint` of both charts, with their defaults and with each values file that they ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.charts import CENTRAL, RELEASES, SECURED, run_helm

pytestmark = pytest.mark.needs("helm")
FILES = [path for chart in RELEASES for path in sorted(chart.glob("ci/*-values.yaml"))]


def linted(chart: Path, *words: str) -> str:
    return run_helm("lint", "--strict", str(chart), "--namespace", "stackrox", *words)


def test_central_chart_has_nothing_to_complain_about() -> None:
    assert "0 chart(s) failed" in linted(CENTRAL)


def test_secured_chart_has_nothing_to_complain_about() -> None:
    assert "0 chart(s) failed" in linted(SECURED, "--set", "clusterName=ci")


@pytest.mark.parametrize("values", FILES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_chart_has_nothing_to_complain_about_with_its_own_values(values: Path) -> None:
    said = linted(values.parents[1], "--values", str(values))
    assert "0 chart(s) failed" in said
    assert "WARNING" not in said
