"""Files that name the system, and the distribution that each of them means."""

from __future__ import annotations

import pytest

from pyrox.scan.formats import osrelease
from tests.unit.pyrox.scan.detecting import find

SYSTEMS = {
    'ID=debian\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n': (
        "debian",
        "12 (bookworm)",
        "12",
        "Debian GNU/Linux 12 (bookworm)",
    ),
    "ID=debian\nVERSION_CODENAME=trixie\n": ("debian", "trixie", "", "Debian GNU/Linux trixie"),
    'ID=ubuntu\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\n': (
        "ubuntu",
        "22.04 (Jammy)",
        "22.04",
        "Ubuntu 22.04",
    ),
    "ID=alpine\nVERSION_ID=3.19.1\n": ("alpine", "3.19", "", "Alpine Linux v3.19"),
    'ID=alpine\nVERSION_ID=3.20_alpha\nPRETTY_NAME="Alpine Linux edge"\n': (
        "alpine",
        "edge",
        "",
        "Alpine Linux edge",
    ),
    'ID=wolfi\nNAME="Wolfi"\nPRETTY_NAME="Wolfi"\nVERSION_ID="20230201"\n': (
        "wolfi",
        "20230201",
        "20230201",
        "Wolfi",
    ),
    "ID=arch\nNAME='Arch Linux'\nbad line\n": ("arch", "", "", "Arch Linux"),
}


@pytest.mark.parametrize("path", osrelease.OS_RELEASE)
@pytest.mark.parametrize("text", SYSTEMS)
def test_distribution_of_os_release(text: str, path: str) -> None:
    (found,) = find({path: text.encode()}).distributions
    assert (found.did, found.version, found.version_id, found.pretty_name) == SYSTEMS[text]


@pytest.mark.parametrize(
    ("path", "text", "did", "version"),
    [
        (
            "etc/lsb-release",
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=20.04\nDISTRIB_CODENAME=focal\n",
            "ubuntu",
            "20.04 (Focal)",
        ),
        ("etc/issue", "Welcome to Alpine Linux 3.3\n", "alpine", "3.3"),
        ("etc/redhat-release", "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n", "rhel", "7"),
    ],
)
def test_distribution_of_older_files(path: str, text: str, did: str, version: str) -> None:
    (found,) = find({path: text.encode()}).distributions
    assert (found.did, found.version) == (did, version)


@pytest.mark.parametrize("text", ["", "ID=ubuntu\nVERSION_ID=22.04\n", "ID=alpine\n", "NAME=x\n"])
def test_distribution_that_cannot_be_told_is_none(text: str) -> None:
    assert find({"etc/os-release": text.encode()}).distributions == ()


def test_os_release_quotes_and_escapes() -> None:
    values = osrelease.parse('A=\'a \\ b\'\nB="x\\"y"\nC=pl\\ain\nnot an assignment\n  D=1\n')
    assert values == {"A": "a \\ b", "B": 'x"y', "C": "plain", "D": "1"}
