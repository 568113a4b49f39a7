"""Facts of a platform."""

from __future__ import annotations

import pytest

from pyrox.scan import platform
from pyrox.scan.formats.gobuild import BuildInfo, Module

FLAGS = (
    "-s -w -X 'k8s.io/component-base/version.gitVersion=v1.30.1' -X k8s.io/component-base/version.gitMajor=1"
)
RHCOS = {
    "VARIANT_ID": "coreos",
    "VERSION": "9.6.20250101-0",
    "OPENSHIFT_VERSION": "4.19",
    "VERSION_ID": "9.6",
}


@pytest.mark.parametrize(
    ("path", "version", "flags", "expected"),
    [
        ("k8s.io/kubernetes", "(devel)", FLAGS, "v1.30.1"),
        ("k8s.io/kubernetes", "v1.33.0+dirty", "", "v1.33.0+dirty"),
        ("k8s.io/kubernetes", "(devel)", "-s -w", ""),
        ("istio.io/istio", "(devel)", "-X istio.io/istio/pkg/version.buildVersion=1.20.0 -X x=y", "1.20.0"),
        ("istio.io/istio", "", "", ""),
        ("example.org/kubelet", "v1.0.0", FLAGS, ""),
    ],
)
def test_version_of_a_component(path: str, version: str, flags: str, expected: str) -> None:
    info = BuildInfo("go1.22.1", Module(path, version), (), (("-ldflags", flags),))
    assert platform.component_version(info) == expected


def test_program_without_a_main_module_has_no_version() -> None:
    assert platform.component_version(BuildInfo("go1.12", None, ())) == ""


@pytest.mark.parametrize(
    ("names", "newest"),
    [
        (
            ["vmlinuz-6.1.0-9-amd64", "vmlinuz-6.1.0-13-amd64", "initrd.img-7.0.0-1-amd64", "config-9"],
            "6.1.0-13-amd64",
        ),
        (["vmlinuz-5.14.0-427.el9.x86_64", "vmlinuz-0-rescue-abc"], "5.14.0-427.el9.x86_64"),
        (["bzImage-6.6.1", "vmlinux-6.6.0"], "6.6.1"),
        (["vmlinuz", "grub"], ""),
        ([], ""),
    ],
)
def test_newest_kernel_of_boot(names: list[str], newest: str) -> None:
    assert platform.newest_kernel(names) == newest


@pytest.mark.parametrize("key", sorted(RHCOS))
def test_coreos_needs_all_that_upstream_asks(key: str) -> None:
    assert platform.is_rhcos(RHCOS)
    assert not platform.is_rhcos(RHCOS | {key: ""})
