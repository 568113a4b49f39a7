"""`roxctl helm output`: what it writes, and where it refuses to."""

from __future__ import annotations

from pathlib import Path

import pytest

from roxctl.helm import charts
from tests.support.cli import roxctl

CHARTS = Path(__file__).resolve().parents[4] / "deploy" / "helm"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", charts.NAMES)
def test_chart_is_written_as_it_is_in_the_checkout(name: str) -> None:
    run = roxctl("helm", "output", name, "--output-dir", "out")
    assert (run.code, run.out) == (0, "")
    assert run.err == f'INFO:\tWritten Helm chart {name} to directory "out"\n'
    written = {path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()}
    assert {"Chart.yaml", "values.yaml", "values.schema.json"} <= written
    assert not any(path.startswith("ci/") for path in written)
    assert Path("out/values.yaml").read_bytes() == (CHARTS / name / "values.yaml").read_bytes()


def test_default_directory_is_named_after_the_chart() -> None:
    run = roxctl("helm", "output", "central-services")
    assert run.code == 0
    assert (
        'No output directory specified, using default directory "./stackrox-central-services-chart"'
        in run.err
    )
    assert Path("stackrox-central-services-chart/Chart.yaml").is_file()


def test_directory_that_exists_is_left_alone() -> None:
    Path("out").mkdir()
    Path("out/mine").write_text("keep")
    run = roxctl("helm", "output", "central-services", "--output-dir", "out")
    assert run.code == 1
    assert 'Directory "out" already exists, use --remove or select a different directory' in run.err
    assert 'directory "out" already exists' in run.err
    assert [path.name for path in Path("out").iterdir()] == ["mine"]


def test_directory_that_exists_is_replaced_when_told() -> None:
    Path("out").mkdir()
    Path("out/mine").write_text("gone")
    run = roxctl("helm", "output", "central-services", "--output-dir", "out", "--remove")
    assert run.code == 0
    assert "WARN:\tRemoved output directory out" in run.err
    assert not Path("out/mine").exists()
    assert Path("out/Chart.yaml").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("scanner",), "unknown chart, see --help for list of supported chart names"),
        ((), "accepts 1 arg(s), received 0"),
        (charts.NAMES, "accepts 1 arg(s), received 2"),
    ],
)
def test_another_chart_is_refused(words: tuple[str, ...], told: str) -> None:
    run = roxctl("helm", "output", *words)
    assert run.code == 1
    assert told in run.err


def test_roxctl_without_charts_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(charts, "_CHECKOUT", tmp_path)
    run = roxctl("helm", "output", "central-services")
    assert run.code == 1
    assert "installed without the chart central-services" in run.err
