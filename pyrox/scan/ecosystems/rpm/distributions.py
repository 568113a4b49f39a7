"""Which distribution a layer's release files name: those that use rpm, and any other.

`pyrox.scan.ecosystems.rpm.index` makes detectors of `read_rhel` and `read_other`. Names and
fields of the systems that upstream knows are its own (claircore rhel, aws, oracle, suse and
photon releases.go); others are named by their os-release. A system without a feed still
becomes a distribution, so that a report can say "unsupported" instead of being clean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pyrox.scan import cpe
from pyrox.scan.formats import osrelease
from pyrox.scan.model import Distribution

RELEASE_FILES: Final = (
    "etc/redhat-release",
    "etc/oracle-release",
    "etc/centos-release",
    "etc/system-release",
    "etc/SuSE-release",
    "etc/photon-release",
    "etc/issue",
    "etc/lsb-release",
)
"""Read where a layer has no os-release, as systems before it do not."""

RHEL_FILES: Final = ("etc/redhat-release", "etc/oracle-release")
_RHEL: Final = re.compile(r"Red Hat Enterprise Linux (?:Server|Atomic Host)?\s*(?:release\s*)?([0-9]+)")
_ORACLE: Final = re.compile(r"Oracle Linux Server (?:release ?)?([0-9]+)", re.IGNORECASE)
_PHOTON: Final = re.compile(r"VMware Photon (?:OS|Linux)[^0-9\n]{0,64}([1-9][0-9]*\.[0-9]+)")
_AMAZON: Final = re.compile(r"Amazon Linux (?:AMI )?release ([0-9.]+)")
_SUSE: Final = re.compile(r"SUSE Linux Enterprise Server ([0-9]+)")
_AMAZON_ONE: Final = re.compile(r"201[0-9]\.0[39]")
_LEAP: Final = re.compile(r"cpe:/o:opensuse:leap:([0-9]+\.[0-9]+)")
_MAJOR: Final = re.compile(r"[0-9]+")
# What stands in redhat-release, system-release and issue of systems before os-release.
_OLDER: Final = (
    (re.compile(r"CentOS(?: Linux| Stream)? release ([0-9]+)"), "centos", "CentOS Linux"),
    (re.compile(r"AlmaLinux release ([0-9]+)"), "almalinux", "AlmaLinux"),
    (re.compile(r"Rocky Linux release ([0-9]+)"), "rocky", "Rocky Linux"),
    (re.compile(r"Fedora(?: Linux)? release ([0-9]+)"), "fedora", "Fedora Linux"),
)
# Systems that other detectors read.
_ELSEWHERE: Final = frozenset(("debian", "ubuntu", "alpine", "wolfi", "chainguard"))
_RED_HAT: Final = frozenset(("rhel", "rhcos", "redhat"))
# Their advisories name the major release only.
_MAJOR_ONLY: Final = frozenset(("almalinux", "rocky", "centos", "rhel"))


def read_rhel(files: Mapping[str, str]) -> Distribution | None:
    """Red Hat Enterprise Linux by its name in os-release; the version is the major number.

    redhat-release counts where there is no os-release: Oracle Linux has Red Hat's unchanged.
    Rebuilds name Red Hat in os-release too, as the product whose support they follow.
    """
    if "etc/oracle-release" in files:
        return None
    present = [files[path] for path in osrelease.OS_RELEASE if path in files]
    did = osrelease.release(files).get("ID", "")
    if did and did not in _RED_HAT:
        return None
    for text in present or [files.get("etc/redhat-release", "")]:
        found = _RHEL.search(text)
        if found:
            return _red_hat(found[1])
    return None


def _red_hat(version: str) -> Distribution:
    name = "Red Hat Enterprise Linux Server"
    return Distribution(
        did="rhel",
        name=name,
        version=version,
        version_id=version,
        cpe=cpe.formatted(f"cpe:/o:redhat:enterprise_linux:{version}"),
        pretty_name=f"{name} {version}",
    )


def read_other(files: Mapping[str, str]) -> Distribution | None:
    """Every other system, by its os-release or by the files that came before it."""
    values = osrelease.release(files)
    did = values.get("ID", "")
    if did in _ELSEWHERE or read_rhel(files) is not None:
        return None
    if not did:
        return _older(files) if not values else None
    return _known(did, values) or _plain(did, values)


def _known(did: str, values: Mapping[str, str]) -> Distribution | None:
    """The systems that upstream gives fields of its own."""
    version, name = values.get("VERSION_ID", ""), values.get("CPE_NAME", "")
    if did in {"opensuse-leap", "opensuse"} and (found := _LEAP.search(name)):
        return leap(found[1])
    if did in {"sles", "sles_sap"} and (found := _MAJOR.match(version)):
        return sles(found[0])
    if did == "ol" and (found := _MAJOR.match(version)):
        return oracle(found[0])
    if did == "photon" and version:
        return photon(version)
    return amazon(version) if did == "amzn" else None


def leap(version: str) -> Distribution:
    """OpenSUSE Leap by its two numbers."""
    name = "openSUSE Leap"
    return Distribution("opensuse-leap", name, version, version_id=version, pretty_name=f"{name} {version}")


def sles(major: str) -> Distribution:
    """SUSE Linux Enterprise Server; service packs share the advisories of their major release."""
    pretty = f"SUSE Linux Enterprise Server {major}"
    return Distribution("sles", "SLES", major, version_id=major, pretty_name=pretty)


def oracle(major: str) -> Distribution:
    """Oracle Linux by its major release."""
    name = "Oracle Linux Server"
    return Distribution(
        "ol",
        name,
        major,
        version_code_name=f"Oracle Linux {major}",
        version_id=major,
        pretty_name=f"{name} {major}",
    )


def photon(version: str) -> Distribution:
    """VMware Photon by its release."""
    return Distribution(
        "photon", "VMware Photon OS", version, version_id=version, pretty_name="VMware Photon OS/Linux"
    )


def amazon(version: str) -> Distribution | None:
    """Amazon Linux 1 (every release of which is updated as 2018.03), 2 or 2023."""
    if _AMAZON_ONE.fullmatch(version):
        version, name, uri = "2018.03", "Amazon Linux AMI", "cpe:/o:amazon:linux:2018.03:ga"
    elif version in {"2", "2023"}:
        name, uri = "Amazon Linux", f"cpe:/o:amazon:amazon_linux:{version}"
    else:
        return None
    return Distribution(
        "amzn",
        name,
        version,
        version_id=version,
        cpe=cpe.formatted(uri),
        pretty_name=f"{name} {version}",
    )


def _plain(did: str, values: Mapping[str, str]) -> Distribution:
    """A system in its own words."""
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
        cpe=cpe.formatted(_whole(values.get("CPE_NAME", ""))),
        pretty_name=values.get("PRETTY_NAME", f"{name} {version}".strip()),
    )


def _whole(name: str) -> str:
    """A formatted CPE with the attributes that os-release files like to leave out."""
    if not name.startswith("cpe:2.3:"):
        return name
    return name + ":*" * max(0, 12 - name.count(":"))


def _older(files: Mapping[str, str]) -> Distribution | None:
    """A system before os-release."""
    text = "\n".join(
        files.get(path, "")
        for path in RELEASE_FILES
        if path != "etc/lsb-release" and not (path == "etc/redhat-release" and "etc/oracle-release" in files)
    )
    for pattern, make in ((_ORACLE, oracle), (_PHOTON, photon), (_SUSE, sles), (_AMAZON, amazon)):
        if (found := pattern.search(text)) and (system := make(found[1])) is not None:
            return system
    for pattern, did, name in _OLDER:
        if found := pattern.search(text):
            pretty = f"{name} {found[1]}"
            return Distribution(did, name, found[1], version_id=found[1], pretty_name=pretty)
    return _lsb(osrelease.parse(files.get("etc/lsb-release", "")))


def _lsb(values: Mapping[str, str]) -> Distribution | None:
    """A system that only lsb-release names; Ubuntu has a detector of its own."""
    name, version = values.get("DISTRIB_ID", ""), values.get("DISTRIB_RELEASE", "")
    did = name.lower().replace(" ", "-")
    if not did or did in _ELSEWHERE:
        return None
    return Distribution(
        did=did,
        name=name,
        version=version,
        version_code_name=values.get("DISTRIB_CODENAME", ""),
        version_id=version,
        pretty_name=values.get("DISTRIB_DESCRIPTION", f"{name} {version}".strip()),
    )
