"""What a directory of advisories says of an image: fixable, refused, not judged."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools.images import findings

RELEASE = b'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'
STATUS = b"""Package: libssl3t64
Status: install ok installed
Source: openssl
Version: 3.5.0-1
Architecture: amd64

"""
METADATA = b"Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3\n"
FILES = {
    "etc/os-release": RELEASE,
    "var/lib/dpkg/status": STATUS,
    "usr/local/lib/python3.13/site-packages/PyYAML-5.3.dist-info/METADATA": METADATA,
}


def tar(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """An image of Debian 13 with one package of Debian and one of Python."""
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["layer.tar"]}]).encode()
    path = tmp_path / "made.tar"
    path.write_bytes(tar({"manifest.json": manifest, "c.json": b"{}", "layer.tar": tar(FILES)}))
    return str(path)


def tracker(feeds: Path, urgency: str, fixed: str) -> None:
    """Debian's tracker, with one issue of OpenSSL."""
    releases = {"trixie": {"status": "resolved", "urgency": urgency, "fixed_version": fixed}}
    (feeds / "debian").mkdir(parents=True)
    issue = {"openssl": {"CVE-2026-1": {"releases": releases}}}
    (feeds / "debian" / "tracker.json").write_text(json.dumps(issue))


def python(feeds: Path, severity: list[dict[str, str]]) -> None:
    """OSV's documents, with one of PyYAML."""
    document = {
        "id": "PYSEC-2026-1",
        "modified": "2026-01-01T00:00:00Z",
        "aliases": ["CVE-2026-2"],
        "severity": severity,
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "pyyaml"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.4"}]}],
            }
        ],
    }
    (feeds / "osv" / "PyPI").mkdir(parents=True)
    with zipfile.ZipFile(feeds / "osv" / "PyPI" / "all.zip", "w") as made:
        made.writestr("PYSEC-2026-1.json", json.dumps(document))


def judge(capsys: pytest.CaptureFixture[str], feeds: Path, archive: str) -> tuple[int, str]:
    code = findings.main(str(feeds), [archive])
    return code, capsys.readouterr().out


def test_fixable_critical_package_of_debian_13_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, archive: str
) -> None:
    tracker(tmp_path / "feeds", "high", "3.5.1-1")
    code, said = judge(capsys, tmp_path / "feeds", archive)
    assert code == 1
    assert "REFUSED: libssl3t64 3.5.0-1: CVE-2026-1, critical, fixed in 3.5.1-1" in said
    assert "1 packages judged by debian/updater of " in said
    assert "1 packages not judged: no feed for pypi" in said


@pytest.mark.parametrize(
    ("urgency", "fixed", "told"),
    [
        ("medium", "3.5.1-1", "fixable: libssl3t64 3.5.0-1: CVE-2026-1, important, fixed in 3.5.1-1"),
        ("high", "", "1 findings, 0 of them fixable"),
        ("high", "3.5.0-1", "0 findings, 0 of them fixable"),
    ],
)
def test_what_is_not_critical_or_has_no_fix_is_told_and_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, archive: str, urgency: str, fixed: str, told: str
) -> None:
    tracker(tmp_path / "feeds", urgency, fixed)
    code, said = judge(capsys, tmp_path / "feeds", archive)
    assert code == 0, said
    assert told in said


def test_fix_of_an_advisory_without_a_severity_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, archive: str
) -> None:
    python(tmp_path / "feeds", [])
    code, said = judge(capsys, tmp_path / "feeds", archive)
    assert code == 1
    assert "CVE-2026-2, of no known severity, fixed in 5.4" in said
    assert "not judged: no feed for debian:13" in said


def test_moderate_python_package_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, archive: str
) -> None:
    vector = "CVSS:3.1/AV:N/AC:H/PR:L/UI:R/S:U/C:L/I:L/A:L"
    python(tmp_path / "feeds", [{"type": "CVSS_V3", "score": vector}])
    code, said = judge(capsys, tmp_path / "feeds", archive)
    assert code == 0, said
    assert "fixable: " in said


def test_directory_without_advisories_judges_nothing_and_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, archive: str
) -> None:
    (tmp_path / "feeds").mkdir()
    code, said = judge(capsys, tmp_path / "feeds", archive)
    assert code == 0
    assert "judged by" not in said
    assert "not judged: no feed for debian:13; 1 packages not judged: no feed for pypi" in said
