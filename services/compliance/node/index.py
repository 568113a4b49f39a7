"""The index report of the node that Compliance runs on, and the facts of its platform.

Whoever answers Sensor's orders calls `index_node` with the path at which the host's root is
mounted; reading takes seconds and blocks, so it belongs into a worker.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from pyrox.scan import platform
from pyrox.scan.catalogue import detectors as all_detectors
from pyrox.scan.host import HostFinds, host_detectors, host_report, index_host, wanting
from pyrox.scan.model import IndexReport
from pyrox.scan.platform import Facts, newest_kernel
from pyrox.scan.protocols import Detector, Limits
from pyrox.scan.repositories import Mappings
from services.compliance.node.walk import Walk

_KUBERNETES: Final = "kubernetes"
_MOST_NAMES: Final = 10_000


def index_node(
    root: Path, mappings: Mappings, *, kernel: str = "", detectors: Sequence[Detector] | None = None
) -> tuple[IndexReport, Facts]:
    """The report and the facts of the host whose root is mounted at `root`.

    Args:
        root: the mount; nothing outside of it is read.
        mappings: Red Hat's files of today.
        kernel: the release of the kernel that runs, when it is known.
        detectors: those that read the host; by default the ones for systems.

    Raises:
        OSError: the root cannot be read.
    """
    chosen = host_detectors(all_detectors()) if detectors is None else tuple(detectors)
    limits = Limits()
    walk = Walk(root, wanted=lambda path, mode: bool(wanting(chosen, path, mode)), limits=limits)
    found = index_host(walk.files(), detectors=chosen, limits=limits, notes=lambda: walk.notes)
    return host_report(found, mappings), _facts(root, found, kernel)


def _facts(root: Path, found: HostFinds, kernel: str) -> Facts:
    components = {
        package.name: package.version
        for finds in found.finds.by_detector.values()
        for package in finds.packages
        if package.ecosystem == _KUBERNETES
    }
    coreos = platform.is_rhcos(found.release)
    return Facts(
        kernel=kernel or newest_kernel(_boot(root)),
        kubelet=components.get("k8s.io/kubelet", ""),
        kube_proxy=components.get("k8s.io/kube-proxy", ""),
        openshift=found.release.get("OPENSHIFT_VERSION", ""),
        rhcos=found.release["VERSION"] if coreos else "",
    )


def _boot(root: Path) -> list[str]:
    """The names in /boot; the directory may be a link that leads out, which is not followed."""
    try:
        directory = os.open(root / "boot", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        with os.scandir(directory) as found:
            return [one.name for one in islice(found, _MOST_NAMES)]
    finally:
        os.close(directory)
