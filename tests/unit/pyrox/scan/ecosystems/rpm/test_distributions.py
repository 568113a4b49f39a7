"""Systems that use rpm, by their release files; the texts are those of published images."""

from __future__ import annotations

import pytest

from pyrox.scan.model import Distribution
from tests.unit.pyrox.scan.detecting import find

ALMA = (
    'NAME="AlmaLinux"\nVERSION="9.3 (Shamrock Pampas Cat)"\nID="almalinux"\nID_LIKE="rhel centos fedora"\n'
    'VERSION_ID="9.3"\nPRETTY_NAME="AlmaLinux 9.3 (Shamrock Pampas Cat)"\n'
    'CPE_NAME="cpe:/o:almalinux:almalinux:9::baseos"\n'
)
ROCKY = (
    'NAME="Rocky Linux"\nID="rocky"\nVERSION_ID="9.3"\nPRETTY_NAME="Rocky Linux 9.3 (Blue Onyx)"\n'
    'CPE_NAME="cpe:/o:rocky:rocky:9::baseos"\nREDHAT_SUPPORT_PRODUCT="Rocky Linux"\n'
)
STREAM = (
    'NAME="CentOS Stream"\nVERSION="9"\nID="centos"\nVERSION_ID="9"\nPRETTY_NAME="CentOS Stream 9"\n'
    'CPE_NAME="cpe:/o:centos:centos:9"\nREDHAT_SUPPORT_PRODUCT="Red Hat Enterprise Linux 9"\n'
)
FEDORA = (
    'NAME="Fedora Linux"\nVERSION="40 (Container Image)"\nID=fedora\nVERSION_ID=40\nVERSION_CODENAME=""\n'
    'PRETTY_NAME="Fedora Linux 40 (Container Image)"\nCPE_NAME="cpe:/o:fedoraproject:fedora:40"\n'
)
AZURE = (
    'NAME="Microsoft Azure Linux"\nVERSION="3.0.20240727"\nID=azurelinux\nVERSION_ID="3.0"\n'
    'PRETTY_NAME="Microsoft Azure Linux 3.0"\n'
)
MARINER = 'NAME="Common Base Linux Mariner"\nID=mariner\nVERSION_ID="2.0"\nPRETTY_NAME="CBL-Mariner/Linux"\n'
RHEL = (
    'NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="9.4"\n'
    'PRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"\nCPE_NAME="cpe:/o:redhat:enterprise_linux:9::baseos"\n'
)
ORACLE = (
    'NAME="Oracle Linux Server"\nVERSION="8.9"\nID="ol"\nVERSION_ID="8.9"\n'
    'PRETTY_NAME="Oracle Linux Server 8.9"\nCPE_NAME="cpe:/o:oracle:linux:8:9:server"\n'
)
AMAZON_ONE = 'NAME="Amazon Linux AMI"\nID="amzn"\nVERSION_ID="2017.09"\n'
AMAZON_TWO = 'NAME="Amazon Linux"\nID="amzn"\nVERSION_ID="2"\nCPE_NAME="cpe:2.3:o:amazon:amazon_linux:2"\n'
LEAP = 'NAME="openSUSE Leap"\nID="opensuse-leap"\nVERSION_ID="15.5"\nCPE_NAME="cpe:/o:opensuse:leap:15.5"\n'
SLES = 'NAME="SLES"\nID="sles"\nVERSION_ID="15.5"\nCPE_NAME="cpe:/o:suse:sles:15:sp5"\n'
PHOTON = 'NAME="VMware Photon OS"\nVERSION="4.0"\nID=photon\nVERSION_ID=4.0\n'
TUMBLEWEED = 'NAME="openSUSE Tumbleweed"\nID="opensuse-tumbleweed"\nVERSION_ID="20240301"\n'


def cpe(start: str) -> str:
    return f"cpe:2.3:o:{start}" + ":*" * (9 - start.count(":"))


RED_HAT_9 = Distribution(
    "rhel",
    "Red Hat Enterprise Linux Server",
    "9",
    version_id="9",
    cpe=cpe("redhat:enterprise_linux:9"),
    pretty_name="Red Hat Enterprise Linux Server 9",
)


def system(did: str, name: str, version: str, pretty: str, cpe_name: str = "") -> Distribution:
    return Distribution(did, name, version, version_id=version, cpe=cpe_name, pretty_name=pretty)


def oracle(major: str) -> Distribution:
    return Distribution(
        "ol",
        "Oracle Linux Server",
        major,
        version_code_name=f"Oracle Linux {major}",
        version_id=major,
        pretty_name=f"Oracle Linux Server {major}",
    )


AMZN_1 = system(
    "amzn",
    "Amazon Linux AMI",
    "2018.03",
    "Amazon Linux AMI 2018.03",
    cpe("amazon:linux:2018.03:ga"),
)
AMZN_2 = system("amzn", "Amazon Linux", "2", "Amazon Linux 2", cpe("amazon:amazon_linux:2"))
SYSTEMS = {
    ALMA: system(
        "almalinux",
        "AlmaLinux",
        "9",
        "AlmaLinux 9.3 (Shamrock Pampas Cat)",
        cpe("almalinux:almalinux:9:*:baseos"),
    ),
    ROCKY: system("rocky", "Rocky Linux", "9", "Rocky Linux 9.3 (Blue Onyx)", cpe("rocky:rocky:9:*:baseos")),
    STREAM: system("centos", "CentOS Stream", "9", "CentOS Stream 9", cpe("centos:centos:9")),
    FEDORA: system(
        "fedora", "Fedora Linux", "40", "Fedora Linux 40 (Container Image)", cpe("fedoraproject:fedora:40")
    ),
    AZURE: system("azurelinux", "Microsoft Azure Linux", "3.0", "Microsoft Azure Linux 3.0"),
    MARINER: system("mariner", "Common Base Linux Mariner", "2.0", "CBL-Mariner/Linux"),
    RHEL: RED_HAT_9,
    ORACLE: oracle("8"),
    AMAZON_ONE: AMZN_1,
    AMAZON_TWO: AMZN_2,
    'ID="amzn"\nNAME="Amazon Linux"\nVERSION_ID="2022"\n': system(
        "amzn", "Amazon Linux", "2022", "Amazon Linux 2022"
    ),
    LEAP: system("opensuse-leap", "openSUSE Leap", "15.5", "openSUSE Leap 15.5"),
    SLES: system("sles", "SLES", "15", "SUSE Linux Enterprise Server 15"),
    PHOTON: system("photon", "VMware Photon OS", "4.0", "VMware Photon OS/Linux"),
    TUMBLEWEED: system(
        "opensuse-tumbleweed", "openSUSE Tumbleweed", "20240301", "openSUSE Tumbleweed 20240301"
    ),
}


@pytest.mark.parametrize("text", SYSTEMS, ids=lambda text: SYSTEMS[text].did)
def test_system_of_os_release(text: str) -> None:
    assert find({"etc/os-release": text.encode()}).distributions == (SYSTEMS[text],)
    assert find({"usr/lib/os-release": text.encode()}).distributions == (SYSTEMS[text],)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("redhat-release", "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n", ("rhel", "6")),
        ("redhat-release", "CentOS release 6.10 (Final)\n", ("centos", "6")),
        ("centos-release", "CentOS Linux release 7.9.2009 (Core)\n", ("centos", "7")),
        ("redhat-release", "Rocky Linux release 8.5 (Green Obsidian)\n", ("rocky", "8")),
        ("redhat-release", "AlmaLinux release 8.5 (Arctic Sphynx)\n", ("almalinux", "8")),
        ("redhat-release", "Fedora release 20 (Heisenbug)\n", ("fedora", "20")),
        ("system-release", "Amazon Linux AMI release 2015.09\n", ("amzn", "2018.03")),
        ("SuSE-release", "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\n", ("sles", "11")),
        ("photon-release", "VMware Photon Linux 1.0\nPHOTON_BUILD_NUMBER=62c543d\n", ("photon", "1.0")),
        ("issue", "Oracle Linux Server release 5.11\nKernel \\r on an \\m\n", ("ol", "5")),
        (
            "lsb-release",
            'DISTRIB_ID="Gentoo Base"\nDISTRIB_RELEASE=2.2\nDISTRIB_DESCRIPTION="Gentoo"\n',
            ("gentoo-base", "2.2"),
        ),
    ],
)
def test_system_before_os_release(path: str, text: str, expected: tuple[str, str]) -> None:
    (found,) = find({f"etc/{path}": text.encode()}).distributions
    assert (found.did, found.version_id) == expected


def test_oracle_is_not_red_hat_though_it_has_its_release_file() -> None:
    red_hat = b"Red Hat Enterprise Linux release 8.9 (Ootpa)\n"
    with_both = {"etc/os-release": ORACLE.encode(), "etc/redhat-release": red_hat}
    assert find(with_both).distributions == (oracle("8"),)
    older = {"etc/oracle-release": b"Oracle Linux Server release 6.10\n", "etc/redhat-release": red_hat}
    assert find(older).distributions == (oracle("6"),)


@pytest.mark.parametrize("text", ["Debian GNU/Linux 12 \\n \\l\n", "Welcome to SUSE 10\n", ""])
def test_greeting_of_another_system_names_none(text: str) -> None:
    assert find({"etc/issue": text.encode()}).distributions == ()


def test_cpe_that_is_none_is_left_out() -> None:
    (found,) = find({"etc/os-release": b"ID=x\nNAME=x\nCPE_NAME=nonsense\n"}).distributions
    assert found.cpe == ""
