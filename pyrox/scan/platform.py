"""What a host or an image says of the platform it is: kernel, Kubernetes, Istio, OpenShift.

The kubernetes ecosystem and Compliance call it; both have read the files before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pyrox.scan.formats.gobuild import BuildInfo
from pyrox.scan.versions import rpm

COMPONENTS: Final[Mapping[str, str]] = {
    "kubelet": "k8s.io/kubelet",
    "kube-proxy": "k8s.io/kube-proxy",
    "kube-apiserver": "k8s.io/apiserver",
    "kube-controller-manager": "k8s.io/controller-manager",
    "kubectl": "k8s.io/kubectl",
    "pilot-discovery": "istio.io/istio",
    "pilot-agent": "istio.io/istio",
    "istioctl": "istio.io/istio",
    "install-cni": "istio.io/istio",
}
"""Programs, and the names that advisories have for what they are."""
_MODULES: Final = frozenset(("k8s.io/kubernetes", "istio.io/istio"))
# The variables that both projects set at link time (component-base/version, istio pkg/version).
_LINKED: Final = re.compile(
    r"-X[ =]'?\"?(?:k8s\.io/component-base/version\.gitVersion|istio\.io/istio/pkg/version\.buildVersion)"
    r"=(v?[0-9][0-9A-Za-z.+-]{0,100})"
)
_VERSION: Final = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]*)?")
_KERNEL: Final = re.compile(r"(?:vmlinuz|vmlinux|bzImage)-([0-9][^/]{0,200})")
_SCHEME: Final = rpm.Rpm()


@dataclass(frozen=True, slots=True)
class Facts:
    """The platform of a host; empty texts for what it does not say."""

    kernel: str = ""
    """The kernel that runs, else the newest that is installed."""
    kubelet: str = ""
    kube_proxy: str = ""
    openshift: str = ""
    rhcos: str = ""


def component_version(info: BuildInfo) -> str:
    """The version of a program of Kubernetes or Istio; empty for others and for those that hide it."""
    if info.main is None or info.main.path not in _MODULES:
        return ""
    flags = next((value for key, value in info.settings if key == "-ldflags"), "")
    linked = _LINKED.search(flags)
    if linked:
        return linked[1]
    return info.main.version if _VERSION.fullmatch(info.main.version) else ""


def newest_kernel(names: Iterable[str]) -> str:
    """The newest release among the names of files in /boot; empty when none is a kernel's."""
    newest = ""
    for name in names:
        found = _KERNEL.fullmatch(name)
        if found and (not newest or _SCHEME.compare(_release(found[1]), _release(newest)) > 0):
            newest = found[1]
    return newest


def _release(kernel: str) -> str:
    return kernel if "-" in kernel else f"{kernel}-0"


def is_rhcos(release: Mapping[str, str]) -> bool:
    """Whether an os-release is Red Hat CoreOS's, with all that upstream asks of one."""
    wanted = ("VERSION", "OPENSHIFT_VERSION", "VERSION_ID")
    return release.get("VARIANT_ID") == "coreos" and all(release.get(key) for key in wanted)
