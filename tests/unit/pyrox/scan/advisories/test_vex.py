"""Red Hat's VEX documents: what each status becomes, what is left out, damage and bombs."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
import zstandard

from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, Item, ParsedAdvisory, Severity, Skipped
from pyrox.scan.advisories.vex import VexSource, listed, members
from pyrox.scan.model import Kind
from pyrox.scan.versions.rhctag import RhcTag
from pyrox.scan.versions.rpm import Rpm
from tests.unit.pyrox.scan.advisories.vex_documents import OPENSHIFT, RHEL8, document

SOURCE = VexSource(Rpm())
BASEOS = "cpe:2.3:o:redhat:enterprise_linux:8:*:baseos:*:*:*:*:*"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H"


def parse(content: bytes) -> list[Item]:
    return list(SOURCE.parse("rhel-vex/2099/cve-2099-1.json", content))


def rows(content: bytes) -> list[AdvisoryRow]:
    return [row for item in parse(content) if isinstance(item, ParsedAdvisory) for row in item.rows]


def reasons(content: bytes) -> list[str]:
    return [item.reason for item in parse(content) if isinstance(item, Skipped)]


def text(content: bytes) -> Advisory:
    return next(item.advisory for item in parse(content) if isinstance(item, ParsedAdvisory))


def test_fixed_packages_are_binary_and_their_architectures_are_joined() -> None:
    content = document(
        {
            "fixed": [
                (RHEL8, "pkg:rpm/redhat/curl@7.61.1-33.el8?arch=x86_64"),
                (RHEL8, "pkg:rpm/redhat/curl@7.61.1-33.el8?arch=aarch64"),
                (RHEL8, "pkg:rpm/redhat/curl@7.61.1-33.el8?arch=src"),
                (RHEL8, "pkg:rpm/redhat/perl@5-1?arch=noarch&epoch=4&rpmmod=perl:5.30:8010:abc"),
            ]
        }
    )
    curl, perl = rows(content)
    assert (curl.namespace, curl.package, curl.kind, curl.fixed_in) == (
        "rhel",
        "curl",
        Kind.BINARY,
        "0:7.61.1-33.el8",
    )
    assert (curl.arch, curl.cpe, curl.lo, curl.hi) == (
        "aarch64|amd64|x86_64",
        BASEOS,
        b"",
        Rpm().key("7.61.1-33.el8"),
    )
    assert (perl.module, perl.fixed_in, perl.arch) == ("perl:5.30", "4:5-1", "noarch")
    assert reasons(content) == ["source package of a fix"]


def test_affected_is_a_source_without_end_and_not_affected_says_so() -> None:
    content = document(
        {
            "known_affected": [(RHEL8, "pkg:rpm/redhat/samba?arch=src")],
            "known_not_affected": [(RHEL8, "pkg:rpm/redhat/ctdb@1-2?epoch=3")],
        }
    )
    affected, excluded = rows(content)
    assert (affected.package, affected.kind, affected.fixed_in, affected.not_affected, affected.arch) == (
        "samba",
        Kind.SOURCE,
        "",
        False,
        "",
    )
    assert (excluded.package, excluded.kind, excluded.fixed_in, excluded.not_affected) == (
        "ctdb",
        Kind.SOURCE,
        "",
        True,
    )


def test_container_ranges_end_with_their_minor_release() -> None:
    url = "pkg:oci/ose-cli?repository_url=registry.redhat.io/openshift4/ose-cli&arch=amd64&tag="
    content = document(
        {
            "fixed": [
                (OPENSHIFT, url + "v4.12.0-202301"),
                (OPENSHIFT, url + "v4.11.0-202302"),
                (OPENSHIFT, "pkg:oci/other?tag=1744596866"),
                (OPENSHIFT, "pkg:oci/broken?tag=latest"),
            ],
            "known_affected": [(OPENSHIFT, "pkg:oci/openshift4/ose-console")],
            "known_not_affected": [(OPENSHIFT, "pkg:oci/openshift4/ose-etcd?tag=v1-1")],
        }
    )
    new, old, other, affected, excluded = rows(content)
    tags = RhcTag()
    assert (new.namespace, new.package, new.introduced, new.fixed_in) == (
        "rhcc",
        "openshift4/ose-cli",
        "4.12",
        "v4.12.0-202301",
    )
    assert (new.lo, old.lo, old.introduced) == (tags.key("4.12"), b"", "")
    assert not new.lo <= tags.key("v4.11.9-1") < new.hi
    assert new.lo <= tags.key("v4.12.0-202212") < new.hi
    assert (other.lo, other.fixed_in) == (b"", "1744596866")
    assert (affected.kind, affected.package) == (Kind.SOURCE, "openshift4/ose-console")
    assert (excluded.kind, excluded.not_affected) == (Kind.ANCESTRY, True)
    assert reasons(content) == ["container tag without a number"]


def test_text_carries_score_impact_fix_and_links() -> None:
    pair = (RHEL8, "pkg:rpm/redhat/curl@7.61.1-33.el8")
    product = f"{RHEL8[0]}:{pair[1]}"
    content = document(
        {"fixed": [pair]},
        scores=[{"products": [product], "cvss_v3": {"vectorString": VECTOR, "baseScore": 6.5}}],
        threats=[{"category": "impact", "details": "Moderate", "product_ids": [product]}],
        remediations=[
            {"category": "workaround", "product_ids": [product]},
            {"category": "vendor_fix", "url": "https://e/RHSA-2023:1", "product_ids": [product]},
        ],
    )
    found = text(content)
    assert (found.source, found.name, found.description) == ("rhel-vex", "CVE-2099-1", "words")
    assert (found.severity, found.normalized) == (VECTOR, Severity.MODERATE)
    assert found.links.split() == [
        "https://www.cve.org/CVERecord?id=CVE-2099-1",
        "https://example.org/CVE-2099-1.json",
        "https://e/RHSA-2023:1",
    ]
    assert found.aliases == (Alias("CVE", "CVE-2099-1"),)
    assert found.issued is not None
    assert found.issued.year == 2023


def test_product_without_score_is_kept_and_score_zero_without_impact_is_not() -> None:
    one, two = (RHEL8, "pkg:rpm/redhat/one@1-1"), (RHEL8, "pkg:rpm/redhat/two@1-1")
    zero = [
        {
            "products": [f"{RHEL8[0]}:{two[1]}"],
            "cvss_v3": {"vectorString": VECTOR, "baseScore": 0.0},
        }
    ]
    content = document({"fixed": [one, two]}, scores=zero)
    assert [row.package for row in rows(content)] == ["one"]
    assert text(content).severity == "Unknown"
    assert reasons(content) == ["score 0 without an impact"]


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        ("pkg:maven/org/a@1", "package of type 'maven'"),
        ("pkg:rpm/redhat/kernel-rt@1-1", "kernel package: an image has no say in the kernel"),
        ("pkg:rpm/suse/a@1-1", "rpm package of 'suse'"),
        ("pkg:rpm/redhat/a", "fixed package without a version"),
        ("pkg:rpm/redhat/a@1-1?rpmmod=perl", "package whose module cannot be read"),
        ("none", "package without a package URL"),
    ],
)
def test_what_is_left_out_has_a_reason(package: str, reason: str) -> None:
    content = document({"fixed": [(RHEL8, package)]})
    assert rows(content) == []
    assert reasons(content) == [reason]


def test_products_that_cannot_be_found_have_a_reason() -> None:
    lone = json.loads(document({"fixed": [(RHEL8, "pkg:rpm/redhat/a@1-1")]}))
    lone["vulnerabilities"][0]["product_status"] = {"fixed": ["nothing"], "under_investigation": ["x"]}
    assert reasons(json.dumps(lone).encode()) == [
        "product without a relationship",
        "status under_investigation",
    ]
    odd = document({"fixed": [(("p", "words"), "pkg:rpm/redhat/a@1-1")]})
    assert reasons(odd) == ["product whose CPE cannot be read"]
    bare = document({"fixed": [(("p", ""), "pkg:rpm/redhat/a@1-1")]})
    assert reasons(bare) == ["product without a CPE"]


def test_module_of_a_nested_relationship() -> None:
    content = json.loads(document({"fixed": [(RHEL8, "pkg:rpm/redhat/a@1-1")]}))
    module = "pkg:rpmmod/redhat/nodejs@18:8090020231016:abc"
    content["product_tree"]["branches"].append(
        {"product": {"product_id": "mod", "product_identification_helper": {"purl": module}}}
    )
    content["product_tree"]["relationships"] = [
        {
            "full_product_name": {"product_id": "rhel8:mod"},
            "product_reference": "mod",
            "relates_to_product_reference": RHEL8[0],
        },
        {
            "full_product_name": {"product_id": "rhel8:mod:a"},
            "product_reference": "pkg:rpm/redhat/a@1-1",
            "relates_to_product_reference": "rhel8:mod",
        },
    ]
    content["vulnerabilities"][0]["product_status"] = {"fixed": ["rhel8:mod:a"]}
    (row,) = rows(json.dumps(content).encode())
    assert (row.package, row.module, row.cpe) == ("a", "nodejs:18", BASEOS)


def test_relationships_in_a_circle_end() -> None:
    content = json.loads(document({"fixed": [(RHEL8, "pkg:rpm/redhat/a@1-1")]}))
    content["product_tree"]["relationships"] = [
        {"full_product_name": {"product_id": a}, "product_reference": b, "relates_to_product_reference": b}
        for a, b in (("x", "y"), ("y", "x"))
    ]
    content["vulnerabilities"][0]["product_status"] = {"fixed": ["x"]}
    assert reasons(json.dumps(content).encode()) == ["package without a package URL"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[]", "malformed"),
        (b"{" * 10_000, "malformed"),
        (b'{"a":' * 10_000, "malformed"),
        (b"{}", "no id"),
        (document({}, status="deleted"), "deleted"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip ends early"),
        (b'{"document": {"tracking": {"id": 7}}}', "malformed"),
    ],
)
def test_damaged_document_is_skipped_by_name(content: bytes, reason: str) -> None:
    (found,) = parse(content)
    assert isinstance(found, Skipped)
    assert found.reason.startswith(reason)
    assert found.document in {"rhel-vex/2099/cve-2099-1.json", "CVE-2099-1"}


def archive(*contents: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in contents:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        folder = tarfile.TarInfo("folder.json")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    return zstandard.ZstdCompressor().compress(out.getvalue())


def test_archive_holds_documents() -> None:
    good = document({"fixed": [(RHEL8, "pkg:rpm/redhat/a@1-1")]})
    data = archive(("2099/a.json", good), ("README", b"no"), ("2099/b.json", b"broken"))
    found = list(SOURCE.parse("rhel-vex/csaf_vex_2099-01-01.tar.zst", data))
    assert [item.advisory.name for item in found if isinstance(item, ParsedAdvisory)] == ["CVE-2099-1"]
    assert [item.document for item in found if isinstance(item, Skipped)] == ["2099/b.json"]
    assert [name for name, _ in members(data)] == ["2099/a.json", "2099/b.json"]


@pytest.mark.parametrize("data", [b"", b"plain", archive(("a.json", b"{}"))[:-8], b"\x28\xb5\x2f\xfdx"])
def test_damaged_archive_is_skipped_by_name(data: bytes) -> None:
    found = list(SOURCE.parse("rhel-vex/x.tar.zst", data))
    assert [item.document for item in found if isinstance(item, Skipped)][-1:] == ["rhel-vex/x.tar.zst"]


def test_paths_of_the_feed() -> None:
    assert SOURCE.accepts("rhel-vex/2023/cve-2023-1.json")
    assert SOURCE.accepts("rhel-vex/cve-2023-1.json.gz")
    assert not SOURCE.accepts("rhel-vex/changes.csv")
    assert not SOURCE.accepts("osv/PyPI/all.zip")


def test_lists_of_changes_name_paths_and_times() -> None:
    data = (
        b'"2024/cve-2024-1.json","2024-08-01T10:00:00+00:00"\n'
        b'2023/cve-2023-2.json,2023-01-01\nx\n"../../etc/a.json","t"\n'
    )
    assert list(listed(data)) == [
        ("2024/cve-2024-1.json", "2024-08-01T10:00:00+00:00"),
        ("2023/cve-2023-2.json", "2023-01-01"),
    ]
