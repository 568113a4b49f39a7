"""`scannerctl` against a running Indexer and Matcher, as a person uses it."""

from __future__ import annotations

import asyncio
import io
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pyrox.mtls.identity import CENTRAL
from services.scannerctl import main
from services.scannerctl.command import Streams
from tests.support import pg, scanner
from tests.support.definitions import archive, debian, lines, osv
from tests.support.fake_registry import FakeRegistry, digest_of, layer_of, running
from tests.support.pki import Pki

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.asyncio(loop_scope="module")]

LAYER = layer_of(
    {
        "etc/os-release": b'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n'
        b"VERSION_CODENAME=bookworm\nPRETTY_NAME=Debian\n",
        "var/lib/dpkg/status": b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\n"
        b"Version: 3.0.11-1~deb12u1\n\n",
        "app/node_modules/lodash/package.json": json.dumps({"name": "lodash", "version": "4.17.4"}).encode(),
    }
)
HITS = {"CVE-2099-0001", "GHSA-jf85-cpcp-j695"}


@dataclass
class Site:
    """The services, and an image in a registry."""

    flags: list[str]
    image: str
    digest: str

    async def run(self, word: str, *arguments: str, code: int = 0) -> Any:
        """The output as JSON; the error text when another code is expected."""
        streams = Streams(stdin=io.BytesIO(), out=io.StringIO(), err=io.StringIO(), environment={})
        found = await asyncio.to_thread(main.run, [*self.flags, word, *arguments], streams)
        out, err = streams.out, streams.err
        assert isinstance(out, io.StringIO)
        assert isinstance(err, io.StringIO)
        assert found == code, err.getvalue()
        return (
            json.loads(out.getvalue())
            if code == 0 and out.getvalue().startswith("{")
            else (out.getvalue() if code == 0 else err.getvalue())
        )


@pytest.fixture(scope="module")
def registry() -> Iterator[FakeRegistry]:
    with running(FakeRegistry()) as fake:
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    pg_server: pg.TestServer, registry: FakeRegistry, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("scannerctl")
    pki, settings = Pki(directory / "pki"), pg_server.database()
    bundle = directory / "vulnerabilities.zip"
    rows = {
        "debian": lines([debian("CVE-2099-0001", "openssl", "3.0.15-1~deb12u1")]),
        "osv": lines([osv("GHSA-jf85-cpcp-j695", "npm", "lodash", "fixed=4.17.12")]),
    }
    bundle.write_bytes(archive(rows))
    certs = scanner.certificates(pki, CENTRAL)
    digest = registry.push("team/app", "1", [LAYER])
    async with scanner.indexer(settings, pki) as indexer:
        at = f"127.0.0.1:{indexer.front.addresses[0][1]}"
        more = {
            "SCANNER_V4_MATCHER_VULNERABILITIES_URL": bundle.as_uri(),
            "SCANNER_V4_MATCHER_INDEXER_ADDR": at,
        }
        async with scanner.matcher(settings, pki, **more) as matcher:
            await scanner.loaded(matcher)
            flags = [
                "--certs", str(certs), "--indexer-address", at,
                "--matcher-address", f"127.0.0.1:{matcher.front.addresses[0][1]}",
            ]  # fmt: skip
            yield Site(flags, f"{registry.base}/team/app:1", digest)


def hits(report: dict[str, Any]) -> set[str]:
    return {item["name"] for item in report["vulnerabilities"].values()}


async def test_scan_prints_the_report_as_go_does(site: Site) -> None:
    report = await site.run("scan", site.image)
    assert report["hash_id"] == f"/v4/containerimage/{site.digest}"
    assert hits(report) == HITS
    found = next(v for v in report["vulnerabilities"].values() if v["name"] == "CVE-2099-0001")
    assert (found["issued"], found["normalized_severity"]) == ({"seconds": 1767225600}, 3)
    assert "packagesDEPRECATED" in report["contents"]


async def test_index_in_its_own_process_is_what_the_indexer_reports(
    site: Site, registry: FakeRegistry
) -> None:
    # Large enough to be divided between two processes.
    large = layer_of({"large": random.Random(1).randbytes(9 << 20), "usr/lib/os-release": b"ID=debian\n"})
    registry.push("team/large", "1", [LAYER, large, LAYER])
    image = site.image.replace("team/app", "team/large")
    expected = await site.run("scan", image, "--index-only")
    command = [sys.executable, "-m", "services.scannerctl", "index", image]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


async def test_layer_that_lies_ends_the_index_with_one_line(site: Site, registry: FakeRegistry) -> None:
    other = layer_of({"etc/other": b"x"})
    digest = registry.push("team/lies", "1", [other])
    registry.lies[digest_of(other)] = other + b"more"
    image = site.image.replace("team/app", "team/lies")
    error = await site.run("index", image, code=1)
    assert error.startswith("scannerctl index: ")
    assert digest_of(other) in error
    assert digest


async def test_index_report_in_a_file_is_matched_without_the_image(site: Site, tmp_path: Path) -> None:
    index = await site.run("scan", site.image, "--index-only")
    assert (index["state"], index["success"]) == ("IndexFinished", True)
    file = tmp_path / "index.json"
    file.write_text(json.dumps(index))
    assert hits(await site.run("match", "--index-report-file", str(file))) == HITS
    full = await site.run("match", "--full", "--index-report-file", str(file))
    assert full["coverage"]["complete"] is True


async def test_stored_report_is_matched_by_its_digest_and_as_of_a_date(site: Site) -> None:
    await site.run("scan", site.image)
    assert hits(await site.run("match", site.digest)) == HITS
    assert hits((await site.run("match", site.digest, "--as-of", "2026-08-02T00:00:00Z"))["report"]) == HITS
    early = await site.run("match", site.digest, "--as-of", "2020-01-01T00:00:00Z")
    assert (early["sources_not_known_then"], "vulnerabilities" in early["report"]) == (
        ["debian", "osv"],
        False,
    )


@pytest.mark.parametrize("form", ["spdx", "cyclonedx"])
async def test_bill_of_materials_goes_out_and_its_scan_has_the_same_hits(
    site: Site, tmp_path: Path, form: str
) -> None:
    document = await site.run("sbom", site.image, "--format", form)
    if form == "cyclonedx":
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    else:
        assert (document["name"], document["spdxVersion"]) == (site.digest, "SPDX-2.3")
    file = tmp_path / "sbom.json"
    file.write_text(json.dumps(document))
    assert hits(await site.run("scan-sbom", str(file))) == HITS


async def test_explanation_is_one_line_for_each_row(site: Site) -> None:
    await site.run("scan", site.image)
    text = await site.run("explain", site.digest, "--package", "lodash")
    assert text == (
        "lodash 4.17.4: hit GHSA-jf85-cpcp-j695 (osv/npm) < 4.17.12: "
        "4.17.4 against from the first version before 4.17.12 (semver)\n"
    )
    found = await site.run("explain", site.digest, "--json", "--vulnerability", "CVE-2099-0001")
    assert "hit" in {item["outcome"] for item in found["explanations"]}


async def test_statement_is_added_applied_and_deleted(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "vex.json"
    statement = {
        "vulnerability": {"name": "CVE-2099-0001"},
        "products": [{"@id": "pkg:deb/debian/openssl"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    }
    head = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "urn:vex:1",
        "timestamp": "2026-11-01T00:00:00Z",
    }
    file.write_text(json.dumps({**head, "statements": [statement]}))
    await site.run("scan", site.image)
    assert await site.run("vex", "add", str(file)) == {"id": "urn:vex:1", "statements": 1}
    ended = await site.run("match", site.digest)
    assert [d["id"] for d in (await site.run("vex", "list"))["documents"]] == ["urn:vex:1"]
    await site.run("vex", "delete", "urn:vex:1")
    assert len(ended["package_not_vulnerable"]) == 1
    assert hits(await site.run("match", site.digest)) == HITS
    assert "vulnerabilities" in await site.run("match", site.digest)


async def test_affected_images_are_listed(site: Site) -> None:
    await site.run("scan", site.image)
    found = await site.run("affected", "CVE-2099-0001")
    assert [(item["package"], item["version"]) for item in found["affected"]] == [
        ("openssl", "3.0.11-1~deb12u1")
    ]


async def test_service_whose_certificate_nobody_checks_still_wants_a_caller(site: Site) -> None:
    text = await site.run("match", site.digest, "--insecure-skip-tls-verify", code=1)
    assert "UNAUTHENTICATED" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["match", "sha256:" + "0" * 64], "NOT_FOUND"),
        (["match", "nothing"], "give a digest"),
        (["match"], "name an image by its digest"),
        (["match", "--index-report-file", "/missing"], "/missing: No such file"),
        (["scan", "ftp://x/y:1"], "the scheme must be http or https"),
        (["scan-sbom", "/missing"], "/missing: No such file"),
        (["vex", "add"], "name a file"),
        (["vex", "delete", "urn:none"], "VEX document 'urn:none' not found"),
        (["explain", "sha256:" + "0" * 64], "index report"),
    ],
)
async def test_failure_names_the_object(site: Site, arguments: list[str], words: str) -> None:
    assert words in await site.run(*arguments, code=1)


async def test_indexing_can_be_forbidden(site: Site, registry: FakeRegistry) -> None:
    other = registry.push("team/other", "1", [layer_of({"etc/motd": b"other"})])
    text = await site.run("sbom", f"{registry.base}/team/other@{other}", "--skip-indexing", code=1)
    assert "NOT_FOUND" in text
