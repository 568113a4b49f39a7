"""Red Hat's packages and containers: asked by the key of their repositories, never by the system."""

from __future__ import annotations

from pyrox.scan.ecosystems.rhcc.match import MATCHERS as CONTAINERS
from pyrox.scan.ecosystems.rpm.match import MATCHERS as PACKAGES
from pyrox.scan.matching import ANY_REPOSITORY
from pyrox.scan.model import Distribution, Kind, Package, Repository
from pyrox.scan.redhat import CATALOG, CONTAINER_KEY, RPM_KEY

RHEL = Distribution("rhel", "Red Hat Enterprise Linux Server", "9", version_id="9")
CPE = "cpe:2.3:o:redhat:enterprise_linux:9:*:baseos:*:*:*:*:*"
BASEOS = Repository(CPE, RPM_KEY, "repoid=baseos", CPE)
RPM = PACKAGES[1]
CONTAINER = CONTAINERS[0]
CURL = Package("curl", "7.76.1-14.el9", "rpm", arch="x86_64", source_name="curl-src", module="m:1")


def test_rpm_package_is_asked_with_its_repositories() -> None:
    found = RPM.lookups("1", CURL, RHEL, (BASEOS, Repository("other", "k"), BASEOS))
    assert [(f.namespace, f.package, f.kind, f.version) for f in found] == [
        ("rhel", "curl", Kind.BINARY, "7.76.1-14.el9"),
        ("rhel", "curl-src", Kind.SOURCE, "7.76.1-14.el9"),
    ]
    assert {(f.arch, f.module, f.repository_cpes, f.scheme) for f in found} == {
        ("x86_64", "m:1", (CPE,), "rpm")
    }


def test_rpm_package_is_asked_on_any_system_but_not_without_such_a_repository() -> None:
    assert RPM.lookups("1", CURL, None, (BASEOS,))
    assert RPM.lookups("1", CURL, RHEL, (Repository("other", "k"),)) == ()
    assert RPM.lookups("1", CURL, RHEL, ()) == ()


def test_package_without_source_and_repository_without_cpe() -> None:
    (found,) = RPM.lookups("1", Package("a", "1-1", "rpm"), RHEL, (Repository(CPE, RPM_KEY),))
    assert found.repository_cpes == (CPE,)


def test_container_is_asked_by_kind_and_source() -> None:
    product = Repository("cpe:2.3:a:redhat:openshift:4.12:*:el8:*:*:*:*:*", CONTAINER_KEY)
    binary = Package("openshift4/ose-cli", "v4.12.0-1", "rhcc", source_name="ose-cli-container")
    ancestry = Package("openshift4/ose-cli", "v4.12.0-1", "rhcc", kind=Kind.ANCESTRY, source_name="x")
    asked = CONTAINER.lookups("1", binary, None, (product,))
    assert [(f.namespace, f.package, f.kind) for f in asked] == [
        ("rhcc", "openshift4/ose-cli", Kind.BINARY),
        ("rhcc", "ose-cli-container", Kind.SOURCE),
    ]
    assert asked[0].repository_cpes == (product.name,)
    assert [f.kind for f in CONTAINER.lookups("1", ancestry, None, (product,))] == [Kind.ANCESTRY]


def test_container_of_the_catalogue_belongs_to_any_product() -> None:
    package = Package("ubi9", "9.3-1", "rhcc")
    (found,) = CONTAINER.lookups("1", package, None, (Repository(CATALOG, CONTAINER_KEY),))
    assert found.repository_cpes == (ANY_REPOSITORY,)
    assert found.key is not None
