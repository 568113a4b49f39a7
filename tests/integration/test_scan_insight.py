"""Questions beyond upstream's API: coverage, reasons, the past, images, VEX; and bills of material."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format

from pyrox.mtls.identity import CENTRAL, SCANNER_V4_MATCHER, Subject
from pyrox.mtls.reload import ClientTls
from pyrox.pb.internalapi.scanner.v4 import matcher_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.matcher_service_pb2_grpc import MatcherStub
from pyrox.rpc.client import Target, http_client
from services.scanner_matcher.app import App
from tests.support import pg, scanner
from tests.support.definitions import archive, debian, lines, osv
from tests.support.pki import SENSOR, Pki

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.asyncio(loop_scope="module")]

DIGEST = "sha256:" + "a" * 64
HASH = f"/v4/containerimage/{DIGEST}"
MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))
IN_MARCH = [debian("CVE-2099-0001", "openssl"), debian("CVE-2099-0003", "openssl", "3.0.11")]
IN_APRIL = [debian("CVE-2099-0001", "openssl", "3.0.15"), debian("CVE-2099-0002", "glibc")]
OSV = [osv("GHSA-2222-3333-4444 CVE-2018-18074", "pypi", "requests", "fixed=2.20.0")]


def contents() -> Contents:
    made = Contents()
    for key, name, version, source in (
        ("8", "libc6", "2.36-9", "glibc"),
        ("10", "openssl", "3.0.11", "openssl"),
    ):
        package = made.packages[key]
        package.id, package.name, package.version, package.kind = key, name, version, "binary"
        package.source.id, package.source.name, package.source.version = f"1{key}", source, version
        package.source.kind = "source"
        place = made.environments[key].environments.add()
        place.package_db, place.distribution_id, place.introduced_in = "var/lib/dpkg/status", "1", DIGEST
    for key, name, repository in (("4", "requests", "2"), ("5", "left-pad", "3")):
        package = made.packages[key]
        package.id, package.name, package.version, package.kind = key, name, "2.19.0", "binary"
        made.environments[key].environments.add().repository_ids.append(repository)
    made.repositories["2"].id, made.repositories["2"].name = "2", "pypi"
    made.repositories["3"].id, made.repositories["3"].name = "3", "npm"
    made.distributions["1"].id, made.distributions["1"].did, made.distributions["1"].version_id = (
        "1",
        "debian",
        "12",
    )
    return made


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest_asyncio.fixture(loop_scope="module")
async def matcher(pg_server: pg.TestServer, pki: Pki, tmp_path: Path) -> AsyncIterator[App]:
    """A Matcher that has loaded the bundle of March, then that of April."""
    file = tmp_path / "vulnerabilities.zip"
    file.write_bytes(archive({"debian": lines(IN_MARCH), "osv": lines(OSV)}, MARCH))
    more = {"SCANNER_V4_MATCHER_VULNERABILITIES_URL": file.as_uri()}
    async with scanner.matcher(pg_server.database(), pki, **more) as running:
        await scanner.loaded(running)
        file.write_bytes(archive({"debian": lines(IN_APRIL), "osv": lines(OSV)}, APRIL))
        assert (await running.updates.round()).loaded == ["debian", "osv"]
        yield running


class Asker:
    """Puts questions as JSON."""

    def __init__(self, address: tuple[str, int], pki: Pki, subject: Subject) -> None:
        where = f"{address[0]}:{address[1]}"
        self._where = f"https://{where}/pyrox/v1/"
        tls = ClientTls(authorities=[pki.ca_file], certificate=pki.files(subject))
        self.client = http_client(Target(where, SCANNER_V4_MATCHER.hostname), tls=tls, timeout=60)

    async def __call__(self, what: str, method: str = "POST", **question: Any) -> tuple[int, dict[str, Any]]:
        body = json.dumps(question).encode()
        answer = await self.client.request(method, self._where + what, content=body)
        return answer.status_code, answer.json()


@asynccontextmanager
async def asking(running: App, pki: Pki, subject: Subject = CENTRAL) -> AsyncIterator[Asker]:
    asker = Asker(running.front.addresses[0], pki, subject)
    async with asker.client:
        yield asker


def question(**more: Any) -> dict[str, Any]:
    return {"hash_id": HASH, "contents": json_format.MessageToDict(contents()), **more}


def found(answer: dict[str, Any]) -> dict[str, list[str]]:
    report = answer["report"]
    names = {key: report["vulnerabilities"][key]["name"] for key in report.get("vulnerabilities", {})}
    return {
        report["contents"]["packages"][key]["name"]: sorted(names[v] for v in listed["values"])
        for key, listed in report.get("package_vulnerabilities", {}).items()
    }


async def test_scan_says_what_it_could_see(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki) as ask:
        status, answer = await ask("scan", **question())
    assert status == 200
    assert found(answer) == {
        "openssl": ["CVE-2099-0001"], "libc6": ["CVE-2099-0002"], "requests": ["CVE-2018-18074"],
    }  # fmt: skip
    verdicts = {item["package_id"]: item for item in answer["coverage"]["packages"]}
    assert (verdicts["10"]["verdict"], verdicts["5"]["verdict"]) == ("matched", "no feed")
    assert verdicts["10"]["feeds"] == [{"source": "debian", "as_of": "2026-04-01T00:00:00Z"}]
    assert verdicts["5"]["detail"] == "nothing is loaded for npm"
    layers = {layer["digest"]: layer["counts"] for layer in answer["coverage"]["layers"]}
    assert layers[DIGEST] == [["matched", 2]]
    assert answer["coverage"]["complete"] is False


async def test_scan_as_of_a_date_is_what_the_bundles_of_then_said(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki) as ask:
        march = (await ask("scan", **question(as_of="2026-03-15T00:00:00Z")))[1]
        april = (await ask("scan", **question(as_of=APRIL.isoformat())))[1]
        before = (await ask("scan", **question(as_of="2026-01-01")))[1]
    assert found(march) == {"openssl": ["CVE-2099-0001"], "requests": ["CVE-2018-18074"]}
    (openssl,) = (v for v in march["report"]["vulnerabilities"].values() if v["name"] == "CVE-2099-0001")
    assert "fixed_in_version" not in openssl
    assert found(april)["libc6"] == ["CVE-2099-0002"]
    assert march["sources_not_known_then"] == april["sources_not_known_then"] == []
    assert (found(before), before["sources_not_known_then"]) == ({}, ["debian", "osv"])


async def test_history_goes_on_over_more_loads_and_the_end_of_a_source(
    matcher: App, pki: Pki, tmp_path: Path
) -> None:
    file = tmp_path / "vulnerabilities.zip"
    file.write_bytes(archive({"debian": lines(IN_MARCH)}, MAY))
    done = await matcher.updates.round()
    assert (done.loaded, done.removed) == (["debian"], ["osv"])
    async with asking(matcher, pki) as ask:
        now = (await ask("scan", **question()))[1]
        april = (await ask("scan", **question(as_of="2026-04-15T00:00:00Z")))[1]
        may = (await ask("scan", **question(as_of="2026-05-15T00:00:00Z")))[1]
    assert found(now) == {"openssl": ["CVE-2099-0001"]}
    assert found(april) == {
        "openssl": ["CVE-2099-0001"], "libc6": ["CVE-2099-0002"], "requests": ["CVE-2018-18074"],
    }  # fmt: skip
    assert "libc6" not in found(may)


async def test_explanation_has_hit_miss_and_silence(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki) as ask:
        status, answer = await ask("explain", **question(package="openssl"))
    assert status == 200
    told = [
        (item["outcome"], item["asked_as"], item["advisory"], item["range"])
        for item in answer["explanations"]
    ]
    assert told == [
        ("hit", "source openssl", "CVE-2099-0001", "< 3.0.15"),
        ("no advisory", "binary openssl", "", ""),
    ]
    assert answer["explanations"][0]["reason"].startswith(
        "3.0.11 against from the first version before 3.0.15"
    )


async def test_advisory_tells_the_images_that_it_hits(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki) as ask:
        assert (await ask("affected", vulnerability="CVE-2018-18074"))[1]["affected"] == []
        await ask("scan", **question())
        for _ in range(100):
            status, answer = await ask("affected", vulnerability="ghsa-2222-3333-4444")
            if answer["affected"]:
                break
    assert (status, answer["complete"]) == (200, True)
    (hit,) = answer["affected"]
    assert (hit["hash_id"], hit["package"], hit["version"], hit["fixed_in"]) == (
        HASH,
        "requests",
        "2.19.0",
        "2.20.0",
    )
    assert hit["advisory"] == "CVE-2018-18074"


async def test_image_that_changed_is_asked_about_as_it_is(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki) as ask:
        await ask("scan", **question())
        mended = question()
        mended["contents"]["packages"]["4"]["version"] = "2.20.0"
        await ask("scan", **mended)
        for _ in range(100):
            answer = (await ask("affected", vulnerability="CVE-2018-18074"))[1]
            others = (await ask("affected", vulnerability="CVE-2099-0002"))[1]
            if others["affected"] and not answer["affected"]:
                break
    assert answer["affected"] == []
    assert [item["package"] for item in others["affected"]] == ["glibc"]


def vex(status: str, **more: Any) -> dict[str, Any]:
    statement = {
        "vulnerability": {"name": "CVE-2099-0001"}, "products": [{"@id": DIGEST}], "status": status, **more,
    }  # fmt: skip
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex-1",
        "timestamp": "2026-11-01T00:00:00Z",
        "statements": [statement],
    }


async def test_vex_document_ends_a_hit_and_is_kept_as_the_reason(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki) as ask:
        added = await ask("vex", **vex("not_affected", impact_statement="not compiled in"))
        answer = (await ask("scan", **question()))[1]
        explained = (await ask("explain", **question(vulnerability="CVE-2099-0001", package="openssl")))[1]
        listed = (await ask("vex", "GET"))[1]
        gone = await ask("vex?id=https%3A%2F%2Fexample.org%2Fvex-1", "DELETE")
        after = (await ask("scan", **question()))[1]
        missing = await ask("vex?id=https%3A%2F%2Fexample.org%2Fvex-1", "DELETE")
    assert added == (200, {"id": "https://example.org/vex-1", "statements": 1})
    assert "openssl" not in found(answer)
    assert list(answer["report"]["package_not_vulnerable"]) == ["10"]
    assert [item["reason"] for item in answer["overruled"]] == [
        "https://example.org/vex-1 says not_affected (not compiled in)"
    ]
    assert explained["explanations"][0]["outcome"] == "overruled"
    assert [(item["id"], item["vulnerabilities"]) for item in listed["documents"]] == [
        ("https://example.org/vex-1", 1)
    ]
    assert (gone[0], "openssl" in found(after), missing[0]) == (200, True, 404)


async def test_bad_questions_are_refused_with_the_reason(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki) as ask:
        answers = [
            await ask("scan", hash_id="x"),
            await ask("scan", **question(as_of="soon")),
            await ask("scan", **question(contents={"packages": 1})),
            await ask("scan", **question(hash_id=5)),
            await ask("affected"),
            await ask("vex", **vex("harmless")),
            await ask("nothing"),
            await ask("scan", "GET"),
            await ask("scan", hash_id=HASH),
        ]
    assert [status for status, _ in answers] == [400, 400, 400, 400, 400, 400, 404, 404, 400]
    words = [answer["message"] for _, answer in answers]
    assert "must start with" in words[0]
    assert "write it as 2026-11-24T12:00:00Z" in words[1]
    assert words[5].endswith("statement 1: status 'harmless' is none of OpenVEX")
    assert "POST /pyrox/v1/scan" in words[6]


async def test_only_central_may_ask(matcher: App, pki: Pki) -> None:
    async with asking(matcher, pki, SENSOR) as ask:
        status, answer = await ask("vex", "GET")
    assert (status, answer["code"]) == (403, 7)


async def test_bill_of_materials_goes_out_and_comes_in_with_the_same_hits(matcher: App, pki: Pki) -> None:
    async with scanner.channel(matcher.front.addresses[0], pki, CENTRAL, SCANNER_V4_MATCHER) as channel:
        client = MatcherStub(channel)
        names = {"id": DIGEST, "name": "team/app:1", "uri": "https://example.org/team/app-1"}
        written = await client.GetSBOM(pb.GetSBOMRequest(**names, contents=contents()))
        scanned = await client.ScanSBOM(
            pb.ScanSBOMRequest(sbom=written.sbom, media_type="text/spdx+json; x=1")
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await client.ScanSBOM(pb.ScanSBOMRequest(sbom=written.sbom, media_type="text/plain"))
    assert json.loads(written.sbom)["comment"] == "Generated for 'team/app:1'"
    report = {
        "report": json_format.MessageToDict(scanned.vulnerability_report, preserving_proto_field_name=True)
    }
    assert found(report) == {
        "openssl": ["CVE-2099-0001"], "libc6": ["CVE-2099-0002"], "requests": ["CVE-2018-18074"],
    }  # fmt: skip
    assert (refused.value.code(), refused.value.details()) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        'invalid arguments: unsupported media type: "text/plain"',
    )
