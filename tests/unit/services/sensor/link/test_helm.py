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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"- a\n", "expected a mapping"),
        (b"a: [", "while parsing"),
        (b"a: " + b"[" * 3000, "recursion"),
        (b"clusterName: 2026-01-01\n", "clusterName"),
        (b"clusterName: [1]\n", "clusterName"),
        (b"\xff\xfe\x00", "unacceptable character"),
        (b"x" * (1024 * 1024 + 1), "longer than 1048576 bytes"),
    ],
    ids=["list", "cut", "nested", "date", "wrong type", "binary", "large"],
)
def test_config_that_is_none_names_its_file(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(Invalid, match=words) as caught:
        load_config(tmp_path / "config.yaml", tmp_path / "name")
    assert caught.value.message.startswith(f"{tmp_path / 'config.yaml'}: ")
    assert len(caught.value.message) < 600


@pytest.mark.parametrize(
    ("config", "name", "used"),
    [("clusterName: own\n", "mounted", "own"), ("{a: 1}\n", " mounted\n", "mounted"), ("{a: 1}\n", None, "")],
)
def test_cluster_name_is_the_configs_else_the_mounted_one(
    tmp_path: Path, config: str, name: str | None, used: str
) -> None:
    (tmp_path / "config.yaml").write_text(config)
    if name is not None:
        (tmp_path / "name").write_text(name)
    found = load_config(tmp_path / "config.yaml", tmp_path / "name")
    assert found is not None
    assert found.cluster_name == used


def test_mounted_name_that_is_no_text_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("a: 1\n")
    (tmp_path / "name").write_bytes(b"\xff")
    with pytest.raises(Invalid, match=f"{tmp_path / 'name'}: "):
        load_config(tmp_path / "config.yaml", tmp_path / "name")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"\n"])
def test_cluster_id_that_cannot_be_read_is_empty_and_written_anew(
    tmp_path: Path, content: bytes | None
) -> None:
    file = ClusterIdFile(tmp_path / "deep" / "cluster-id")
    if content is not None:
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "cluster-id").write_bytes(content)
    assert file.read() == ""
    file.write("id-1")
    assert file.read() == "id-1"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["cluster-id"]


def test_cluster_id_without_a_writable_directory_is_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = ClusterIdFile(tmp_path / "file" / "cluster-id")
    file.write("id-1")
    assert file.read() == ""
