"""Indexing in this process: an archive's packages, what is asked wrongly, Red Hat's content."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from pyrox.scan.model import Distribution, Finds, LayerFinds, Package, Repository
from pyrox.scan.repositories import repoid_repository
from services.scannerctl import main
from services.scannerctl.command import Streams
from services.scannerctl.index import Indexed, report_of

STATUS = b"Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n\n"


def streams() -> Streams:
    return Streams(stdin=io.BytesIO(), out=io.StringIO(), err=io.StringIO(), environment={})


def tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return out.getvalue()


def test_archive_becomes_the_report_that_match_takes(tmp_path: Path) -> None:
    layer = tar({"var/lib/dpkg/status": STATUS, "etc/os-release": b'ID=debian\nVERSION_ID="12"\n'})
    manifest = json.dumps([{"Config": "c", "Layers": ["l", "l"]}]).encode()
    (tmp_path / "image.tar").write_bytes(tar({"manifest.json": manifest, "c": b"{}", "l": layer}))
    given = streams()
    assert main.run(["index", "--archive", str(tmp_path / "image.tar")], given) == 0
    assert isinstance(given.out, io.StringIO)
    report = json.loads(given.out.getvalue())
    assert (report["state"], report["success"]) == ("IndexFinished", True)
    assert [package["name"] for package in report["contents"]["packages"].values()] == ["bash"]
    assert [d["version_id"] for d in report["contents"]["distributions"].values()] == ["12"]


@pytest.mark.parametrize("words", [[], ["https://x/y", "--archive", "z"]])
def test_one_place_must_be_named(words: list[str]) -> None:
    given = streams()
    assert main.run(["index", *words], given) == 1
    assert isinstance(given.err, io.StringIO)
    assert "either an image or an --archive" in given.err.getvalue()


def test_red_hats_content_comes_with_a_note() -> None:
    found = Finds(
        packages=(Package("bash", "5-1", "rpm", package_db="sqlite:var/lib/rpm"),),
        distributions=(Distribution("rhel", "Red Hat Enterprise Linux", version_id="9"),),
        repositories=(repoid_repository("rhel-9-baseos"), Repository("other")),
    )
    report = report_of(Indexed("/v4/containerimage/sha256:1", [LayerFinds("sha256:1", {"rpm": found})]))
    assert "Red Hat's mapping files are not asked for here" in report.err
    assert [package.name for package in report.contents.packages.values()] == ["bash"]
