"""The Indexer's methods: what is refused before any work, what is stored, what is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

import pytest

from pyrox.errors import Invalid, NotFound, RoxError
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.registry.client import Endpoint
from pyrox.rpc.call import Call
from pyrox.scan.repositories import Mappings
from services.scanner_indexer.api import IndexerService, check_hash_id
from services.scanner_indexer.mapping import RepositoryMapping
from services.scanner_indexer.redhat import RedHatFiles
from services.scanner_indexer.states import Indexing, Job, finished_report
from services.scanner_indexer.store import IndexStore

HASH = "/v4/containerimage/sha256:1"


class Caller:
    """The call's side of the wire."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    async def send_headers(self, headers: dict[str, str]) -> None:
        self.headers.append(headers)


class Registry:
    """A client that is opened and closed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True


class Bench:
    """The servicer over an index and a store of dictionaries."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.reports: dict[str, IndexReport] = {}
        self.kept: dict[str, tuple[str, bytes]] = {}
        self.registries: list[Registry] = []
        self.error: RoxError | None = None
        self.asked: list[str] = []
        self.call = Caller()
        self.service = IndexerService(
            indexing=cast("Indexing", self),
            store=cast("IndexStore", self),
            registries=cast("Any", self.registry),
            mapping=cast("RepositoryMapping", self),
            redhat=cast("RedHatFiles", self),
            version="4.11.0",
        )

    def registry(self, endpoint: Endpoint) -> Registry:
        self.registries.append(Registry(endpoint))
        return self.registries[-1]

    async def current(self) -> Mappings:
        return Mappings()

    async def run(self, job: Job) -> IndexReport:
        self.jobs.append(job)
        if self.error is not None:
            raise self.error
        return finished_report(job.hash_id, Contents())

    async def stored(self, hash_id: str) -> IndexReport | None:
        return self.reports.get(hash_id)

    async def external(self, hash_id: str) -> bytes | None:
        return self.kept[hash_id][1] if hash_id in self.kept else None

    async def save_external(
        self, hash_id: str, version: str, report: bytes, may_replace: Callable[[str, str], bool]
    ) -> bool:
        if hash_id in self.kept and not may_replace(version, self.kept[hash_id][0]):
            return False
        self.kept[hash_id] = (version, report)
        return True

    async def get(self, since: str) -> pb.GetRepositoryToCPEMappingResponse:
        self.asked.append(since)
        return pb.GetRepositoryToCPEMappingResponse(modified=True)

    async def ask(self, method: str, request: Any) -> Any:
        return await getattr(self.service, method)(request, cast("Call", self.call))


def image(url: str = "https://quay.io/a/b:1", **fields: Any) -> pb.ContainerImageLocator:
    return pb.ContainerImageLocator(url=url, **fields)


@pytest.mark.parametrize(
    ("method", "request_type", "fresh"),
    [
        ("CreateIndexReport", pb.CreateIndexReportRequest, True),
        ("GetOrCreateIndexReport", pb.GetOrCreateIndexReportRequest, False),
    ],
)
async def test_image_is_indexed_with_its_credentials(method: str, request_type: Any, *, fresh: bool) -> None:
    bench = Bench()
    locator = image(username="u", password="p", insecure_skip_tls_verify=True)
    report = await bench.ask(method, request_type(hash_id=HASH, container_image=locator))
    (job,), (registry,) = bench.jobs, bench.registries
    assert (report.hash_id, report.success, job.hash_id, job.fresh) == (HASH, True, HASH, fresh)
    assert str(job.reference) == "quay.io/a/b:1"
    endpoint = registry.endpoint
    assert (endpoint.host, endpoint.scheme, endpoint.tls.verify) == ("quay.io", "https", False)
    assert (endpoint.credentials.username, endpoint.credentials.password) == ("u", "p")
    assert registry.closed
    assert bench.call.headers == [{"x-scanner-version": "4.11.0"}]


async def test_failed_indexing_closes_the_registry() -> None:
    bench = Bench()
    bench.error = NotFound("no such image")
    request = pb.CreateIndexReportRequest(hash_id=HASH, container_image=image("http://localhost:5000/a:1"))
    with pytest.raises(NotFound, match="no such image"):
        await bench.ask("CreateIndexReport", request)
    assert bench.registries[0].closed
    assert bench.registries[0].endpoint.scheme == "http"


@pytest.mark.parametrize(
    ("method", "request_message", "words"),
    [
        ("CreateIndexReport", pb.CreateIndexReportRequest(), "invalid hash id"),
        ("CreateIndexReport", pb.CreateIndexReportRequest(hash_id=HASH), "a container image is required"),
        (
            "GetOrCreateIndexReport",
            pb.GetOrCreateIndexReportRequest(hash_id=HASH, container_image=image("")),
            "image",
        ),
        (
            "GetOrCreateIndexReport",
            pb.GetOrCreateIndexReportRequest(hash_id=HASH, container_image=image("ftp://quay.io/a:1")),
            "ftp",
        ),
        ("GetIndexReport", pb.GetIndexReportRequest(hash_id="x"), "invalid hash id"),
        ("HasIndexReport", pb.HasIndexReportRequest(hash_id="/v4/other/x"), "invalid hash id"),
        ("StoreIndexReport", pb.StoreIndexReportRequest(hash_id=HASH), "empty contents"),
        ("StoreIndexReport", pb.StoreIndexReportRequest(contents=Contents()), "invalid hash id"),
    ],
)
async def test_bad_request_is_refused_before_any_work(method: str, request_message: Any, words: str) -> None:
    bench = Bench()
    with pytest.raises(Invalid, match=words):
        await bench.ask(method, request_message)
    assert (bench.jobs, bench.registries, bench.kept) == ([], [], {})
    # Also a refusal tells the version, as upstream's interceptor does.
    assert bench.call.headers == [{"x-scanner-version": "4.11.0"}]


@pytest.mark.parametrize("method", ["GetIndexReport", "HasIndexReport"])
async def test_failed_report_is_none(method: str) -> None:
    bench = Bench()
    bench.reports[HASH] = IndexReport(hash_id=HASH, success=False, err="broken")
    if method == "HasIndexReport":
        assert not (await bench.ask(method, pb.HasIndexReportRequest(hash_id=HASH))).exists
    else:
        with pytest.raises(NotFound, match=f"index report not found: {HASH}"):
            await bench.ask(method, pb.GetIndexReportRequest(hash_id=HASH, includeExternal=True))


async def test_own_report_comes_before_one_of_a_cluster() -> None:
    bench = Bench()
    await bench.ask("StoreIndexReport", pb.StoreIndexReportRequest(hash_id=HASH, contents=Contents()))
    bench.reports[HASH] = IndexReport(hash_id=HASH, success=True, state="own")
    found = await bench.ask("GetIndexReport", pb.GetIndexReportRequest(hash_id=HASH, includeExternal=True))
    assert found.state == "own"
    assert (await bench.ask("HasIndexReport", pb.HasIndexReportRequest(hash_id=HASH))).exists


async def test_report_of_a_cluster_is_shown_when_asked_for() -> None:
    bench = Bench()
    contents = Contents()
    contents.packages["1"].id = "1"
    stored = await bench.ask(
        "StoreIndexReport", pb.StoreIndexReportRequest(hash_id=HASH, contents=contents, indexer_version="x")
    )
    assert stored.status == "SUCCESS"
    with pytest.raises(NotFound):
        await bench.ask("GetIndexReport", pb.GetIndexReportRequest(hash_id=HASH))
    assert not (await bench.ask("HasIndexReport", pb.HasIndexReportRequest(hash_id=HASH))).exists
    found = await bench.ask("GetIndexReport", pb.GetIndexReportRequest(hash_id=HASH, includeExternal=True))
    assert (found.success, found.state, found.contents) == (True, "IndexFinished", contents)


async def test_older_report_of_a_cluster_is_not_kept() -> None:
    bench = Bench()
    for version, status in (("4.9.0", "SUCCESS"), ("4.8.0", "NOT_MODIFIED"), ("4.9.1", "SUCCESS")):
        request = pb.StoreIndexReportRequest(hash_id=HASH, contents=Contents(), indexer_version=version)
        assert (await bench.ask("StoreIndexReport", request)).status == status


async def test_mapping_is_asked_with_the_callers_time() -> None:
    bench = Bench()
    request = pb.GetRepositoryToCPEMappingRequest(if_modified_since="Mon")
    assert (await bench.ask("GetRepositoryToCPEMapping", request)).modified
    assert bench.asked == ["Mon"]


@pytest.mark.parametrize("text", ["", "sha256:1", "/v4/containerimage/" + "x" * 494, "/v4/containerimage/\0"])
def test_hash_id_of_another_form_is_refused_and_cut(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_hash_id(text)
    assert len(str(caught.value)) < 600
