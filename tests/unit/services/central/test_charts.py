"""The charts that Central gives out: where they are found, and what of them is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import NotFound
from services.central.charts import NAMES, Charts

CHART = "central-services"


def written(place: Path, *names: str) -> Path:
    for name in names:
        path = place / CHART / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{place.name}: {name}")
    return place


def test_files_come_from_the_first_place_that_has_the_chart(tmp_path: Path) -> None:
    empty = written(tmp_path / "half", "values.yaml")
    first = written(tmp_path / "first", "Chart.yaml", "templates/a.yaml", "ci/x-values.yaml")
    second = written(tmp_path / "second", "Chart.yaml", "other")
    assert Charts(empty, first, second).files(CHART) == {
        "Chart.yaml": b"first: Chart.yaml",
        "templates/a.yaml": b"first: templates/a.yaml",
    }


@pytest.mark.parametrize("name", ["", "..", "../central-services", "scanner", CHART])
def test_files_of_what_is_not_there_are_not_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "Chart.yaml").write_text("outside")
    with pytest.raises(NotFound, match="is not part of this installation"):
        Charts(tmp_path / "charts").files(name)


@pytest.mark.parametrize("name", NAMES)
def test_charts_of_the_checkout_are_found(name: str) -> None:
    files = Charts.installed().files(name)
    assert f"name: stackrox-{name}" in files["Chart.yaml"].decode()
    assert {"values.yaml", "values.schema.json"} <= files.keys()
    assert not any(path.startswith("ci/") or "__pycache__" in path for path in files)
