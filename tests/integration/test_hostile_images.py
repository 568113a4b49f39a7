"""Hostile images and registries against a real Indexer process.

What an image holds costs at most its own layer, with a note that names it; an image that is
none, or a registry that lies, gets an error with the right code that names the object.
Afterwards the same process indexes a good image, and has not grown.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import socket
import tarfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio
import zstandard

from pyrox.clock import SystemClock
from pyrox.errors import Exhausted, Invalid, RoxError, Unavailable
from pyrox.mtls.identity import CENTRAL, SCANNER_V4_INDEXER
from pyrox.pb.internalapi.scanner.v4 import indexer_service_pb2 as pb
from pyrox.pb.internalapi.scanner.v4.index_report_pb2 import IndexReport
from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerStub
from pyrox.pg.settings import Settings
from pyrox.registry.client import Endpoint, RegistryClient
from pyrox.registry.manifest import Descriptor
from pyrox.registry.names import parse_digest, parse_reference
from pyrox.registry.transport import Limits
from pyrox.scan.model import NoteKind
from pyrox.scan.notes import from_text
from tests.support import scanner
from tests.support.fake_registry import DOCKER_LIST, FakeRegistry, digest_of, layer_of, running, tar_of
from tests.support.pki import Pki
from tests.support.scanner_process import Process, answered, up
from tests.support.vitals import unharmed

if TYPE_CHECKING:
    from pyrox.pb.internalapi.scanner.v4.indexer_service_pb2_grpc import IndexerAsyncStub

pytestmark = [
    pytest.mark.needs("postgres"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]

MEBI = 1 << 20
BASE = layer_of(
    {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\n',
        "var/lib/dpkg/status": b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\n"
        b"Version: 3.0.11-1~deb12u1\n\n",
    }
)
# Every case stays far below what one hostile layer unpacks to; workers keep some of their heap.
GROWTH_MIB = 192
CODE = grpc.StatusCode


@dataclass(frozen=True)
class Site:
    """One Indexer process."""

    process: Process
    stub: IndexerAsyncStub

    async def index(self, fake: FakeRegistry, digest: str, repository: str = "team/app") -> IndexReport:
        asked = pb.GetOrCreateIndexReportRequest(hash_id=f"/v4/containerimage/{digest}")
        asked.container_image.url = f"{fake.base}/{repository}@{digest}"
        return await self.stub.GetOrCreateIndexReport(asked, timeout=60)

    async def refused(self, fake: FakeRegistry, digest: str) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.index(fake, digest)
        return caught.value.code(), caught.value.details() or ""

    async def works(self) -> None:
        """A good image is indexed, from the registry on."""
        with running(FakeRegistry()) as fake:
            digest = fake.push("team/good", "1", [BASE, layer_of({"port": fake.base.encode()})])
            report = await self.index(fake, digest, "team/good")
        assert {package.name for package in report.contents.packages.values()} == {"openssl"}

    @asynccontextmanager
    async def unharmed(self, mib: float = GROWTH_MIB) -> AsyncIterator[None]:
        with unharmed(self.process.running, mib=mib):
            yield
            await self.works()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    more = {"SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT": "1s"}
    process = Process("scanner_indexer", database, pki, SCANNER_V4_INDEXER, **more)
    async with (
        up(process),
        scanner.channel(("127.0.0.1", process.port), pki, CENTRAL, SCANNER_V4_INDEXER) as channel,
    ):
        made = Site(process, IndexerStub(channel))
        await answered(made.works)
        yield made


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running(FakeRegistry()) as fake:
        yield fake


# Layers.


def header(name: str = "x", size: str = "0", kind: bytes = b"0", link: str = "") -> bytes:
    """A tar header with any text as its size, its checksum right."""
    raw = bytearray(512)
    raw[0 : len(name)] = name.encode()
    raw[100:108], raw[124:136] = b"0000644\0", size.encode().ljust(12, b"\0")
    raw[156:157], raw[257:265] = kind, b"ustar\x0000"
    raw[157 : 157 + len(link)] = link.encode()
    raw[148:156] = b"        "
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def pax(records: bytes) -> bytes:
    """A global PAX record."""
    return header(size=f"{len(records):o}", kind=b"g") + records + bytes(-len(records) % 512)


SPOILT_LAYERS: Mapping[str, tuple[Callable[[], bytes], NoteKind, str]] = {
    "gzip cut": (lambda: BASE[:-40], NoteKind.TRUNCATED, "ends in the middle of its compressed data"),
    "zstd cut": (
        lambda: zstandard.compress(tar_of({"a": bytes(range(256)) * 4096}))[:-9],
        NoteKind.TRUNCATED,
        "ends in the middle of its compressed data",
    ),
    "tar cut": (
        lambda: gzip.compress(tar_of({"a": b"x" * 9000})[:5000]),
        NoteKind.TRUNCATED,
        "bytes early",
    ),
    "no tar": (lambda: b"\x7fELF" + b"no tar" * 300, NoteKind.MALFORMED, "tar header"),
    "gzip bomb": (
        lambda: gzip.compress(bomb_head()) + gzip.compress(bytes(64 * MEBI)) * 80,
        NoteKind.TOO_LARGE,
        "unpacks to more than 4294967296 bytes",
    ),
    "zstd bomb": (
        lambda: zstandard.compress(bomb_head()) + zstandard.compress(bytes(64 * MEBI)) * 80,
        NoteKind.TOO_LARGE,
        "unpacks to more than 4294967296 bytes",
    ),
    "bomb behind the end of the tar": (
        lambda: gzip.compress(bytes(64 * MEBI)) * 80,
        NoteKind.TOO_LARGE,
        "unpacks to more than 4294967296 bytes",
    ),
    "zstd window": (
        # A frame that asks for a window of 2 GiB: descriptor byte 0xa8, no content size.
        lambda: b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(64),
        NoteKind.MALFORMED,
        "damaged",
    ),
    "size below zero": (lambda: header(size="-1000") + bytes(1024), NoteKind.MALFORMED, "number"),
    "size of an extended header below zero": (
        lambda: header(size="-1000", kind=b"x") + bytes(1024),
        NoteKind.MALFORMED,
        "number",
    ),
    "size that is no number": (lambda: header(size="9x") + bytes(1024), NoteKind.MALFORMED, "number"),
    "size beyond the end": (lambda: header(size="77777777777"), NoteKind.TRUNCATED, "bytes early"),
    "extended header too large": (
        lambda: header(size="77777777", kind=b"x"),
        NoteKind.TOO_LARGE,
        "extended tar header of 16777215 bytes",
    ),
    "millions of entries": (
        lambda: gzip.compress(header("e", kind=b"5") * 40_000, 1) * 52 + gzip.compress(bytes(1024)),
        NoteKind.TOO_MANY,
        "more than 2000000 entries",
    ),
}  # fmt: skip


def bomb_head() -> bytes:
    """The header of a file that a detector wants and that claims seven gigabytes."""
    return header("app/node_modules/big/package.json", size=f"{7 << 30:o}")


@pytest.mark.parametrize("case", SPOILT_LAYERS, ids=str)
async def test_hostile_layer_costs_itself_and_a_note_by_its_name(
    site: Site, registry: FakeRegistry, case: str
) -> None:
    make, kind, words = SPOILT_LAYERS[case]
    layer, mark = make(), layer_of({"mark": case.encode()} | LIVING)
    digest = registry.push("team/app", "1", [BASE, layer, mark])
    async with site.unharmed():
        report = await site.index(registry, digest)
        assert (report.success, report.state) == (True, "IndexFinished")
        assert {package.name for package in report.contents.packages.values()} == {"openssl", "lodash"}
        (note,) = [note for note in from_text(report.err) if note.ends]
        assert (note.kind, words in note.detail) == (kind, True), report.err
        assert note.detail.startswith(f"layer {digest_of(layer)}: ")


async def test_note_of_a_bomb_names_layer_path_and_limit(site: Site, registry: FakeRegistry) -> None:
    make, _, _ = SPOILT_LAYERS["gzip bomb"]
    layer = make()
    report = await site.index(registry, registry.push("team/app", "1", [BASE, layer]))
    begin = f'too large "app/node_modules/big/package.json": layer {digest_of(layer)}: '
    assert report.err.split("\n") == [
        begin + "it unpacks to more than 4294967296 bytes; nothing after it was read",
        begin + "7516192768 bytes; nodejs reads at most 32000000",
    ]


def strange(*members: tarfile.TarInfo, files: Mapping[str, bytes] | None = None) -> bytes:
    """A layer of members that no image has."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
        for name, content in (files or {}).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(out.getvalue(), 1)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", **fields: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


LIVING = {
    "app/node_modules/lodash/package.json": json.dumps({"name": "lodash", "version": "4.17.4"}).encode()
}
PACKAGE = "app/node_modules/{}/package.json"
READ_LAYERS: Mapping[str, Callable[[], bytes]] = {
    "path traversal": lambda: strange(
        member("../../../../etc/passwd"),
        member("/abs/olute"),
        member("a/../../b", tarfile.SYMTYPE, "/etc/shadow"),
        member("loop", tarfile.SYMTYPE, "loop"),
        files=LIVING,
    ),
    "devices": lambda: strange(
        member("dev/zero", tarfile.CHRTYPE, devmajor=1, devminor=5),
        member("dev/sda", tarfile.BLKTYPE, devmajor=8),
        member("var/lib/dpkg/status", tarfile.FIFOTYPE),
        member(PACKAGE.format("x"), tarfile.CHRTYPE, devmajor=1, devminor=5),
        files=LIVING,
    ),
    "huge names": lambda: strange(
        member("n" * 900_000),
        member("a/" * 100_000),
        member("l", tarfile.LNKTYPE, "t" * 900_000),
        files=LIVING,
    ),
    "names of any bytes": lambda: strange(
        member("\x1b[2J\r\n\u202e\ud800x".encode("utf-8", "replace").decode()), member("."), files=LIVING
    ),
    "hard links without a target": lambda: strange(
        *(member(PACKAGE.format(n), tarfile.LNKTYPE, "nowhere") for n in range(30_000)), files=LIVING
    ),
    "global headers of many keys": lambda: gzip.compress(
        pax(b"".join(b"12 k%06d=\n" % n for n in range(80_000)))
        + header("e") * 50_000
        + gzip.decompress(layer_of(LIVING))
    ),
    "deep JSON": lambda: layer_of(
        {PACKAGE.format("deep"): b'{"name":' + nested(1_000_000) + b"}"} | LIVING
    ),
    "JSON of wrong types": lambda: layer_of(
        {
            PACKAGE.format("a"): b'{"name": 7, "version": {"x": []}}',
            PACKAGE.format("b"): b"[]",
            PACKAGE.format("c"): b'"\\ud800"',
            PACKAGE.format("d"): b"\xff\xfe{}",
            PACKAGE.format("e"): b'{"name": "e", "version": ' + b"9" * 100_000 + b"}",
            PACKAGE.format("f"): b'{"name": "f", "version": 1e999999}',
        }
        | LIVING
    ),
    "package database that is none": lambda: layer_of(
        {
            "var/lib/dpkg/status.d/x": b"\0" * 100_000,
            "lib/apk/db/installed": b"P:" * 100_000,
            "var/lib/rpm/rpmdb.sqlite": b"SQLite format 3\0" + b"\xff" * 8192,
            "var/lib/rpm/Packages.db": b"\xff" * 8192,
            "usr/lib/python3/dist-packages/x-1.dist-info/METADATA": b"Name: " + b"\xff" * 100_000,
            "opt/x.jar": b"PK\x03\x04" + b"\xff" * 4096,
        }
        | LIVING
    ),
    "sparse file that claims a petabyte": lambda: sparse(1 << 50),
}  # fmt: skip


def sparse(size: int) -> bytes:
    made = member(PACKAGE.format("sparse"))
    made.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(size)}
    return strange(made, files=LIVING)


@pytest.mark.parametrize("case", READ_LAYERS, ids=str)
async def test_hostile_file_spoils_only_itself(site: Site, registry: FakeRegistry, case: str) -> None:
    digest = registry.push("team/app", "1", [BASE, READ_LAYERS[case]()])
    async with site.unharmed():
        report = await site.index(registry, digest)
        assert report.success
        assert {"openssl", "lodash"} <= {package.name for package in report.contents.packages.values()}


# Manifests.


def manifest(**changes: object) -> bytes:
    body: dict[str, object] = {
        "schemaVersion": 2,
        "config": {"digest": digest_of(b""), "size": 0},
        "layers": [],
    }
    return json.dumps(body | changes).encode()


MANIFESTS: Mapping[str, tuple[Callable[[], bytes], grpc.StatusCode, str]] = {
    "larger than the limit": (
        lambda: b" " * (4 * MEBI + 1),
        CODE.RESOURCE_EXHAUSTED,
        "larger than 4194304 bytes",
    ),
    "deep": (lambda: nested(1_000_000), CODE.INVALID_ARGUMENT, "is not JSON"),
    "not JSON": (lambda: b"<html>", CODE.INVALID_ARGUMENT, "is not JSON"),
    "list": (lambda: b"[]", CODE.INVALID_ARGUMENT, "is not a JSON object"),
    "too many layers": (
        lambda: manifest(layers=[{"digest": digest_of(b""), "size": 1}] * 1025),
        CODE.INVALID_ARGUMENT,
        "has 1025 layers; at most 1024 are read",
    ),
    "bad digest": (
        lambda: manifest(layers=[{"digest": "sha256:../../etc/passwd", "size": 1}]),
        CODE.INVALID_ARGUMENT,
        "layer 0 has the digest",
    ),
    "size below zero": (
        lambda: manifest(layers=[{"digest": digest_of(b""), "size": -1}]),
        CODE.INVALID_ARGUMENT,
        "layer 0 has the size",
    ),
    "layers that are none": (
        lambda: manifest(layers={"a": 1}),
        CODE.INVALID_ARGUMENT,
        "layers is not a list",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MANIFESTS, ids=str)
async def test_hostile_manifest_is_refused_by_name(site: Site, registry: FakeRegistry, case: str) -> None:
    make, code, words = MANIFESTS[case]
    digest = registry.add_manifest("team/app", "1", make())
    async with site.unharmed():
        found, text = await site.refused(registry, digest)
        assert (found, words in text) == (code, True), (found, text)


async def test_manifest_list_that_holds_itself_is_refused(site: Site, registry: FakeRegistry) -> None:
    inner = registry.add_manifest("team/app", "1", b'{"manifests": []}', DOCKER_LIST)
    outer = json.dumps({"manifests": [{"digest": inner, "size": 1}]}).encode()
    found, text = await site.refused(registry, registry.add_manifest("team/app", "2", outer, DOCKER_LIST))
    assert (found, "a manifest list inside a manifest list is not read" in text) == (
        CODE.INVALID_ARGUMENT,
        True,
    )


# Registries.


async def test_registry_that_lies_is_told_apart(site: Site, registry: FakeRegistry) -> None:
    layer = layer_of({"honest": b"1"})
    digest, blob = registry.push("team/app", "1", [layer]), digest_of(layer)
    async with site.unharmed():
        registry.break_off.add(blob)
        found, text = await site.refused(registry, digest)
        assert (found, f"blob team/app@{blob}" in text) == (CODE.UNAVAILABLE, True), text
        other = registry.push("team/app", "2", [BASE])
        registry.manifests["team/app", other] = registry.manifests["team/app", digest]
        found, text = await site.refused(registry, other)
        assert (found, "the registry sent another one" in text) == (CODE.INVALID_ARGUMENT, True), text


async def test_layer_that_is_another_one_is_left_out_with_a_note(site: Site, registry: FakeRegistry) -> None:
    cases: list[tuple[Callable[[bytes], bytes], NoteKind, str]] = [
        (lambda _: layer_of({"honest": b"no"}), NoteKind.MALFORMED, ": got "),
        (lambda layer: layer + b"more", NoteKind.TOO_LARGE, "is larger than the"),
    ]
    for number, (lie, kind, words) in enumerate(cases):
        layer = layer_of({"honest": bytes([number])} | LIVING)
        digest, blob = registry.push("team/app", "1", [BASE, layer]), digest_of(layer)
        registry.lies[blob] = lie(layer)
        report = await site.index(registry, digest)
        assert {package.name for package in report.contents.packages.values()} == {"openssl"}
        (note,) = from_text(report.err)
        assert (note.kind, note.ends, words in note.detail) == (kind, True, True), report.err
        assert f"blob team/app@{blob}" in note.detail
        # The layer's own finds are not stored: another image that has it is read as it is.
        registry.lies.clear()
        other = registry.push("team/other", "1", [BASE, layer, layer_of({"other": blob.encode()})])
        whole = await site.index(registry, other, "team/other")
        assert {package.name for package in whole.contents.packages.values()} == {"openssl", "lodash"}
        assert whole.err == ""


async def test_layer_of_a_petabyte_is_left_out_with_a_note(site: Site, registry: FakeRegistry) -> None:
    blob = digest_of(b"petabyte")
    body = manifest(layers=[{"digest": blob, "size": 1 << 50}])
    report = await site.index(registry, registry.add_manifest("team/app", "1", body))
    (note,) = from_text(report.err)
    assert note.kind is NoteKind.TOO_LARGE
    words = f"layer {blob}: layer {blob} has 1125899906842624 bytes; at most 17179869184 are read"
    assert note.detail == words


async def test_registry_that_never_answers_is_given_up(site: Site, registry: FakeRegistry) -> None:
    layer = layer_of({"slow": b"1"})
    digest = registry.push("team/app", "1", [layer])
    async with site.unharmed():
        for path in (f"manifests/{digest}", f"blobs/{digest_of(layer)}"):
            registry.hang = {f"/v2/team/app/{path}"}
            found, text = await site.refused(registry, digest)
            assert (found, "no answer in time" in text) == (CODE.UNAVAILABLE, True), text
            assert registry.host in text


async def test_registry_that_redirects_in_a_circle_is_given_up(site: Site, registry: FakeRegistry) -> None:
    layer = layer_of({"round": b"1"})
    digest, blob = registry.push("team/app", "1", [layer]), digest_of(layer)
    async with site.unharmed():
        registry.redirect[blob] = f"/v2/team/app/blobs/{blob}"
        found, text = await site.refused(registry, digest)
        assert (found, "redirects more than 5 times" in text) == (CODE.INVALID_ARGUMENT, True), text
        assert len(registry.asked(blob)) == 6
        registry.redirect[blob] = "file:///etc/passwd"
        found, text = await site.refused(registry, digest)
        assert (found, "not safe to follow" in text) == (CODE.INVALID_ARGUMENT, True), text


@pytest.mark.parametrize("kind", ["basic", "token"])
async def test_registry_that_never_lets_in_is_asked_a_few_times_only(
    site: Site, registry: FakeRegistry, kind: str
) -> None:
    digest = registry.push("team/app", "1", [BASE])
    registry.auth, registry.password = kind, "nobody knows"
    async with site.unharmed():
        found, text = await site.refused(registry, digest)
    assert found == CODE.INVALID_ARGUMENT
    assert "401 Unauthorized: UNAUTHORIZED: " in text
    assert len(registry.requests) <= 4


Script = Callable[[socket.socket], None]


@contextmanager
def raw_server(script: Script) -> Iterator[FakeRegistry]:
    """A server that does to each connection what the script says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=guarded, args=(connection,), daemon=True).start()

        def guarded(connection: socket.socket) -> None:
            with connection:
                try:
                    script(connection)
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield FakeRegistry(base=f"http://127.0.0.1:{listener.getsockname()[1]}")
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def sends(data: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return script


def endless(head: bytes, part: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        for _ in range(5000):
            connection.sendall(part)

    return script


OK = b"HTTP/1.1 200 OK\r\n"
BROKEN: Mapping[str, tuple[Script, grpc.StatusCode]] = {
    "garbage": (sends(b"\x00\xff" * 5000), CODE.UNAVAILABLE),
    "closes at once": (sends(b""), CODE.UNAVAILABLE),
    "endless headers": (endless(OK, b"x: " + b"y" * 20_000 + b"\r\n"), CODE.UNAVAILABLE),
    "endless manifest": (endless(OK + b"\r\n", b" " * 20_000), CODE.RESOURCE_EXHAUSTED),
    "bad length": (sends(OK + b"content-length: -5\r\n\r\n"), CODE.UNAVAILABLE),
    "gzip that is none": (
        sends(OK + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\n[][]"),
        CODE.INVALID_ARGUMENT,
    ),
    "words of a megabyte": (
        endless(b"HTTP/1.1 500 \x1b[31mNo\r\n\r\n", b"\x1b]0;pwned\x07" * 100),
        CODE.UNAVAILABLE,
    ),
    "redirect to nowhere": (
        sends(b"HTTP/1.1 302 Found\r\nlocation: http://[::\r\ncontent-length: 0\r\n\r\n"),
        CODE.UNAVAILABLE,
    ),
}


@pytest.mark.parametrize("case", BROKEN, ids=str)
async def test_broken_registry_is_an_error_that_names_it(site: Site, case: str) -> None:
    script, code = BROKEN[case]
    with raw_server(script) as fake:
        async with site.unharmed():
            found, text = await site.refused(fake, digest_of(case.encode()))
    assert found == code, text
    assert fake.host in text
    assert len(text) < 1000
    assert text.isprintable()


async def test_caller_that_gives_up_frees_the_slots_of_a_hanging_registry(
    site: Site, registry: FakeRegistry
) -> None:
    """More hanging layers than are fetched at once must not keep other images from being indexed."""
    layers = [layer_of({f"hang{n}": b"1"}) for n in range(30)]
    digest = registry.push("team/app", "1", layers)
    registry.hang = {f"/v2/team/app/blobs/{digest_of(layer)}" for layer in layers}
    async with site.unharmed():
        asked = pb.GetOrCreateIndexReportRequest(hash_id=f"/v4/containerimage/{digest}")
        asked.container_image.url = f"{registry.base}/team/app@{digest}"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await site.stub.GetOrCreateIndexReport(asked, timeout=0.5)
        assert caught.value.code() == CODE.DEADLINE_EXCEEDED


def drips(head: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        for _ in range(600):
            connection.sendall(b" ")
            threading.Event().wait(0.05)

    return script


def silent(connection: socket.socket) -> None:
    connection.recv(65536)
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(
    ("script", "scheme", "error"),
    [
        (silent, "https", Unavailable),
        (drips(b""), "http", Unavailable),
        (drips(OK + b"x: "), "http", Unavailable),
        (drips(OK + b"\r\n"), "http", Unavailable),
        (endless(OK + b"\r\n", b" " * 9000), "http", Exhausted),
        (sends(OK + b"content-length: 2\r\n\r\n{}"), "http", Invalid),
    ],
    ids=["silent in the handshake", "drips a status", "drips headers", "drips a body", "endless", "empty"],
)
async def test_registry_client_ends_in_time(script: Script, scheme: str, error: type[RoxError]) -> None:
    """The bounds of seconds, made short."""
    limits = Limits(connect_seconds=0.5, read_seconds=0.5, document_seconds=1.0)
    with raw_server(script) as fake:
        endpoint = Endpoint(fake.host, scheme)
        async with (
            asyncio.timeout(60),
            RegistryClient(endpoint, clock=SystemClock(), limits=limits) as client,
        ):
            with pytest.raises(error) as caught:
                await client.resolve(parse_reference(f"{fake.host}/team/app:1"))
    assert ("manifest" if error is Invalid else fake.host) in caught.value.message


async def test_registry_client_gives_up_a_blob_that_drips() -> None:
    """However long the whole may take, it must not hold what fetches layers."""
    limits = Limits(document_seconds=0.5)
    layer = Descriptor(parse_digest(digest_of(b"x")), 1 << 30)
    with raw_server(drips(OK + b"\r\n")) as fake:
        endpoint = Endpoint(fake.host, "http")
        async with (
            asyncio.timeout(60),
            RegistryClient(endpoint, clock=SystemClock(), limits=limits) as client,
        ):
            with pytest.raises(Unavailable, match="slower than 16384 bytes a second"):
                async for _ in client.blob("team/app", layer):
                    pass
