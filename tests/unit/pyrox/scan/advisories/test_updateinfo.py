"""Updateinfo of Amazon Linux and Fedora: packages with their versions, and what is left out."""

from __future__ import annotations

import gzip

import pytest

from pyrox.scan.advisories.model import Alias, Item, ParsedAdvisory, Severity, Skipped
from pyrox.scan.advisories.updateinfo import UpdateinfoSource
from pyrox.scan.ecosystems.rpm.update import SOURCES
from pyrox.scan.model import Kind

AL2 = "amazon/AL2/updateinfo.xml.gz"
AMAZON, FEDORA = (s for s in SOURCES if isinstance(s, UpdateinfoSource))
UPDATE = """<updates><update type="{kind}" status="final" from="linux-security@amazon.com">
<id>{name}</id><title>about curl</title><issued date="2018-01-19 18:38:00"/><updated date="2018-01-20"/>
<severity>important</severity><description>words</description>
<references><reference href="https://www.cve.org/CVERecord?id=CVE-2017-8816" id="CVE-2017-8816" type="cve"/>
<reference href="https://example.org/bug" id="7" type="bugzilla"/></references>
<pkglist><collection short="amazon-linux-2"><name>Amazon Linux 2</name>{packages}</collection></pkglist>
</update></updates>"""


def package(**more: str) -> str:
    values = {"name": "curl", "version": "7.55.1", "release": "9.amzn2.0.1", "epoch": "0", "arch": "x86_64"}
    return "<package " + " ".join(f'{k}="{v}"' for k, v in (values | more).items()) + "/>"


def parse(
    *packages: str, name: str = "ALAS2-2018-951", kind: str = "security", path: str = AL2
) -> list[Item]:
    text = UPDATE.format(name=name, kind=kind, packages="".join(packages))
    source = AMAZON if path.startswith("amazon") else FEDORA
    return list(source.parse(path, gzip.compress(text.encode())))


def test_update_becomes_an_advisory_with_a_row_for_each_package() -> None:
    (found,) = parse(package(), package(name="libcurl", epoch="2", arch="aarch64"))
    assert isinstance(found, ParsedAdvisory)
    text = found.advisory
    assert (text.source, text.name, text.description) == ("aws-AL2-updater", "ALAS2-2018-951", "words")
    assert (text.severity, text.normalized) == ("important", Severity.IMPORTANT)
    assert text.links.split() == [
        "https://www.cve.org/CVERecord?id=CVE-2017-8816",
        "https://example.org/bug",
    ]
    assert text.aliases == (Alias("CVE", "CVE-2017-8816"),)
    assert text.issued is not None
    assert text.issued.isoformat() == "2018-01-19T18:38:00+00:00"
    assert [(r.namespace, r.package, r.kind, r.fixed_in, r.arch) for r in found.rows] == [
        ("amzn:2", "curl", Kind.BINARY, "7.55.1-9.amzn2.0.1", "x86_64"),
        ("amzn:2", "libcurl", Kind.BINARY, "2:7.55.1-9.amzn2.0.1", "aarch64"),
    ]


@pytest.mark.parametrize(
    ("packages", "name", "reason"),
    [
        ((package(name=""),), "A", "package without a name or version"),
        ((package(arch="src"),), "A", "source package of a fix"),
        ((), "A", "update without packages"),
        ((package(),), "", "update without an id"),
    ],
)
def test_what_is_left_out_has_a_reason(packages: tuple[str, ...], name: str, reason: str) -> None:
    assert [i.reason for i in parse(*packages, name=name) if isinstance(i, Skipped)] == [reason]


def test_fedora_takes_security_updates_only() -> None:
    path = "fedora/39/updateinfo.xml.gz"
    (found,) = parse(package(), path=path)
    assert isinstance(found, ParsedAdvisory)
    assert (found.advisory.source, found.rows[0].namespace) == ("fedora-updater-39", "fedora:39")
    (left,) = parse(package(), kind="enhancement", path=path)
    assert left == Skipped("ALAS2-2018-951", "update of type 'enhancement'")


@pytest.mark.parametrize(
    ("path", "namespace"),
    [
        ("amazon/AL1/updateinfo.xml.gz", "amzn:2018.03"),
        ("amazon/AL2023/updateinfo.xml.gz", "amzn:2023"),
    ],
)
def test_release_by_its_path(path: str, namespace: str) -> None:
    (found,) = parse(package(), path=path)
    assert isinstance(found, ParsedAdvisory)
    assert found.rows[0].namespace == namespace
    assert not AMAZON.accepts("amazon/AL9/updateinfo.xml.gz")


def test_damaged_file_is_one_reason() -> None:
    (found,) = AMAZON.parse(AL2, b"<updates>" * 200)
    assert found == Skipped(AL2, "XML nested more than 100 deep")
