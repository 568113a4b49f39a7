"""Programs of Kubernetes and Istio."""

from __future__ import annotations

import pytest

from tests.unit.pyrox.scan.detecting import in_layer
from tests.unit.pyrox.scan.formats import test_gobuild

FLAGS = b'build\t-ldflags="-X k8s.io/component-base/version.gitVersion=v1.30.1"\n'


def program(module: bytes, more: bytes = FLAGS) -> bytes:
    text = b"path\tx\nmod\t" + module + b"\t(devel)\t\n" + more
    return test_gobuild.elf(test_gobuild.inline(text=b"0" * 16 + text + b"1" * 16))


def components(path: str, content: bytes, mode: int = 0o755) -> list[tuple[str, str, str]]:
    finds = in_layer({path: (content, mode)})
    return [(p.name, p.version, p.package_db) for p in finds.packages if p.ecosystem == "kubernetes"]


@pytest.mark.parametrize(
    ("name", "component"), [("kubelet", "k8s.io/kubelet"), ("kube-apiserver", "k8s.io/apiserver")]
)
def test_component_by_its_name_and_its_linked_version(name: str, component: str) -> None:
    found = components(f"usr/bin/{name}", program(b"k8s.io/kubernetes"))
    assert found == [(component, "v1.30.1", f"kubernetes:usr/bin/{name}")]


@pytest.mark.parametrize(
    ("path", "content", "mode"),
    [
        ("usr/bin/kubelet", program(b"k8s.io/kubernetes", b""), 0o755),
        ("usr/bin/kubelet", program(b"example.org/kubelet"), 0o755),
        ("usr/bin/kubelet", b"#!/bin/sh\n", 0o755),
        ("usr/bin/kubelet", program(b"k8s.io/kubernetes"), 0o644),
        ("usr/bin/other", program(b"k8s.io/kubernetes"), 0o755),
    ],
)
def test_program_that_hides_its_version_or_is_another_is_none(path: str, content: bytes, mode: int) -> None:
    assert components(path, content, mode) == []
