"""Feeds that were damaged anywhere: every parser names what it leaves out, and none raises."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.scan import catalogue
from pyrox.scan.advisories.model import ParsedAdvisory, Skipped
from tests.unit.pyrox.scan.advisories import oval_documents as oval
from tests.unit.pyrox.scan.advisories.vex_documents import OPENSHIFT, RHEL8, document

_AFFECTED = {
    "package": {"ecosystem": "PyPI", "name": "a"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0"}]}],
    "versions": ["1"],
}
_OSV = {"id": "A", "aliases": ["CVE-2020-1111"], "affected": [_AFFECTED], "severity": [{"score": "AV:N"}]}
_PACKAGES = [
    (RHEL8, "pkg:rpm/redhat/curl@7.61.1-33.el8?arch=x86_64&epoch=1"),
    (OPENSHIFT, "pkg:oci/a?tag=v4.1-2"),
]
_SECDB = {"distroversion": "v3.19", "packages": [{"pkg": {"name": "a", "secfixes": {"1-r0": ["CVE-1"]}}}]}
_TRACKER = {"zlib": {"CVE-1": {"releases": {"bookworm": {"fixed_version": "1:1.2-1", "urgency": "low"}}}}}
_TESTS = (oval.Test("a b", "1-1", arch="x86_64"), oval.Test("c"))
_OVAL = oval.document([oval.Entry("CVE-2020-1111", _TESTS, cves=("CVE-2020-1111",))])
_UPDATE = (
    b'<updates><update type="security"><id>A</id><severity>low</severity><pkglist><collection>'
    b'<package name="a" version="1" release="2" arch="x"/></collection></pkglist></update></updates>'
)
_MANUAL = b"- Name: a\n  FixedInVersion: fixed=1\n  Package:\n    Name: b\n  Repo:\n    Name: npm\n"
FEEDS = {
    "osv/PyPI/x.json": json.dumps(_OSV).encode(),
    "debian/tracker.json": json.dumps(_TRACKER).encode(),
    "alpine/v3.19/main.json": json.dumps(_SECDB).encode(),
    "rhel-vex/x.json": document({"fixed": _PACKAGES, "known_not_affected": _PACKAGES}),
    "manual/x.yaml": _MANUAL,
    "amazon/AL2/updateinfo.xml": _UPDATE,
    "suse/opensuse.leap.15.5.xml": _OVAL,
}
_PIECES = (
    b"null", b"-1", b"1e999", b'"', b"{", b"[", b"\x00", b"9" * 400, b"&x;", b"</", b"*a", b"\xff",
    b"<!DOCTYPE a [",
)  # fmt: skip


def damaged(content: bytes, seed: int) -> bytes:
    """The content after a few changes: bytes replaced, cut out, doubled, or something put in."""
    chooser, data = random.Random(seed), bytearray(content)
    for _ in range(chooser.randint(1, 6)):
        place, kind = chooser.randrange(len(data) or 1), chooser.randrange(4)
        if kind == 0 and data:
            data[place] = chooser.randrange(256)
        elif kind == 1:
            del data[place : place + chooser.randint(1, 20)]
        elif kind == 2:
            data[place:place] = data[max(0, place - 30) : place]
        else:
            data[place:place] = chooser.choice(_PIECES)
    return bytes(data)


@pytest.mark.parametrize("path", FEEDS)
def test_undamaged_feed_gives_an_advisory(path: str) -> None:
    (source,) = (s for s in catalogue.sources() if s.accepts(path))
    assert any(isinstance(item, ParsedAdvisory) and item.rows for item in source.parse(path, FEEDS[path]))


@pytest.mark.parametrize("path", FEEDS)
@given(seed=st.integers(0, 2**32))
def test_damaged_feed_gives_items_with_names_and_reasons(path: str, seed: int) -> None:
    (source,) = (s for s in catalogue.sources() if s.accepts(path))
    for item in source.parse(path, damaged(FEEDS[path], seed)):
        if isinstance(item, Skipped):
            assert item.document
            assert item.reason
            assert len(item.reason) <= 250
        else:
            assert all(row.lo < row.hi for row in item.rows)


@pytest.mark.parametrize("path", FEEDS)
@pytest.mark.parametrize(
    "bomb",
    [b"[" * 10_000, b'{"a":' * 10_000, b"<a>" * 10_000, b"", b"\x1f\x8b", b"BZh9", b"\x00" * 1_000_000],
    ids=["lists", "maps", "elements", "nothing", "gzip", "bzip2", "zeros"],
)
def test_bomb_is_skipped_by_name(path: str, bomb: bytes) -> None:
    (source,) = (s for s in catalogue.sources() if s.accepts(path))
    found = list(source.parse(path, bomb))
    assert all(isinstance(item, Skipped) and item.document and item.reason for item in found)
    assert found or (path.startswith("manual/") and not bomb)
