"""Restores that do not go straight through: broken connections, damaged files, crashes, refusals."""

from __future__ import annotations

import base64
import contextlib
import io
import socket
import ssl
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from pyrox.pb.api.v1 import db_service_pb2 as pb
from tests.support.backup_site import Site, tls_site
from tests.support.rows import rows_of, run_sql, value_of

pytestmark = [pytest.mark.needs("debian_postgres"), pytest.mark.timeout(300)]
_DATABASES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with tls_site(tmp_path_factory.mktemp("site"), external=False) as made:
        made.fill()
        yield made


@pytest.fixture(scope="module")
def backup(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good backup."""
    folder = tmp_path_factory.mktemp("backup")
    made = site.roxctl("central", "db", "backup", "--output", "good.zip", folder=folder)
    assert made.returncode == 0, made.stderr
    return folder / "good.zip"


@contextmanager
def cutting(port: int, *, after: int) -> Iterator[int]:
    """A way to the port whose first large connection breaks after so many bytes from the client."""
    listener = socket.create_server(("127.0.0.1", 0))
    cut, threads = threading.Event(), list[threading.Thread]()

    def copy(source: socket.socket, target: socket.socket, limit: int) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(16384):
                passed += len(data)
                target.sendall(data)
                if passed > limit and not cut.is_set():
                    cut.set()
                    break
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=copy, args=(server, client, sys.maxsize))
            back.start()
            copy(client, server, after)
            back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(client,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield int(listener.getsockname()[1])
        assert cut.is_set()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
        listener.close()
        for thread in threads:
            thread.join(5)


def header_of(path: Path) -> tuple[bytes, bytes]:
    """The header and the data that a client sends for a backup file."""
    header, data = pb.DBRestoreRequestHeader(format_name="postgresv1"), b""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            content = archive.read(entry)
            header.manifest.files.add(
                name=entry.filename,
                encoding=pb.DBExportManifest.UNCOMPREESSED,
                encoded_size=len(content),
                decoded_size=len(content),
                decoded_crc32=entry.CRC,
            )
            data += content
    return header.SerializeToString(), data


def changed(path: Path, target: Path, **contents: bytes) -> Path:
    """The backup with other contents of some files, its checksums right."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, contents.get(entry.filename.partition(".")[2], old.read(entry)))
    return target


def databases(site: Site) -> str:
    return str(value_of(site.admin, _DATABASES))


def test_restore_goes_on_where_the_connection_broke(site: Site, backup: Path, tmp_path: Path) -> None:
    before, count = rows_of(site.database), site.restarts()
    with cutting(site.central.port, after=60_000) as port:
        done = site.roxctl(
            "central", "db", "restore", str(backup), "-e", f"127.0.0.1:{port}", folder=tmp_path
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Transferring data ...\nTransferring data ...\nSuccessfully restored DB\n"
    assert "Encountered a temporary error: " in done.stderr
    assert "Retrying in 6s (attempt 1 out of 10)" in done.stderr
    site.wait_for_restart(count + 1)
    # What was written after the dump is gone: nothing but the note that there was one.
    assert rows_of(site.database) == {**before, "system_infos": []}
    assert databases(site) == "central_active central_backup postgres"


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"dump": b"no dump"}, "Could not load the Postgres backup: pg_restore ended with code 1"),
        ({"size": b"a lot"}, "error processing file postgres.size: the size of the database is no number"),
        ({"size": b"9" * 18}, "bytes of free disk space, but Postgres only has"),
        ({"yaml": b"image: 4.5.0\ndatabase: 200\n"}, "the backup was made by another product"),
        (
            {"yaml": b"image: 9.9.9\ndatabase: 999\ndistribution: pyrox\n"},
            "Cannot restore databases from higher version 9.9.9 (sequence number 999)",
        ),
    ],
)
def test_backup_that_cannot_be_used_changes_nothing(
    site: Site, backup: Path, tmp_path: Path, contents: dict[str, bytes], words: str
) -> None:
    before, known = rows_of(site.database), databases(site)
    bad = changed(backup, tmp_path / "bad.zip", **contents)
    done = site.roxctl("central", "db", "restore", str(bad), folder=tmp_path)
    assert done.returncode == 1
    assert "received response code 400 Bad Request, but expected 2xx" in done.stderr
    assert words in done.stderr
    assert rows_of(site.database) == before
    assert databases(site) == known


def test_dump_that_breaks_off_changes_nothing(site: Site, backup: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        dump = archive.read("postgres.dump")
    before, known = rows_of(site.database), databases(site)
    bad = changed(backup, tmp_path / "bad.zip", dump=dump[: len(dump) // 2])
    done = site.roxctl("central", "db", "restore", str(bad), folder=tmp_path)
    assert done.returncode == 1
    assert "Could not load the Postgres backup: pg_restore ended with code 1" in done.stderr
    assert (rows_of(site.database), databases(site)) == (before, known)


def test_restore_is_paused_resumed_and_cancelled_over_the_api(site: Site, backup: Path) -> None:
    header, data = header_of(backup)
    process_id, known = str(uuid4()), databases(site)
    half = len(data) // 2
    query: dict[str, str | int] = {"headerLength": len(header), "id": process_id}
    request = f"POST /db/v2/restore?headerLength={len(header)}&id={process_id} HTTP/1.1\r\n"
    with site.central.client() as client, sending(site, request, header + data[:half], len(header + data)):
        status = wait_for(client, lambda found: int(found["bytesRead"]) == half)
        assert (status["state"], status["attemptId"]) == ("IN_PROGRESS", process_id)
        assert status["metadata"]["initiatingUserName"] == "admin"
        again = client.post("/db/v2/restore", params={**query, "id": str(uuid4())}, content=header + data)
        assert again.status_code == 400
        assert "an active restore process currently exists; cancel it" in again.json()["message"]
        wrong = client.post(f"/v1/db/interruptrestore/{process_id}/{uuid4()}")
        assert wrong.status_code == 400
        assert f"does not match ID {process_id} of current attempt" in wrong.json()["message"]
        broken_off = client.post(f"/v1/db/interruptrestore/{process_id}/{process_id}").json()
        assert broken_off == {"resumeInfo": {"pos": str(half)}}
        paused = client.get("/v1/db/restore").json()["activeStatus"]
        assert (paused["state"], paused["resumeInfo"]) == ("PAUSED", {"pos": str(half)})
        resume: dict[str, str | int] = {
            "id": process_id,
            "attemptId": str(uuid4()),
            "pos": half,
            "crc32": "0",
        }
        refused = client.post("/db/v2/resumerestore", params=resume, content=data[half:])
        assert refused.status_code == 400
        assert "checksum validation failed when trying to attach reader" in refused.json()["message"]
        resume["pos"], resume["crc32"] = half - 1, f"{zlib.crc32(data[: half - 1]):x}"
        refused = client.post("/db/v2/resumerestore", params=resume, content=data[half - 1 :])
        assert f"position mismatch when trying to attach reader: {half} != {half - 1}" in refused.text
        assert client.delete(f"/v1/db/restore/{uuid4()}").status_code == 400
        assert client.delete(f"/v1/db/restore/{process_id}").status_code == 200
        assert client.get("/v1/db/restore").json() == {"activeStatus": None}
    assert databases(site) == known


def test_restored_database_is_adopted_by_the_next_start(site: Site) -> None:
    site.central.kill()
    other = replace(site.admin, database="central_restore")
    run_sql(site.admin, "CREATE DATABASE central_restore TEMPLATE central_active")
    run_sql(other, "DELETE FROM api_tokens")
    assert rows_of(site.database)["api_tokens"] != []
    site.central.start()
    assert rows_of(site.database)["api_tokens"] == []
    assert rows_of(replace(site.admin, database="central_backup"))["api_tokens"] != []
    assert databases(site) == "central_active central_backup postgres"


def test_half_restored_database_is_dropped_by_the_next_start(site: Site) -> None:
    before = rows_of(site.database)
    site.central.kill()
    run_sql(site.admin, "CREATE DATABASE central_restore")
    site.central.start()
    assert "central_restore" not in databases(site)
    assert rows_of(site.database) == before


@pytest.mark.parametrize("path", ["/db/backup", "/api/extensions/backup", "/api/extensions/certs/backup"])
def test_backup_without_the_right_is_refused_in_plain_text(site: Site, path: str) -> None:
    with site.central.client() as client:
        body = {"name": "narrow", "roles": ["Continuous Integration"]}
        token = client.post("/v1/apitokens/generate", json=body).json()["token"]
    with site.central.client(token=token) as client:
        answer = client.get(path)
    assert answer.status_code == 403
    assert answer.text.startswith("not authorized: ")
    with site.central.client(auth=None) as client:
        assert client.get(path).status_code == 401


def test_restore_by_somebody_who_only_reads_is_refused(site: Site, backup: Path) -> None:
    header, data = header_of(backup)
    with site.central.client() as client:
        body = {"name": "reader", "roles": ["Analyst"]}
        token = client.post("/v1/apitokens/generate", json=body).json()["token"]
    with site.central.client(token=token) as client:
        query: dict[str, str | int] = {"headerLength": len(header), "id": str(uuid4())}
        answer = client.post("/db/v2/restore", params=query, content=header + data)
        assert answer.status_code == 403
        assert client.delete(f"/v1/db/restore/{uuid4()}").status_code == 403


def test_outcome_of_the_last_backup_is_told(site: Site, tmp_path: Path) -> None:
    assert site.roxctl("central", "backup", folder=tmp_path).returncode == 0
    with site.central.client() as client:
        info = client.get("/v1/backup/status").json()["backupInfo"]
    assert (info["status"], info["requestor"]["name"]) == ("PASS", "admin")
    (made,) = tmp_path.glob("postgres_db_*.sql.zip")
    assert made.stat().st_mode & 0o777 == 0o600


def test_keys_alone_are_backed_up_without_the_database(site: Site, tmp_path: Path) -> None:
    done = site.roxctl("central", "backup", "--certs-only", "--output", "keys.zip", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(io.BytesIO((tmp_path / "keys.zip").read_bytes())) as archive:
        assert archive.namelist() == ["keys/ca.pem", "keys/ca-key.pem", "keys/jwt-key.pem"]
        assert archive.read("keys/ca.pem") == site.central.pki.ca.cert_pem


def wait_for(client: httpx.Client, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The state of the restore once it is so far."""
    deadline = time.monotonic() + 90
    while True:
        found: dict[str, Any] | None = client.get("/v1/db/restore").json()["activeStatus"]
        if found is not None and reached(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@contextmanager
def sending(site: Site, request: str, body: bytes, length: int) -> Iterator[None]:
    """A connection that has sent a part of its body and waits."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    login = base64.b64encode(b"admin:letmein").decode()
    headers = f"host: central\r\nauthorization: Basic {login}\r\ncontent-length: {length}\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", site.central.port)) as plain,
        context.wrap_socket(plain) as secured,
    ):
        secured.sendall(f"{request}{headers}".encode() + body)
        yield
