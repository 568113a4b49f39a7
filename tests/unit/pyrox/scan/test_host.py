"""Reports of hosts, from files that a walk hands over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import BinaryIO

import pytest

from pyrox.scan import catalogue
from pyrox.scan.host import LAYER, HostFile, host_detectors, host_report, index_host
from pyrox.scan.model import IndexReport, Note, NoteKind
from pyrox.scan.protocols import Entry, Limits
from pyrox.scan.repositories import Mappings

STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n\n"
DEBIAN = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12"\n'
RHCOS = (
    b'NAME="Red Hat Enterprise Linux CoreOS"\nID="rhel"\nVARIANT_ID=coreos\nVERSION="9.6.20250101-0"\n'
    b'VERSION_ID="9.6"\nOPENSHIFT_VERSION="4.19"\n'
)


def host_file(path: str, content: bytes | OSError) -> HostFile:
    def opened() -> BinaryIO:
        if isinstance(content, OSError):
            raise content
        return BytesIO(content)

    return HostFile(Entry(path, 0 if isinstance(content, OSError) else len(content)), opened)


def report(
    files: Mapping[str, bytes | OSError],
    limits: Limits | None = None,
    notes: Callable[[], tuple[Note, ...]] = tuple,
) -> IndexReport:
    given = [host_file(path, content) for path, content in files.items()]
    detectors = host_detectors(catalogue.detectors())
    return host_report(index_host(given, detectors=detectors, limits=limits, notes=notes), Mappings())


def test_host_has_its_packages_release_and_one_layer() -> None:
    made = report(
        {
            "usr/lib/os-release": DEBIAN,
            "var/lib/dpkg/status": STATUS,
            "a.dist-info/METADATA": b"Name: a\nVersion: 1\n",
        }
    )
    assert [(p.name, p.version) for p in made.packages.values()] == [("bash", "5.2-1")]
    assert {place.introduced_in for places in made.environments.values() for place in places} == {LAYER}
    assert [system.did for system in made.distributions.values()] == ["debian"]


def test_coreos_is_a_package_of_its_own_with_upstreams_ids() -> None:
    made = report({"usr/lib/os-release": RHCOS})
    package = made.packages["rhcos-pkg"]
    assert (package.name, package.version, package.repository_hint) == ("rhcos", "9.6.20250101-0", "rhcc")
    assert package.normalized.v[:3] == (9, 6, 0)
    assert made.source_ids["rhcos-pkg"] == "rhcos-src"
    repository = made.repositories["rhcos-repo"]
    assert (repository.key, repository.cpe) == (
        "rhcc-container-repository",
        "cpe:2.3:a:redhat:openshift:4.19:*:el9:*:*:*:*:*",
    )
    assert [place.repository_ids for place in made.environments["rhcos-pkg"]] == [("rhcos-repo",)]


@pytest.mark.parametrize(
    ("old", "new"), [(b"9.6.2025", b"x.2025"), (b"9.6.2025", b"99999999999.2025"), (b"coreos", b"server")]
)
def test_coreos_without_a_version_that_can_be_read_is_no_package(old: bytes, new: bytes) -> None:
    assert report({"etc/os-release": RHCOS.replace(old, new)}).packages == {}


def test_file_that_cannot_be_opened_is_a_note_and_the_rest_is_read() -> None:
    made = report({"var/lib/dpkg/status": OSError(5, "Input/output error"), "etc/os-release": DEBIAN})
    assert [(note.kind, note.subject) for note in made.notes] == [(NoteKind.MALFORMED, "var/lib/dpkg/status")]
    assert len(made.distributions) == 1


def test_file_beyond_its_bound_is_a_note_and_so_are_those_of_the_walk() -> None:
    walked = Note(NoteKind.UNSUPPORTED, "mnt/x")
    made = report({"var/lib/dpkg/status": STATUS}, Limits(text_bytes=10), lambda: (walked,))
    assert [(note.kind, note.subject) for note in made.notes] == [
        (NoteKind.UNSUPPORTED, "mnt/x"),
        (NoteKind.TOO_LARGE, "var/lib/dpkg/status"),
    ]


def test_notes_have_a_bound() -> None:
    files: dict[str, bytes | OSError] = {f"x{number}/status.d/a": OSError(5, "x") for number in range(5)}
    assert len(report({"etc/os-release": DEBIAN} | files, Limits(notes=2)).notes) <= 2
