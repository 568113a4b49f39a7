"""Offline bundles: which files a release takes, and what it says of the others."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from pyrox.errors import Exhausted, Invalid
from services.central.definitions import bundle
from services.central.definitions.bundle import Release, accepted
from services.central.definitions.store import V2, V4
from tests.support.bundles import offline_bundle, packed, v4_definitions

RELEASE = Release("4.11.0")


def taken(tmp_path: Path, data: bytes, release: Release = RELEASE) -> dict[str, bytes]:
    received, scratch = tmp_path / "received", tmp_path / "scratch"
    received.write_bytes(data)
    scratch.mkdir()
    return {name: path.read_bytes() for name, path in accepted(received, scratch, release).items()}


@pytest.mark.parametrize(
    ("version", "variants"),
    [
        ("4.11.0", {"4.11.0", "4.11"}),
        ("4.4.1-extra", {"4.4.1-extra", "4.4.1", "4.4"}),
        ("4.6.x-nightly-20241004", {"4.6.x-nightly-20241004", "4.6.x-nightly", "4.6.x", "4.6"}),
        ("4.11", {"4.11"}),
    ],
)
def test_variants_go_from_the_exact_version_to_its_minor_one(version: str, variants: set[str]) -> None:
    assert Release(version).variants == variants


def test_both_parts_are_taken_and_everything_else_is_left(tmp_path: Path) -> None:
    v4, older = v4_definitions({"a": b"a"}), v4_definitions({"a": b"o"}, releases="4.10 4.9")
    data = packed(
        {
            "readme": b"x",
            "v4-definitions-v2.zip": older,
            "v4-definitions-v3.zip": v4,
            "scanner-defs.zip": b"old scanner",
            "deep/v4-definitions-v3.zip": b"no zip",
        }
    )
    assert taken(tmp_path, data) == {V2: b"old scanner", V4: v4}


INCOMPATIBLE = (
    "the uploaded bundle is incompatible with release version number '4.11.0' please upload an offline "
    "bundle that supports this release, and consider using `roxctl scanner download-db`"
)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"scanner-defs.zip": b"2"}, INCOMPATIBLE),
        ({"v4-definitions-v3.zip": v4_definitions({})}, INCOMPATIBLE),
        (
            {"scanner-defs.zip": b"2", "v4-definitions-v3.zip": v4_definitions({}, releases="4.12")},
            INCOMPATIBLE,
        ),
        ({}, INCOMPATIBLE),
        (
            {
                "scanner-defs.zip": b"2",
                "v4-definitions-a.zip": v4_definitions({}),
                "v4-definitions-b.zip": v4_definitions({}, releases="4.11.0"),
            },
            (
                "v4 definitions: found more than one supported definitions file: "
                "v4-definitions-a.zip and v4-definitions-b.zip"
            ),
        ),
        (
            {"v4-definitions-a.zip": packed({"x": b""})},
            (
                "invalid v4 definition: v4-definitions-a.zip: failed to open definitions manifest: "
                "extracting file: open manifest.json: file does not exist"
            ),
        ),
    ],
)
def test_bundle_of_another_release_or_form_is_refused(
    tmp_path: Path, members: dict[str, bytes], message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        taken(tmp_path, packed(members))
    assert caught.value.message == message


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"version": 3}', b'{"release_versions": ["4.11"]}', b"\xff"]
)
def test_manifest_of_another_form_is_refused_by_the_name_of_its_file(tmp_path: Path, raw: bytes) -> None:
    data = packed({"scanner-defs.zip": b"2", "v4-definitions-a.zip": packed({"manifest.json": raw})})
    with pytest.raises(
        Invalid, match=r"invalid v4 definition: v4-definitions-a.zip: failed to read definitions"
    ):
        taken(tmp_path, data)


def test_without_a_scanner_v4_its_definitions_are_not_looked_at(tmp_path: Path) -> None:
    data = packed({"scanner-defs.zip": b"2", "v4-definitions-a.zip": b"no zip"})
    assert taken(tmp_path, data, Release("4.11.0", scanner_v4=False)) == {V2: b"2"}


def test_second_part_of_the_old_scanner_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = twofold()
    with pytest.raises(Invalid, match=r"v2 definitions: found duplicate definition: scanner-defs.zip"):
        taken(tmp_path, twice)


def twofold() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("scanner-defs.zip", b"1")
        archive.writestr("scanner-defs.zip", b"2")
    return made.getvalue()


def encrypted() -> bytes:
    data = bytearray(packed({"scanner-defs.zip": b"x"}, zipfile.ZIP_STORED))
    for at in (data.index(b"PK\x03\x04") + 6, data.rindex(b"PK\x01\x02") + 8):
        data[at] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(packed({"scanner-defs.zip": b"some text " * 1000}))
    data[60:80] = b"\xff" * 20
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 something", offline_bundle({})[:-30], encrypted(), damaged()],
    ids=["empty", "garbage", "cut", "encrypted", "damaged"],
)
def test_file_that_is_no_readable_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Invalid, match="failed to open offline zip: "):
        taken(tmp_path, data)


@pytest.mark.parametrize("data", [b"no zip", v4_definitions({})[:-30]], ids=["garbage", "cut"])
def test_inner_file_that_is_no_readable_zip_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(
        Invalid, match=r"invalid v4 definition: v4-definitions-a.zip: failed to open definitions"
    ):
        taken(tmp_path, packed({"v4-definitions-a.zip": data}))


def test_file_that_unpacks_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 1000)
    with pytest.raises(Exhausted, match=r"scanner-defs.zip unpacks to more than 1000 bytes"):
        taken(tmp_path, packed({"scanner-defs.zip": b"\0" * 1001}))
