"""The chart's configuration and the remembered cluster id."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.sensor.link.helm import ClusterIdFile, load_config


def test_load_config_missing_file_is_a_cluster_added_by_hand(tmp_path: Path) -> None:
    assert load_config(tmp_path / "none", tmp_path / "name") is None


def test_load_config_reads_the_chart_and_the_effective_name(tmp_path: Path) -> None:
    config, name = tmp_path / "config.yaml", tmp_path / "name"
    config.write_text(
        "clusterConfig: {configFingerprint: f, newField: 1}\nmanagedBy: MANAGER_TYPE_HELM_CHART\n"
    )
    name.write_text("production\n")
    made = load_config(config, name)
    assert made is not None
    assert (made.cluster_name, made.cluster_config.config_fingerprint, made.managed_by) == (
        "production",
        "f",
        2,
    )


@pytest.mark.parametrize("text", ["a: [", "just text", "clusterName: [1]", "- 1"])
def test_load_config_unreadable_file_is_named(tmp_path: Path, text: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text)
    with pytest.raises(Invalid, match=r"config\.yaml: "):
        load_config(config, tmp_path / "name")


def test_cluster_id_file_remembers(tmp_path: Path) -> None:
    file = ClusterIdFile(tmp_path / "cache" / "cluster-id")
    assert not file.read()
    file.write("abc")
    assert file.read() == "abc"


def test_cluster_id_file_unwritable_is_not_fatal(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a directory should be")
    ClusterIdFile(tmp_path / "cache" / "cluster-id").write("abc")
