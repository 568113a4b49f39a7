"""Bills of material in: our own come back, others are read, bad parts are noted."""

from __future__ import annotations

import json

import pytest

from pyrox.scan.catalogue import matchers
from pyrox.scan.matching import plan
from pyrox.scan.model import IndexReport, NoteKind
from pyrox.scan.sbom import cyclonedx, reading, spdx
from pyrox.scan.sbom.document import Document
from pyrox.scan.sbom.reading import InvalidDocument, media_type_of, read

SPDX = "text/spdx+json"


def spdx_of(*purls: str) -> bytes:
    packages = [
        {
            "externalRefs": [
                {"referenceType": "purl", "referenceLocator": purl},
                {"referenceType": "cpe23Type"},
            ]
        }
        for purl in purls
    ]
    return json.dumps({"spdxVersion": "SPDX-2.3", "packages": packages, "unknown": {"a": [1]}}).encode()


@pytest.mark.parametrize(
    ("write", "media_type"), [(spdx.write, SPDX), (cyclonedx.write, cyclonedx.MEDIA_TYPE)]
)
def test_own_document_asks_the_same_questions_as_the_image(
    report: IndexReport, document: Document, write: object, media_type: str
) -> None:
    raw = write(report, document)  # type: ignore[operator]  # one of the two writers
    assert media_type_of(raw) == media_type
    found = read(raw, media_type)
    asked = {(q.namespace, q.package, q.kind, q.key, q.arch) for q in plan(found, matchers()).lookups}
    assert asked == {
        (q.namespace, q.package, q.kind, q.key, q.arch) for q in plan(report, matchers()).lookups
    }
    assert ("debian:12", "glibc") in {question[:2] for question in asked}
    assert (len(found.distributions), len(found.repositories), found.notes) == (1, 1, ())


def test_same_url_twice_is_one_package_and_sources_have_ids() -> None:
    found = read(
        spdx_of(
            "pkg:deb/debian/libc6@2?distro=debian-12&upstream=glibc",
            "pkg:deb/debian/libc-bin@2?distro=debian-12&upstream=glibc",
            "pkg:deb/debian/libc6@2?distro=debian-12&upstream=glibc",
            "pkg:npm/x@1",
        ),
        SPDX,
    )
    assert [package.name for package in found.packages.values()] == ["libc6", "libc-bin", "x"]
    assert found.source_ids == {"1": "4", "2": "4"}
    assert list(found.distributions) == ["1"]


def test_parts_that_cannot_be_looked_up_are_noted_and_the_rest_goes_on() -> None:
    found = read(spdx_of("nonsense", "pkg:docker/x@1", "pkg:pypi/a@1"), "application/spdx+json")
    assert [(note.kind, note.subject) for note in found.notes] == [
        (NoteKind.MALFORMED, "nonsense"),
        (NoteKind.UNSUPPORTED, "pkg:docker/x@1"),
    ]
    assert [package.name for package in found.packages.values()] == ["a"]


def test_red_hat_repository_is_asked_for_its_cpes() -> None:
    raw = spdx_of("pkg:rpm/redhat/bash@5-1?distro=rhel-9&repository_id=baseos")
    found = read(raw, SPDX, lambda name: [f"cpe:/o:{name}"])
    assert [repository.cpe for repository in found.repositories.values()] == ["cpe:/o:baseos"]
    assert read(raw, SPDX).packages == {}


def test_nested_components_are_read_to_a_depth() -> None:
    component: dict[str, object] = {"type": "library", "name": "end", "purl": "pkg:npm/end@1"}
    for number in range(80):
        component = {"type": "library", "name": "x", "purl": f"pkg:npm/x@{number}", "components": [component]}
    raw = json.dumps({"bomFormat": "CycloneDX", "components": [component]}).encode()
    assert len(read(raw, cyclonedx.MEDIA_TYPE).packages) == 65


def test_component_without_a_distribution_takes_the_documents_only_system() -> None:
    components = [
        {"type": "operating-system", "name": "alpine", "version": "3.19.1"},
        {"type": "library", "name": "busybox", "purl": "pkg:apk/alpine/busybox@1.36.1-r15"},
    ]
    raw = json.dumps({"bomFormat": "CycloneDX", "components": components}).encode()
    found = read(raw, cyclonedx.MEDIA_TYPE)
    assert [system.version for system in found.distributions.values()] == ["3.19"]


@pytest.mark.parametrize(
    ("raw", "media_type", "words"),
    [
        (b"{", SPDX, "no JSON of that form"),
        (b'{"spdxVersion": "SPDX-3.0"}', SPDX, "SPDX-2.x is read"),
        (b"{}", cyclonedx.MEDIA_TYPE, "CycloneDX is read"),
        (b"{}", "text/plain", "media type 'text/plain' is not read"),
        (b'{"spdxVersion": 1}', SPDX, "no JSON of that form"),
        (b'{"components":' * 100_000, cyclonedx.MEDIA_TYPE, "no JSON of that form"),
        (b'{"spdxVersion":"SPDX-2.3","x":' + b"[" * 100_000, SPDX, "no JSON of that form"),
    ],
)
def test_document_of_another_form_is_refused(raw: bytes, media_type: str, words: str) -> None:
    with pytest.raises(InvalidDocument, match=words):
        read(raw, media_type)


def test_document_over_a_limit_is_cut_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MAX_PACKAGES", 2)
    found = read(spdx_of(*(f"pkg:npm/x@{n}" for n in range(5))), SPDX)
    assert (len(found.packages), [note.kind for note in found.notes]) == (2, [NoteKind.TOO_MANY])
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(InvalidDocument, match="at most 10 are read"):
        read(spdx_of(), SPDX)


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"\xff", b'{"spdxVersion": "SPDX-1.2"}'])
def test_document_that_claims_no_form_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match=r"no JSON|neither spdxVersion"):
        media_type_of(raw)
