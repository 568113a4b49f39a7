"""The report and the facts of a node, from a tree as debootstrap and kubeadm leave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrox.scan.codec import to_contents
from pyrox.scan.repositories import Mappings
from services.compliance.node.index import index_node
from tests.unit.pyrox.scan.ecosystems.kubernetes.test_index import program
from tests.unit.pyrox.scan.test_host import DEBIAN, RHCOS, STATUS


def tree(root: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        (root / path).chmod(0o755)
    return root


NODE = {
    "usr/lib/os-release": DEBIAN,
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/info/bash.list": b"/.\n/usr/bin/bash\n",
    "usr/bin/kubelet": program(b"k8s.io/kubernetes"),
    "boot/vmlinuz-6.1.0-9-amd64": b"MZ",
    "boot/vmlinuz-6.1.0-13-amd64": b"MZ",
    "var/lib/containerd/io/1/fs/var/lib/dpkg/status": STATUS.replace(b"bash", b"of-a-container"),
    "opt/app/node_modules/x/package.json": b'{"name": "x", "version": "1.0.0"}',
}


def test_node_has_its_packages_and_facts(tmp_path: Path) -> None:
    root = tree(tmp_path, NODE)
    (root / "etc").mkdir()
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    report, facts = index_node(root, Mappings())
    assert sorted((p.name, p.version) for p in report.packages.values()) == [
        ("bash", "5.2-1"),
        ("k8s.io/kubelet", "v1.30.1"),
    ]
    assert (facts.kernel, facts.kubelet, facts.kube_proxy) == ("6.1.0-13-amd64", "v1.30.1", "")
    assert [system.did for system in report.distributions.values()] == ["debian"]
    assert report.notes == ()


def test_kernel_that_runs_counts_before_those_that_are_installed(tmp_path: Path) -> None:
    _, facts = index_node(tree(tmp_path, NODE), Mappings(), kernel="6.6.1")
    assert facts.kernel == "6.6.1"


def test_boot_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    tree(tmp_path, {"outside/vmlinuz-9.9.9-1": b""})
    (tmp_path / "root").mkdir()
    (tmp_path / "root/boot").symlink_to("../outside")
    report, facts = index_node(tmp_path / "root", Mappings())
    assert (report.packages, facts.kernel) == ({}, "")


def test_coreos_is_a_fact_and_a_package_on_the_wire(tmp_path: Path) -> None:
    report, facts = index_node(tree(tmp_path, {"usr/lib/os-release": RHCOS}), Mappings())
    assert (facts.openshift, facts.rhcos) == ("4.19", "9.6.20250101-0")
    contents = to_contents(report)
    assert contents.packages["rhcos-pkg"].source.id == "rhcos-src"
    assert list(contents.environments["rhcos-pkg"].environments[0].repository_ids) == ["rhcos-repo"]


def test_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        index_node(tmp_path / "none", Mappings())
