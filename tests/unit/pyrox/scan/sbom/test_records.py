"""What a package URL stands for, and that a package's own URL brings it back."""

from __future__ import annotations

import pytest

from pyrox.scan.model import Distribution, Package, Repository
from pyrox.scan.sbom.purl import parse
from pyrox.scan.sbom.records import CPE_REPOSITORY, Unhandled, purl_of, record_of

BOOKWORM = Distribution(
    did="debian", name="Debian GNU/Linux", version="12", version_id="12", pretty_name="Debian GNU/Linux 12"
)
CPE = "cpe:2.3:o:redhat:enterprise_linux:9:*:baseos:*:*:*:*:*"


def test_debian_package_names_its_source() -> None:
    package = Package(
        name="libc6",
        version="2.36-9",
        ecosystem="dpkg",
        arch="amd64",
        source_name="glibc",
        source_version="2.36-9",
    )
    purl = purl_of(package, BOOKWORM)
    assert str(purl) == "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc"
    assert purl is not None
    found = record_of(purl)
    assert (found.package, found.distribution) == (package, BOOKWORM)


def test_debian_source_of_another_version_keeps_it() -> None:
    package = Package(name="a", version="2+b1", ecosystem="dpkg", source_name="a", source_version="2")
    purl = purl_of(package, BOOKWORM)
    assert purl is not None
    assert purl.qualifiers["upstream"] == "a@2"
    assert record_of(purl).package == package


def test_debian_package_without_a_source_is_its_own() -> None:
    package = record_of(parse("pkg:deb/ubuntu/bash@5.1?distro=ubuntu-22.04")).package
    assert (package.source_name, package.source_version) == ("bash", "5.1")


@pytest.mark.parametrize(
    ("distro", "release"),
    [("alpine-3.19.1", "3.19"), ("alpine-3.19", "3.19"), ("alpine-edge", "edge"), ("3.18.0", "3.18")],
)
def test_alpine_release_has_two_numbers(distro: str, release: str) -> None:
    found = record_of(parse(f"pkg:apk/alpine/busybox@1.36-r1?distro={distro}"))
    assert found.distribution is not None
    assert (found.distribution.did, found.distribution.version) == ("alpine", release)
    assert found.package.ecosystem == "apk"


def test_rpm_has_epoch_module_and_source_name() -> None:
    found = record_of(
        parse(
            "pkg:rpm/almalinux/perl-libs@5.26-1.el8?epoch=4&arch=x86_64&distro=almalinux-8"
            "&upstream=perl-5.26-1.el8.src.rpm&rpmmod=perl%3A5.26"
        )
    )
    assert (found.package.version, found.package.source_name) == ("4:5.26-1.el8", "perl")
    assert (found.package.module, found.package.arch) == ("perl:5.26", "x86_64")
    assert found.distribution is not None
    assert (found.distribution.did, found.distribution.version_id) == ("almalinux", "8")


def test_rpm_url_has_its_epoch_apart() -> None:
    package = Package(name="x", version="4:1-2", ecosystem="rpm", arch="noarch")
    system = Distribution(did="sles", name="SLES", version="15", version_id="15")
    assert str(purl_of(package, system)) == "pkg:rpm/suse/x@1-2?arch=noarch&distro=sles-15&epoch=4"


def test_red_hat_package_goes_by_the_cpes_of_its_repository() -> None:
    purl = parse("pkg:rpm/redhat/bash@5.1.8-6.el9?distro=rhel-9.3&repository_id=baseos")
    found = record_of(purl, lambda name: [CPE] if name == "baseos" else [])
    assert found.repositories == (Repository(name=CPE, key=CPE_REPOSITORY, cpe=CPE),)
    assert found.distribution is not None
    assert (found.distribution.did, found.distribution.version) == ("rhel", "9")
    written = purl_of(found.package, found.distribution, found.repositories)
    assert written is not None
    assert record_of(parse(str(written))).repositories == found.repositories


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pkg:rpm/redhat/bash@5?distro=rhel-9&repository_id=other", "neither repository_cpes nor"),
        ("pkg:deb/debian/bash@5", "the qualifier distro must name"),
        ("pkg:npm/x", "no version"),
        ("pkg:generic/x@1", "type generic is not handled"),
        ("pkg:rpm/bash@5", "the qualifier distro must name"),
    ],
)
def test_url_that_nothing_can_be_looked_up_for_says_why(text: str, words: str) -> None:
    with pytest.raises(Unhandled, match=words):
        record_of(parse(text))


@pytest.mark.parametrize(
    ("ecosystem", "name", "text"),
    [
        ("python", "requests", "pkg:pypi/requests@1.2.3"),
        ("nodejs", "@angular/core", "pkg:npm/%40angular/core@1.2.3"),
        ("nodejs", "lodash", "pkg:npm/lodash@1.2.3"),
        ("gem", "rails", "pkg:gem/rails@1.2.3"),
        ("go", "github.com/a/b", "pkg:golang/github.com/a/b@1.2.3"),
        ("go", "stdlib", "pkg:golang/stdlib@1.2.3"),
        ("java", "org.x:y", "pkg:maven/org.x/y@1.2.3"),
        ("java", "y", "pkg:maven/y@1.2.3"),
        ("cargo", "serde", "pkg:cargo/serde@1.2.3"),
        ("nuget", "Newtonsoft.Json", "pkg:nuget/Newtonsoft.Json@1.2.3"),
        ("composer", "a/b", "pkg:composer/a/b@1.2.3"),
    ],
)
def test_language_package_comes_back_by_its_url(ecosystem: str, name: str, text: str) -> None:
    purl = purl_of(Package(name=name, version="1.2.3", ecosystem=ecosystem))
    assert str(purl) == text
    found = record_of(parse(text))
    assert (found.package.name, found.package.ecosystem) == (name, ecosystem)
    assert [r.name for r in found.repositories] == [found.package.repository]


def test_other_ecosystems_have_no_url() -> None:
    assert purl_of(Package(name="kubelet", version="1", ecosystem="kubernetes")) is None
