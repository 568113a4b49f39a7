"""Reading manifests for `apply`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.errors import Invalid
from services.local.apply import Cluster, manifests


def test_every_document_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("kind: A\n---\n---\nkind: B\n")
    assert [found["kind"] for found in manifests(path)] == ["A", "B"]


@pytest.mark.parametrize(("text", "words"), [("a: [", "is not YAML"), ("- 1", "is no object")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(Invalid, match=words):
        list(manifests(path))


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("# " + "x" * 1024 * 1024)
    with pytest.raises(Invalid, match="larger than"):
        list(manifests(path))


def test_without_a_cluster_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="make up"):
        Cluster(tmp_path / "kubeconfig")
