"""Finds rpm packages with their files, and the release of distributions that use rpm.

A system without a detector of its own still becomes a distribution, so that a report can
say "unsupported" and name it instead of being silently clean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO, Final

from pyrox.scan.formats import osrelease, rpmdb, rpmheader
from pyrox.scan.formats.run import Collector
from pyrox.scan.model import Distribution, Finds, NoteKind, Package
from pyrox.scan.ownership import owned
from pyrox.scan.protocols import Entry, Limits

ECOSYSTEM: Final = "rpm"
_NAMES: Final = ("Packages", "Packages.db", "rpmdb.sqlite")
_KEYS: Final = "gpg-pubkey"  # rpm keeps imported keys as if they were packages
_SHA256: Final = 8  # OpenPGP's number of the algorithm
_SOURCE: Final = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.(?:no)?src\.rpm")

_RHEL: Final = re.compile(
    r"Red Hat Enterprise Linux (?:Server|Atomic Host)?\s*(?:release\s*)?([0-9]+)(?:\.[0-9]+)?"
)
_PHOTON: Final = re.compile(r"VMware Photon (?:OS|Linux)[^0-9]{0,64}([1-5]\.0)")
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


def package_of(header: rpmheader.Header, package_db: str) -> Package:
    """The package that a header describes, in upstream's words."""
    epoch = next(iter(header.numbers(rpmheader.EPOCH)), 0)
    evr = f"{header.text(rpmheader.VERSION)}-{header.text(rpmheader.RELEASE)}"
    source = _SOURCE.fullmatch(header.text(rpmheader.SOURCE_RPM))
    module = ":".join(header.text(rpmheader.MODULARITY).split(":", 2)[:2])
    return Package(
        name=header.text(rpmheader.NAME),
        version=f"{epoch}:{evr}" if epoch else evr,
        ecosystem=ECOSYSTEM,
        package_db=package_db,
        arch=header.text(rpmheader.ARCH),
        module=module,
        repository_hint=_hint(header),
        source_name=source["name"] if source else "",
        source_version=source["version"] if source else "",
        source_module=module if source else "",
    )


def _hint(header: rpmheader.Header) -> str:
    """Digest of the payload and id of the key that signed it, as upstream's hint has them."""
    digest = header.text(rpmheader.PAYLOAD_DIGEST)
    known = header.numbers(rpmheader.PAYLOAD_ALGORITHM)[:1] == (_SHA256,)
    parts = [f"hash=sha256:{digest}"] if digest and known else []
    key = header.key_id()
    return "&".join([*parts, f"key={key}"] if key else parts)


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._collector = Collector(limits)

    def take(self, entry: Entry, data: BinaryIO) -> None:
        """Read one database; a file of that name that is none is no note."""
        self._collector.begin(entry.path)
        kind = rpmdb.prefix(data.read(rpmdb.HEAD))
        if not kind:
            return
        package_db = f"{kind}:{entry.path.rpartition('/')[0]}"
        self._collector.databases.append(package_db)
        try:
            for blob in rpmdb.blobs(data):
                if not self._package(entry.path, package_db, blob):
                    return
        except rpmdb.BrokenDatabase as error:
            self._collector.note(NoteKind.MALFORMED, entry.path, str(error)[:200])

    def _package(self, path: str, package_db: str, blob: bytes) -> bool:
        try:
            header = rpmheader.parse(blob)
        except rpmheader.BrokenHeader as error:
            self._collector.note(NoteKind.MALFORMED, path, str(error)[:200])
            return True
        package = package_of(header, package_db)
        if package.name == _KEYS:
            return True
        if not package.name or package.version.startswith("-"):
            self._collector.note(NoteKind.MALFORMED, path, "header without name or version")
            return True
        for file in header.files():
            self._collector.own(owned(file, package.name, package_db))
        return self._collector.add(path, package)

    def finish(self) -> Finds:
        """The packages of the layer's databases."""
        return self._collector.finds()


class RpmDetector:
    """Reads rpm databases wherever they stand."""

    name = "rpm"
    version = "10"
    kind = "package"
    reads_text = False

    def wants(self, path: str, mode: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """True by the database's file name."""
        return path.endswith(_NAMES) and path.rpartition("/")[2] in _NAMES

    def start(self, limits: Limits) -> _Run:
        """A fresh run for one layer."""
        return _Run(limits)


DETECTORS = (
    RpmDetector(),
    osrelease.DistributionDetector("rhel", "3", read_rhel, extra=("etc/redhat-release",)),
    osrelease.DistributionDetector("os-release", "1", read_other),
)
