"""Finds the release of distributions that use rpm, and names every system nobody else knows.

A system without a detector of its own still becomes a distribution, so that a report can
say "unsupported" and name it instead of being silently clean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pyrox.scan.formats import osrelease
from pyrox.scan.model import Distribution

_RHEL: Final = re.compile(
    r"Red Hat Enterprise Linux (?:Server|Atomic Host)?\s*(?:release\s*)?([0-9]+)(?:\.[0-9]+)?"
)
_PHOTON: Final = re.compile(r"VMware Photon (?:OS|Linux)[^0-9]*([1-5]\.0)")
_LEAP: Final = re.compile(r"cpe:/o:opensuse:leap:([0-9]+\.[0-9]+)")
_SLES: Final = re.compile(r"cpe:/o:suse:sles:([0-9]+)")
_AMAZON: Final = {"2018.03": "2018.03", "2": "2", "2023": "2023"}
# Systems that other detectors read.
_ELSEWHERE: Final = frozenset(("debian", "ubuntu", "alpine", "wolfi", "chainguard"))
_MAJOR_ONLY: Final = frozenset(("almalinux", "rocky", "centos", "sles", "ol", "rhel"))


def read_rhel(files: Mapping[str, str]) -> Distribution | None:
    """Red Hat Enterprise Linux by its name in os-release; the version is the major number."""
    for path in (*osrelease.OS_RELEASE, "etc/redhat-release"):
        found = _RHEL.search(files.get(path, ""))
        if found:
            name = "Red Hat Enterprise Linux Server"
            return Distribution(
                did="rhel",
                name=name,
                version=found[1],
                version_id=found[1],
                cpe=f"cpe:2.3:o:redhat:enterprise_linux:{found[1]}:*:*:*:*:*:*:*",
                pretty_name=f"{name} {found[1]}",
            )
    return None


def read_other(files: Mapping[str, str]) -> Distribution | None:
    """Every other system by its os-release: id, version, name."""
    values = osrelease.release(files)
    did = values.get("ID", "")
    if not did or did in _ELSEWHERE or read_rhel(files) is not None:
        return None
    return _named(did, values) or _plain(did, values)


def _named(did: str, values: Mapping[str, str]) -> Distribution | None:
    cpe, pretty = values.get("CPE_NAME", ""), values.get("PRETTY_NAME", "")
    if did in {"opensuse-leap", "opensuse"} and (found := _LEAP.search(cpe)):
        return Distribution(
            "opensuse-leap", "openSUSE Leap", found[1], version_id=found[1], pretty_name=pretty
        )
    if did == "sles" and (found := _SLES.search(cpe)):
        return Distribution("sles", "SLES", found[1], version_id=found[1], pretty_name=pretty)
    if did == "photon" and (found := _PHOTON.search(pretty)):
        return Distribution("photon", "VMware Photon OS", found[1], version_id=found[1], pretty_name=pretty)
    if did == "amzn" and (version := _AMAZON.get(values.get("VERSION_ID", ""))):
        name = "Amazon Linux AMI" if version == "2018.03" else "Amazon Linux"
        return Distribution("amzn", name, version, version_id=version, pretty_name=pretty)
    return None


def _plain(did: str, values: Mapping[str, str]) -> Distribution:
    version = values.get("VERSION_ID", "")
    if did in _MAJOR_ONLY:
        version = version.partition(".")[0]
    name = values.get("NAME", did)
    return Distribution(
        did=did,
        name=name,
        version=version,
        version_code_name=values.get("VERSION_CODENAME", ""),
        version_id=version,
        pretty_name=values.get("PRETTY_NAME", f"{name} {version}".strip()),
    )


DETECTORS = (
    osrelease.DistributionDetector("rhel", "3", read_rhel, extra=("etc/redhat-release",)),
    osrelease.DistributionDetector("os-release", "1", read_other),
)
