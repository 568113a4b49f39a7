"""Parsers of what comes from outside images: advisories, bundles, bills of material, VEX; with samples.

`parsers.py` lists them beside the readers of layers. None may raise but what its caller takes
for a refusal of the document.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping

from google.protobuf.message import DecodeError

from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.scan import catalogue, codec, cpe, vex
from pyrox.scan.advisories import bundle, emit, enrichment
from pyrox.scan.advisories.model import ParsedAdvisory
from pyrox.scan.notes import from_text
from pyrox.scan.sbom import purl, reading
from tests.unit.pyrox.scan.advisories import (
    oval_documents,
    test_enrichment,
    test_manual,
    test_osv,
    test_updateinfo,
    vex_documents,
)
from tests.unit.pyrox.scan.ecosystems.apk import test_update as apk
from tests.unit.pyrox.scan.ecosystems.dpkg import test_update as dpkg
from tests.unit.pyrox.scan.sbom.test_reading import spdx_of
from tests.unit.pyrox.scan.test_vex import document as openvex
from tests.unit.pyrox.scan.test_vex import statement

Run = Callable[[bytes], None]

OSV = json.dumps(
    test_osv.document(
        affected=[test_osv.affected({"introduced": "0"}, {"fixed": "1.2"}, versions=("1.0", "x"))]
    )
).encode()
OVAL = oval_documents.document(
    [
        oval_documents.Entry(
            "ELSA-2026-1: curl",
            (oval_documents.Test("curl", "0:7.61-1.el8"), oval_documents.Test("lib", "1:2-3", arch="x86_64")),
            ("CVE-2026-1",),
            "HIGH",
            ("Oracle Linux 8",),
        )
    ]
)
UPDATES = test_updateinfo.UPDATE.format(
    name="ALAS2-2018-951", kind="security", packages=test_updateinfo.package() * 2
).encode()
VEX = vex_documents.document(
    {
        "fixed": [(vex_documents.OPENSHIFT, "pkg:rpm/redhat/curl@7.61.1-33.el8?arch=x86_64")],
        "known_not_affected": [(vex_documents.OPENSHIFT, "pkg:oci/ose-cli?tag=v4.12.0-2023")],
    }
)
FEEDS: Mapping[str, bytes] = {
    "osv/PyPI/all.zip": test_osv.zipped({"a.json": OSV, "b.json": OSV}),
    "osv/PyPI/a.json": OSV,
    "debian/tracker.json": json.dumps(dpkg.TRACKER).encode(),
    "alpine/v3.19/main.json": apk.secdb(),
    "oracle/com.oracle.elsa-2026.xml.bz2": OVAL,
    "amazon/AL2/updateinfo.xml.gz": gzip.compress(UPDATES, 0),
    "rhel-vex/2026/cve-2026-1.json": VEX,
    "manual/vulns.yaml": test_manual.entry().encode(),
}
"""A document of each kind of feed, by its path."""


def feed(*words: str) -> tuple[Run, tuple[bytes, ...]]:
    """Any bytes as each of these feeds; whatever is wrong with a document is a `Skipped`."""
    paths = [path for path in FEEDS if path.startswith(words)]

    def run(data: bytes) -> None:
        for path in paths:
            for source in catalogue.sources():
                if source.accepts(path):
                    list(source.parse(path, data))

    return run, tuple(FEEDS[path] for path in paths)


def _bundle(data: bytes) -> None:
    list(bundle.read(data.split(b"\n"), catalogue.schemes()))


def _lines() -> bytes:
    """A bundle of what the feeds above say."""
    found: list[bytes] = []
    for path, data in FEEDS.items():
        for source in catalogue.sources():
            for item in source.parse(path, data) if source.accepts(path) else ():
                if isinstance(item, ParsedAdvisory):
                    found += emit.lines(item, fingerprint="f")
    return b"\n".join(found)


def _enrichments(data: bytes) -> None:
    for parse in (
        enrichment.parse_nvd,
        enrichment.parse_kev,
        enrichment.parse_epss,
        enrichment.parse_red_hat,
    ):
        found: Iterable[object] = parse("x", data)
        list(found)
    enrichment.parse_nvd_record(data)


def _bill(data: bytes) -> None:
    for media_type in ("text/spdx+json", "application/vnd.cyclonedx+json"):
        try:
            reading.media_type_of(data)
            reading.read(data, media_type)
        except reading.InvalidDocument:
            continue


def _vex(data: bytes) -> None:
    """Statements, and the texts inside them: package URLs, CPEs, notes of an Indexer."""
    try:
        vex.read(data)
    except vex.InvalidVex:
        _words(data)


def _words(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    from_text(text)
    cpe.covers(cpe.formatted(text[:2000]), text[:2000])
    try:
        purl.parse(text)
    except purl.InvalidPurl:
        return


def _contents(data: bytes) -> None:
    """What a client sends to the Matcher, when it is a message at all."""
    try:
        message = Contents.FromString(data)
    except DecodeError:
        return
    codec.from_contents(message)


def _message() -> bytes:
    message = Contents()
    message.packages["1"].name, message.packages["1"].version = "openssl", "3.0"
    message.packages["1"].normalized_version.v.extend(range(10))
    message.environments["1"].environments.add(package_db="go:x", repository_ids=["2"])
    message.repositories["2"].name = "go"
    return message.SerializeToString()


CYCLONEDX = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"purl": "pkg:npm/a@1"}]}'
DOCUMENTS: Mapping[str, tuple[Run, tuple[bytes, ...]]] = {
    "feeds of OSV": feed("osv/"),
    "feeds in XML": feed("oracle/", "amazon/"),
    "feeds in JSON and YAML": feed("debian/", "alpine/", "rhel-vex/", "manual/"),
    "bundle": (_bundle, (_lines(),)),
    "enrichments": (
        _enrichments,
        (
            test_enrichment.csaf_advisory(),
            json.dumps({"vulnerabilities": [{"cve": test_enrichment.cve()}]}).encode(),
            b'{"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2026-1", "dueDate": "2026-01-01"}]}',
            b"#model_version:v2,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-2026-1,0.1,0.5\n",
        ),
    ),
    "bill of materials": (
        _bill,
        (spdx_of("pkg:deb/debian/libc6@2?distro=debian-12", "pkg:npm/x@1"), CYCLONEDX),
    ),
    "vex and its words": (
        _vex,
        (
            openvex(statement("pkg:npm/a@1")),
            b"pkg:maven/a/b@1?type=jar#x",
            b"cpe:2.3:a:redhat:openshift:4.12:*:el8:*:*:*:*:*",
            b'too large "a": layer sha256:1: 9 bytes; nothing after it was read\nand 5 more',
        ),
    ),
    "contents": (_contents, (_message(),)),
}
