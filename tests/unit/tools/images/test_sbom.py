from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tools.images import contents, sbom, verify

EPOCH = 1767225600
STATUS = """\
Package: libssl3t64
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: openssl
Version: 3.5.1-1+deb13u1
Description: a library
 Package: not-a-field

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""
RELEASE = 'ID=debian\nVERSION_ID="13"\n'
METADATA = (
    "Metadata-Version: 2.4\nName: Some_Thing\nVersion: 1.2\nLicense-Expression: MIT\n\nName: in the text\n"
)
SITE = "opt/pyrox/lib/python3.13/site-packages"
BASE = {
    "etc/os-release": RELEASE,
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/info/libssl3t64:amd64.list": "/.\n/usr/lib/libssl.so.3\n/lib/moved.so\n/usr/share/doc/x\n",
    "usr/lib/libssl.so.3": "elf",
    "usr/lib/moved.so": "elf too",
}
APPLICATION = {
    f"{SITE}/some_thing-1.2.dist-info/METADATA": METADATA,
    f"{SITE}/some_thing-1.2.dist-info/RECORD": "some_thing/__init__.py,sha256=x,3\n../../../bin/x,,\n",
    f"{SITE}/some_thing/__init__.py": "x=1",
}


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def tarred(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def image(target: Path, layers: Sequence[Mapping[str, str]]) -> Path:
    """An archive as `docker save` writes it."""
    names = [f"{number}.tar" for number in range(len(layers))]
    manifest = [{"Config": f"{'c' * 64}.json", "RepoTags": ["localhost/pyrox/main:1"], "Layers": names}]
    with tarfile.open(target, "w") as tar:
        blobs = {"manifest.json": json.dumps(manifest).encode()}
        blobs |= {name: tarred(files) for name, files in zip(names, layers, strict=True)}
        for name, data in blobs.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return target


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return image(tmp_path / "main.tar", [BASE, APPLICATION])


def packages(archive: Path) -> dict[str, dict[str, object]]:
    text = sbom.document(contents.read(archive), epoch=EPOCH, version="1")
    return {package["name"]: package for package in json.loads(text)["packages"]}


def test_upper_layers_replace_and_remove_what_lies_below(tmp_path: Path) -> None:
    upper = {"a/.wh.gone": "", "b/.wh..wh..opq": "", "b/new": "2", "c/.wh.folder": "", "d": "2"}
    lower = {"a/gone": "1", "a/kept": "1", "b/old": "1", "c/folder/x": "1", "c/folders": "1", "d": "1"}
    found = contents.read(image(tmp_path / "x.tar", [lower, upper]))
    assert found.sha1 == {"a/kept": sha1("1"), "b/new": sha1("2"), "c/folders": sha1("1"), "d": sha1("2")}
    assert (found.reference, found.identity) == ("localhost/pyrox/main:1", "c" * 64)


def test_parts_are_what_dpkg_has_installed_and_python_has_metadata_of(archive: Path) -> None:
    found = [(part.kind, part.name, part.version) for part in sbom.parts(contents.read(archive))]
    assert found == [("deb", "libssl3t64", "3.5.1-1+deb13u1"), ("pypi", "Some_Thing", "1.2")]


def test_package_urls_are_those_that_scanners_compare_by(archive: Path) -> None:
    urls = [part.url("debian-13") for part in sbom.parts(contents.read(archive))]
    assert urls == [
        "pkg:deb/debian/libssl3t64@3.5.1-1+deb13u1?arch=amd64&distro=debian-13",
        "pkg:pypi/some-thing@1.2",
    ]


def test_package_carries_the_code_of_its_files_that_are_in_the_image(archive: Path) -> None:
    found = packages(archive)
    debian = "".join(sorted([sha1("elf"), sha1("elf too")]))
    assert found["libssl3t64"]["packageVerificationCode"] == {"packageVerificationCodeValue": sha1(debian)}
    assert found["Some_Thing"]["packageVerificationCode"] == {
        "packageVerificationCodeValue": sha1(sha1("x=1"))
    }
    assert found["Some_Thing"]["licenseDeclared"] == "MIT"


def test_python_package_that_dpkg_installed_is_listed_once(tmp_path: Path) -> None:
    upper = {**APPLICATION, f"{SITE}/some_thing-1.2.dist-info/INSTALLER": "dpkg\n"}
    found = sbom.parts(contents.read(image(tmp_path / "x.tar", [BASE, upper])))
    assert [part.name for part in found] == ["libssl3t64"]


def test_document_describes_the_image_and_relates_it_to_each_package(archive: Path) -> None:
    document = json.loads(sbom.document(contents.read(archive), epoch=EPOCH, version="1"))
    assert (document["spdxVersion"], document["documentDescribes"]) == ("SPDX-2.3", ["SPDXRef-image"])
    assert document["creationInfo"]["created"] == "2026-01-01T00:00:00Z"
    assert document["documentNamespace"] == f"urn:pyrox:image:main:{'c' * 64}"
    ids = [package["SPDXID"] for package in document["packages"]]
    assert ids == [
        "SPDXRef-image",
        "SPDXRef-deb-libssl3t64-3.5.1-1-deb13u1-amd64",
        "SPDXRef-pypi-Some-Thing-1.2",
    ]
    assert [relation["relatedSpdxElement"] for relation in document["relationships"]] == ids[1:]


def test_same_image_gives_the_same_bytes(archive: Path) -> None:
    first, second = (sbom.document(contents.read(archive), epoch=EPOCH, version="1") for _ in range(2))
    assert first == second


def test_scanner_and_bill_agree_on_a_whole_image(archive: Path) -> None:
    text = sbom.document(contents.read(archive), epoch=EPOCH, version="1")
    archive.with_suffix(".spdx.json").write_text(text)
    assert verify.differences(archive) == []
    assert len(verify.billed(text)) == 2


def test_difference_between_scanner_and_bill_is_named(archive: Path) -> None:
    text = sbom.document(contents.read(archive), epoch=EPOCH, version="1")
    bill = archive.with_suffix(".spdx.json")
    bill.write_text(
        text.replace("Some_Thing", "other").replace('"versionInfo": "3.5.1-1+deb13u1"', '"versionInfo": "4"')
    )
    assert verify.differences(archive) == [
        "only the scanner finds deb libssl3t64 3.5.1-1+deb13u1",
        "only the scanner finds pypi some-thing 1.2",
        "only the SBOM lists deb libssl3t64 4",
        "only the SBOM lists pypi other 1.2",
    ]
    assert verify.main([str(archive)]) == 1


def test_empty_bill_is_a_difference(tmp_path: Path) -> None:
    empty = image(tmp_path / "x.tar", [{"etc/os-release": RELEASE}])
    empty.with_suffix(".spdx.json").write_text(sbom.document(contents.read(empty), epoch=EPOCH, version="1"))
    assert verify.differences(empty) == ["the SBOM is empty"]
