"""Which package URL stands for a package of ours, and the other way.

The forms are those of the package-url specification and of claircore's parsers
(quay/claircore debian, alpine, rhel, … `purl.go`). The qualifier `upstream` names the
source package, as syft writes it: Debian's and Alpine's advisories speak of sources.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pyrox.scan import catalogue
from pyrox.scan.model import Distribution, Kind, Package, Repository
from pyrox.scan.sbom.purl import Purl
from pyrox.scan.wire import Wire

CPE_REPOSITORY: Final = "rhel-cpe-repository"
# did of a distribution to the namespace of its package URLs, where they differ.
_SPACES: Final = {
    "rhel": "redhat",
    "rhcos": "redhat",
    "sles": "suse",
    "opensuse-leap": "suse",
    "ol": "oracle",
}
_NAMES: Final = {
    "debian": "Debian GNU/Linux", "ubuntu": "Ubuntu", "alpine": "Alpine Linux", "wolfi": "Wolfi",
    "rhel": "Red Hat Enterprise Linux Server", "ol": "Oracle Linux Server", "amzn": "Amazon Linux",
    "sles": "SLES", "opensuse-leap": "openSUSE Leap", "photon": "VMware Photon OS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A package with its system and its repositories, as one package URL names them."""

    package: Package
    distribution: Distribution | None = None
    repositories: tuple[Repository, ...] = ()


class Unhandled(ValueError):
    """A package URL of a type that no advisories are looked up for, or without what that needs."""


def purl_of(
    package: Package, distribution: Distribution | None = None, repositories: Sequence[Repository] = ()
) -> Purl | None:
    """The package's URL; None for an ecosystem that has none."""
    wire = catalogue.names().wires.get(package.ecosystem, Wire())
    if not wire.purl:
        return None
    if not wire.repository:
        return _system_purl(wire.purl, package, distribution, repositories)
    namespace, name = "", package.name
    if wire.spaced:
        namespace, _, name = package.name.rpartition(wire.spaced)
        namespace = namespace.replace(wire.spaced, "/")
    return Purl(wire.purl, name, package.version, namespace)


def _system_purl(
    kind: str, package: Package, system: Distribution | None, repositories: Sequence[Repository]
) -> Purl:
    did = system.did if system else ""
    version = package.version
    qualifiers = {"arch": package.arch, "distro": _distro(system) if system else ""}
    if kind == "rpm":
        epoch, colon, rest = version.partition(":")
        if colon and epoch.isdecimal():
            version, qualifiers["epoch"] = rest, epoch
        qualifiers["rpmmod"] = package.module
        qualifiers["repository_cpes"] = ",".join(
            r.cpe for r in repositories if r.key == CPE_REPOSITORY and r.cpe
        )
    if package.source_name and (package.source_name, package.source_version) != (
        package.name,
        package.version,
    ):
        same = package.source_version in {"", package.version}
        qualifiers["upstream"] = package.source_name + ("" if same else f"@{package.source_version}")
    return Purl(kind, package.name, version, _SPACES.get(did, did), qualifiers)


def _distro(system: Distribution) -> str:
    version = system.version_id or system.version
    return f"{system.did}-{version}" if version else system.did


def record_of(purl: Purl, cpes: Callable[[str], Sequence[str]] = lambda _: ()) -> Record:
    """What the URL stands for.

    Args:
        purl: the package URL.
        cpes: the CPEs of a Red Hat repository id.

    Raises:
        Unhandled: advisories cannot be looked up for it; the text says why.
    """
    if not purl.version:
        raise Unhandled(f"{purl}: no version")
    known = catalogue.names()
    ecosystem = known.by_purl.get(purl.type)
    if ecosystem is None:
        raise Unhandled(f"{purl}: type {purl.type} is not handled")
    wire = known.wires[ecosystem]
    if not wire.repository:
        return _system_record(purl, ecosystem, cpes)
    name = f"{purl.namespace}{wire.spaced or '/'}{purl.name}" if purl.namespace else purl.name
    package = Package(name=name, version=purl.version, ecosystem=ecosystem, repository=wire.repository)
    return Record(package, repositories=(Repository(name=wire.repository),))


def _system_record(purl: Purl, ecosystem: str, cpes: Callable[[str], Sequence[str]]) -> Record:
    system = _system(purl)
    version, epoch = purl.version, purl.qualifiers.get("epoch", "")
    if epoch and epoch != "0":
        version = f"{epoch}:{version}"
    name, at, source_version = purl.qualifiers.get("upstream", "").partition("@")
    package = Package(
        name=purl.name,
        version=version,
        ecosystem=ecosystem,
        kind=Kind.BINARY,
        arch=purl.qualifiers.get("arch", ""),
        module=purl.qualifiers.get("rpmmod", ""),
    )
    if purl.type == "rpm":
        package = replace(package, source_name=_source_rpm(name))
        return Record(package, system, _red_hat(purl, system, cpes))
    # A package that names no other is its own source (Debian Policy 5.6.1).
    source_version = source_version if at else version
    return Record(replace(package, source_name=name or purl.name, source_version=source_version), system)


def _source_rpm(name: str) -> str:
    """The name in `bash-5.1.8-6.el9.src.rpm`; a plain name stays."""
    return name.rsplit("-", 2)[0] if name.endswith(".src.rpm") else name


def _red_hat(
    purl: Purl, system: Distribution, cpes: Callable[[str], Sequence[str]]
) -> tuple[Repository, ...]:
    if system.did != "rhel":
        return ()
    found = [cpe for cpe in purl.qualifiers.get("repository_cpes", "").split(",") if cpe]
    found = found or list(cpes(purl.qualifiers.get("repository_id", "")))
    if not found:
        # Red Hat's advisories go by repository, so nothing could be said of it.
        raise Unhandled(f"{purl}: neither repository_cpes nor a repository_id that is known")
    return tuple(Repository(name=cpe, key=CPE_REPOSITORY, cpe=cpe) for cpe in dict.fromkeys(found))


def _system(purl: Purl) -> Distribution:
    """The distribution of the qualifier `distro`, which has the form `debian-12`."""
    space = purl.namespace.rpartition("/")[2]
    did, dash, version = purl.qualifiers.get("distro", "").rpartition("-")
    if not dash:
        did, version = "", did or version
    # Namespaces of one system tell which it is when the qualifier has only a version.
    did = {"redhat": "rhel", "oracle": "ol"}.get(did or space, did or space)
    if did == "suse":
        did = "sles"
    rolling = did in {"wolfi", "chainguard"}
    if not did or (not version and not rolling):
        raise Unhandled(f"{purl}: the qualifier distro must name system and release, as debian-12 does")
    return _distribution(did, version)


def _distribution(did: str, version: str) -> Distribution:
    name = _NAMES.get(did, did)
    if did == "alpine":
        release = version if version == "edge" else ".".join(version.removeprefix("v").split(".")[:2])
        shown = release if release == "edge" else f"v{release}"
        return Distribution(did=did, name=name, version=release, pretty_name=f"{name} {shown}")
    if did == "rhel":
        version = version.partition(".")[0]
    return Distribution(
        did=did, name=name, version=version, version_id=version, pretty_name=f"{name} {version}".strip()
    )
