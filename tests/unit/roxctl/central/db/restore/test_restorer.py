"""`roxctl central db restore`: the conversation, broken connections, other restores."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrox.pb.api.v1 import db_service_pb2 as pb
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.empty_pb2 import Empty
from roxctl.central.db.restore import restorer
from roxctl.errors import CallFailed
from tests.support.cli_wire import Wire
from tests.support.http_stream import Streams

State = pb.DBRestoreProcessStatus
DATA = b"12" + b"dump" * 100
IDS = ("11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002", "third")
NONE = pb.GetActiveDBRestoreProcessResponse()
AWAY = CallFailed("Unavailable", "nobody answers")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "backup.zip"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("postgres.size", DATA[:2])
        archive.writestr("postgres.dump", DATA[2:])
    return made


@pytest.fixture
def streams(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Streams:
    ids: Iterator[str] = iter(IDS)
    monkeypatch.setattr(restorer, "uuid4", lambda: next(ids))
    files = [pb.DBExportFormat.File(name=name) for name in ("postgres.size", "postgres.dump")]
    formats = [pb.DBExportFormat(format_name="postgresv1", files=files)]
    encodings = [pb.DBExportManifest.UNCOMPREESSED, pb.DBExportManifest.DEFLATED]
    wire.answer(
        "GetExportCapabilities",
        pb.GetDBExportCapabilitiesResponse(formats=formats, supported_encodings=encodings),
    )
    wire.answer("GetActiveRestoreProcess", NONE)
    return Streams(monkeypatch)


def header(path: Path) -> bytes:
    made = pb.DBRestoreRequestHeader(format_name="postgresv1")
    for name, content in (("postgres.size", DATA[:2]), ("postgres.dump", DATA[2:])):
        made.manifest.files.add(
            name=name,
            encoding=pb.DBExportManifest.UNCOMPREESSED,
            encoded_size=len(content),
            decoded_size=len(content),
            decoded_crc32=zlib.crc32(content),
        )
    made.local_file.path, made.local_file.bytes_size = str(path), path.stat().st_size
    return made.SerializeToString()


def going_on(
    path: Path, *, position: int | None = None, process_id: str = IDS[0]
) -> pb.GetActiveDBRestoreProcessResponse:
    """A restore as Central tells of it, paused at a position."""
    status = State(attempt_id="theirs", state=State.IN_PROGRESS, bytes_read=7, files_processed=1)
    status.metadata.id, status.metadata.initiating_user_name = process_id, "ann"
    status.metadata.header.ParseFromString(header(path))
    status.metadata.start_time.FromJsonString("2026-11-24T09:00:00Z")
    if position is not None:
        status.state = State.PAUSED
        status.resume_info.pos = position
    return pb.GetActiveDBRestoreProcessResponse(active_status=status)


def test_restore_sends_header_and_data(wire: Wire, streams: Streams, path: Path) -> None:
    streams.reply()
    done = wire.run("central", "db", "restore", str(path))
    assert (done.code, done.out) == (0, "Transferring data ...\nSuccessfully restored DB\n")
    assert wire.methods == ["GetActiveRestoreProcess", "GetExportCapabilities"]
    made = header(path)
    query = {"headerLength": str(len(made)), "id": IDS[0]}
    assert streams.sent == [("POST", "/db/v2/restore", query, made + DATA)]
    assert streams.reads == [None]


def test_broken_connection_is_resumed_where_central_says(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", NONE, going_on(path, position=50))
    streams.breaks(len(header(path)) + 100)
    streams.reply()
    done = wire.run("central", "db", "restore", str(path))
    assert (done.code, done.waits) == (0, [6.0])
    query = {"id": IDS[0], "attemptId": IDS[1], "crc32": f"{zlib.crc32(DATA[:50]):x}", "pos": "50"}
    assert streams.sent[1] == ("POST", "/db/v2/resumerestore", query, DATA[50:])
    assert "Encountered a temporary error: the connection is gone." in done.err
    assert "Retrying in 6s (attempt 1 out of 10)" in done.err


def test_attempt_that_central_still_reads_is_interrupted_first(
    wire: Wire, streams: Streams, path: Path
) -> None:
    wire.answer("GetActiveRestoreProcess", NONE, going_on(path))
    answer = pb.InterruptDBRestoreProcessResponse(resume_info=State.ResumeInfo(pos=60))
    wire.answer("InterruptRestoreProcess", answer)
    streams.breaks(len(header(path)) + 100)
    streams.reply()
    assert wire.run("central", "db", "restore", str(path)).code == 0
    (asked,) = wire.asked("InterruptRestoreProcess", pb.InterruptDBRestoreProcessRequest)
    assert (asked.process_id, asked.attempt_id) == (IDS[0], IDS[0])
    assert streams.sent[1][3] == DATA[60:]


def test_central_that_is_away_is_asked_again(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", NONE, *[AWAY] * 10, going_on(path, position=50))
    streams.breaks(0)
    streams.reply()
    done = wire.run("central", "db", "restore", str(path))
    assert done.code == 0
    assert "attempt 2 out of 10" in done.err
    assert "attempt 3 out of 10" not in done.err


def test_central_that_stays_away_is_given_up(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", NONE, AWAY)
    streams.breaks(0)
    done = wire.run("central", "db", "restore", str(path))
    assert done.code == 1
    assert done.err.endswith(
        "ERROR:\tcould not resume restore after 10 attempts, last error:"
        " rpc error: code = Unavailable desc = nobody answers\n"
    )


def test_time_that_is_over_ends_the_retries(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", NONE, AWAY)
    streams.breaks(0)
    done = wire.run("central", "db", "restore", "-t", "5s", str(path))
    assert done.code == 1
    assert "absolute retry deadline has passed, please restart roxctl to resume the restore" in done.err


@pytest.mark.parametrize(
    ("later", "got"), [(NONE, "none"), (pb.GetActiveDBRestoreProcessResponse(active_status=State()), "none")]
)
def test_restore_that_is_gone_is_not_resumed(
    wire: Wire, streams: Streams, path: Path, later: pb.GetActiveDBRestoreProcessResponse, got: str
) -> None:
    wire.answer("GetActiveRestoreProcess", NONE, later)
    streams.breaks(0)
    done = wire.run("central", "db", "restore", str(path))
    assert done.code == 1
    assert f"active restore process has changed: expected {IDS[0]}, got {got}" in done.err


def test_refusal_of_central_is_shown_and_not_repeated(wire: Wire, streams: Streams, path: Path) -> None:
    streams.reply(400, b'{"code":9,"message":"database restore failed: no"}')
    done = wire.run("central", "db", "restore", str(path))
    assert (done.code, len(streams.sent)) == (1, 1)
    assert done.err.endswith(
        "ERROR:\treceived response code 400 Bad Request, but expected 2xx;"
        ' error message: {"code":9,"message":"database restore failed: no"}\n'
    )


def test_paused_restore_of_an_earlier_run_goes_on(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", going_on(path, position=50, process_id="theirs"))
    streams.reply()
    assert wire.run("central", "db", "restore", str(path)).code == 0
    ((_, sent_to, query, sent),) = streams.sent
    assert (sent_to, query["id"], sent) == ("/db/v2/resumerestore", "theirs", DATA[50:])


def test_restore_of_somebody_else_is_left_alone_without_interrupt(
    wire: Wire, streams: Streams, path: Path
) -> None:
    wire.answer("GetActiveRestoreProcess", going_on(path, process_id="theirs"))
    done = wire.run("central", "db", "restore", str(path))
    assert done.code == 1
    assert "active restore process theirs is not currently in resumable state." in done.err
    assert "use the `--interrupt` flag" in done.err
    assert streams.sent == []


@pytest.mark.parametrize(("words", "answers"), [(("-f",), ""), ((), "y\n")])
def test_interrupt_takes_a_restore_over(
    wire: Wire, streams: Streams, path: Path, words: tuple[str, ...], answers: str
) -> None:
    wire.answer("GetActiveRestoreProcess", going_on(path, process_id="p9"))
    answer = pb.InterruptDBRestoreProcessResponse(resume_info=State.ResumeInfo(pos=9))
    wire.answer("InterruptRestoreProcess", answer)
    streams.reply()
    done = wire.run("central", "db", "restore", "--interrupt", *words, str(path), answers=answers)
    assert done.code == 0, done.err
    assert "The above restore process will be interrupted for resuming." in done.out
    (asked,) = wire.asked("InterruptRestoreProcess", pb.InterruptDBRestoreProcessRequest)
    assert (asked.process_id, asked.attempt_id) == ("p9", "theirs")
    assert streams.sent[0][3] == DATA[9:]


def test_interrupt_needs_a_yes(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", going_on(path))
    done = wire.run("central", "db", "restore", "--interrupt", str(path), answers="n\n")
    assert (done.code, done.err) == (1, "ERROR:\tUser rejected\n")
    assert wire.methods == ["GetActiveRestoreProcess"]


@pytest.mark.parametrize("command", [("restore", "FILE"), ("restore", "status"), ("restore", "cancel")])
def test_central_without_the_service_is_told(
    wire: Wire, streams: Streams, path: Path, command: tuple[str, ...]
) -> None:
    wire.answer("GetActiveRestoreProcess", CallFailed("Unimplemented", "unknown service"))
    done = wire.run("central", "db", *(str(path) if word == "FILE" else word for word in command))
    assert done.code == 1
    assert "server does not support V2 restore functionality" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "accepts 1 arg(s), received 0"),
        (("a", "b"), "accepts 1 arg(s), received 2"),
        (("missing.zip",), 'file "missing.zip" could not be found'),
        (
            ("--file", "a.zip", "b.zip"),
            "legacy --file flag must not be used in conjunction with a positional",
        ),
        (("--interrupt", "."), "expected a file not a directory for path ."),
        (("--what", "x"), "unknown flag: --what"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    wire: Wire, streams: Streams, words: tuple[str, ...], message: str
) -> None:
    done = wire.run("central", "db", "restore", *words)
    assert (done.code, wire.methods) == (1, [])
    assert message in done.err


def test_status_tells_everything(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", going_on(path))
    done = wire.run("central", "db", "restore", "status")
    assert done.code == 0
    assert done.out.splitlines() == [
        "Active database restore process information",
        "===========================================",
        "ID:",
        f"  {IDS[0]}",
        "State:",
        "  IN_PROGRESS",
        "Started at:",
        "  2026-11-24 09:00:00 +0000 UTC",
        "Started by:",
        "  ann",
        "Source file:",
        f"  {path} ({path.stat().st_size} bytes)",
        "Transfer progress:",
        "  7/402 bytes (1.74%); 1/2 files processed",
    ]


def test_status_without_a_restore_says_so(wire: Wire, streams: Streams) -> None:
    done = wire.run("central", "db", "restore", "status")
    assert (done.code, done.out) == (0, "No restore process is currently in progress.\n")


def test_cancel_shows_the_restore_asks_and_cancels(wire: Wire, streams: Streams, path: Path) -> None:
    wire.answer("GetActiveRestoreProcess", going_on(path))
    wire.answer("CancelRestoreProcess", Empty())
    done = wire.run("central", "db", "restore", "cancel", answers="y\n")
    assert done.code == 0
    assert done.out.endswith("\nThe above restore process will be canceled.\nAre you sure? [y/N] ")
    (asked,) = wire.asked("CancelRestoreProcess", ResourceByID)
    assert asked.id == IDS[0]


@pytest.mark.parametrize("answers", ["", "n\n", "maybe\n"])
def test_cancel_without_a_yes_does_nothing(wire: Wire, streams: Streams, path: Path, answers: str) -> None:
    wire.answer("GetActiveRestoreProcess", going_on(path))
    done = wire.run("central", "db", "restore", "cancel", answers=answers)
    assert (done.code, done.err) == (1, "ERROR:\tUser rejected\n")
    assert wire.methods == ["GetActiveRestoreProcess"]


def test_cancel_without_a_restore_is_an_error(wire: Wire, streams: Streams) -> None:
    done = wire.run("central", "db", "restore", "cancel", "-f")
    assert (done.code, done.err) == (1, "ERROR:\tno restore process is currently in progress\n")
