"""Sends a backup to Central, and goes on where it stopped when the connection breaks.

The conversation, its retries and its words are upstream's
(roxctl/central/db/restore/v2_restorer.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from pyrox.pb.api.v1 import db_service_pb2 as pb
from pyrox.pb.api.v1.empty_pb2 import Empty
from roxctl.app import App
from roxctl.central.db.restore.archive import BackupFile, format_for
from roxctl.central.db.restore.report import active, confirm, supported, tell
from roxctl.central.transfer import Progress
from roxctl.central_client import Central
from roxctl.errors import CliError, code_of
from roxctl.rest import Broken, Rest, refusal

_REQUEST_SECONDS = 30.0
_RESUME_TRIES = 10
_RETRY_SECONDS = 6.0
_PASSING = frozenset({"Unavailable", "DeadlineExceeded"})


@dataclass(frozen=True, slots=True)
class _Request:
    """One attempt: where it goes, what stands before the data, where the data begin."""

    path: str
    header: bytes
    position: int


class Restorer:
    """One run of the command."""

    def __init__(self, app: App, *, force: bool, interrupt: bool, seconds: float, try_seconds: float) -> None:
        self._app = app
        self._force = force
        self._interrupt = interrupt
        self._deadline = app.timer.monotonic() + seconds
        self._try_seconds = try_seconds
        self._process_id = ""
        self._attempt_id = ""

    def restore(self, path: Path) -> None:
        """Return when Central has restored the backup. Raises `CliError`."""
        rest = self._app.rest()
        with self._app.central() as central:
            backup, request = self._first(central, path)
            while True:
                try:
                    self._send(rest, backup, request, path.name)
                except Broken as error:
                    request = self._after(central, backup, error)
                else:
                    return

    def _first(self, central: Central, path: Path) -> tuple[BackupFile, _Request]:
        status = active(central, seconds=_REQUEST_SECONDS, try_seconds=self._try_seconds)
        if status is None:
            return self._new(central, path)
        manifest = status.metadata.header.manifest
        backup = BackupFile(path, {file.encoding for file in manifest.files})
        backup.check_same(manifest)
        return backup, self._taken_over(central, backup, status)

    def _new(self, central: Central, path: Path) -> tuple[BackupFile, _Request]:
        """A new restore."""
        try:
            known = supported(
                lambda: central.call(
                    "/v1.DBService/GetExportCapabilities",
                    Empty(),
                    pb.GetDBExportCapabilitiesResponse,
                    seconds=_REQUEST_SECONDS,
                    try_seconds=self._try_seconds,
                )
            )
        except CliError as error:
            raise error.wrap("could not get v2 DB restore capabilities") from error
        backup = BackupFile(path, known.supported_encodings)
        header = pb.DBRestoreRequestHeader(
            format_name=format_for(backup.manifest, known.formats),
            manifest=backup.manifest,
            local_file=pb.DBRestoreRequestHeader.LocalFileInfo(path=str(path), bytes_size=backup.size),
        ).SerializeToString()
        self._process_id = self._attempt_id = str(uuid4())
        query = urlencode({"headerLength": len(header), "id": self._process_id})
        return backup, _Request(f"/db/v2/restore?{query}", header, 0)

    def _taken_over(
        self, central: Central, backup: BackupFile, status: pb.DBRestoreProcessStatus
    ) -> _Request:
        """Go on with a restore that another run began."""
        self._process_id = status.metadata.id
        if status.HasField("resume_info"):
            return self._resumed(backup, status.resume_info.pos)
        if not self._interrupt:
            raise CliError(
                f"active restore process {self._process_id} is not currently in resumable state."
                " If you believe this process is stuck, use the `--interrupt` flag"
            )
        tell(self._app, status)
        self._app.console.result("")
        self._app.console.result("The above restore process will be interrupted for resuming.")
        confirm(self._app, force=self._force)
        try:
            position = self._broken_off(central, status.attempt_id)
        except CliError as error:
            raise error.wrap("could not interrupt ongoing restore process") from error
        return self._resumed(backup, position)

    def _resumed(self, backup: BackupFile, position: int) -> _Request:
        self._attempt_id = str(uuid4())
        query = urlencode(
            {
                "id": self._process_id,
                "attemptId": self._attempt_id,
                "crc32": f"{backup.checksum(position):x}",
                "pos": position,
            }
        )
        return _Request(f"/db/v2/resumerestore?{query}", b"", position)

    def _broken_off(self, central: Central, attempt_id: str) -> int:
        """Interrupt an attempt; the position to go on from."""
        answer = central.call(
            "/v1.DBService/InterruptRestoreProcess",
            pb.InterruptDBRestoreProcessRequest(process_id=self._process_id, attempt_id=attempt_id),
            pb.InterruptDBRestoreProcessResponse,
            seconds=_REQUEST_SECONDS,
            try_seconds=self._try_seconds,
        )
        return answer.resume_info.pos

    def _send(self, rest: Rest, backup: BackupFile, request: _Request, name: str) -> None:
        """One attempt. Raises `Broken` when it can be resumed, else `CliError`."""
        self._app.console.result("Transferring data ...")
        progress = Progress(self._app, name, total=backup.body_size, done=request.position)
        body = _body(backup, request, progress)
        with rest.stream("POST", request.path, connect=_REQUEST_SECONDS, read=None, body=body) as answer:
            progress.end()
            if not answer.is_success:
                raise refusal(answer)

    def _after(self, central: Central, backup: BackupFile, error: CliError) -> _Request:
        """Wait and find out where to go on, again and again while Central is away."""
        problem = error
        for number in range(1, _RESUME_TRIES + 1):
            if self._app.timer.monotonic() > self._deadline:
                raise CliError(
                    "absolute retry deadline has passed, please restart roxctl to resume the restore"
                )
            self._app.console.note(
                f"Encountered a temporary error: {problem}. Retrying in {_RETRY_SECONDS:g}s"
                f" (attempt {number} out of {_RESUME_TRIES})"
            )
            self._app.timer.sleep(_RETRY_SECONDS)
            try:
                return self._next(central, backup)
            except CliError as failure:
                if code_of(failure) not in _PASSING:
                    raise
                problem = failure
        raise problem.wrap(f"could not resume restore after {_RESUME_TRIES} attempts, last error")

    def _next(self, central: Central, backup: BackupFile) -> _Request:
        status = active(central, seconds=_REQUEST_SECONDS, try_seconds=self._try_seconds)
        found = status.metadata.id if status is not None else ""
        if status is None or found != self._process_id:
            raise CliError(
                f"active restore process has changed: expected {self._process_id}, got {found or 'none'}"
            )
        if status.HasField("resume_info"):
            return self._resumed(backup, status.resume_info.pos)
        # Central may not have seen yet that the connection broke; only our own attempt is ended.
        return self._resumed(backup, self._broken_off(central, self._attempt_id))


def _body(backup: BackupFile, request: _Request, progress: Progress) -> Iterator[bytes]:
    if request.header:
        yield request.header
    for chunk in backup.chunks(request.position):
        yield chunk
        progress.add(len(chunk))
