"""Fetches one file of a feed: only when it changed, bounded, with a few tries.

`feeds` says what is to be fetched. What is known of each file's last answer stands in
`.fetched.json` below the folder, so that the next run asks with `If-None-Match`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from pathlib import Path

import httpx

MAX_FILE = 4_000_000_000
_TRIES = 4
_PAUSE_SECONDS = 2.0
_STATE = ".fetched.json"
_AGAIN = frozenset((429, 500, 502, 503, 504))


class Outcome(Enum):
    """What a request for a file came to."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ABSENT = "absent"


class FetchError(Exception):
    """A file that could not be had; the text names its address."""


@dataclass(frozen=True)
class Answer:
    """What is remembered of a file: where from, its validators, what it holds."""

    url: str
    etag: str
    last_modified: str
    sha256: str
    size: int
    fetched: str


class Fetcher:
    """Brings files below one folder."""

    def __init__(
        self,
        folder: Path,
        client: httpx.Client,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        limit: int = MAX_FILE,
    ) -> None:
        """`now` is for the record of provenance, `sleep` waits between tries."""
        self._folder = folder
        self._client = client
        self._now = now
        self._sleep = sleep
        self._limit = limit
        self.answers = _read(folder / _STATE)

    def fetch(self, url: str, path: str) -> Outcome:
        """Bring `url` to `path` below the folder.

        Raises:
            FetchError: no good answer after several tries, or more than the limit.
        """
        target = self._folder / path
        known = self.answers.get(path)
        headers = {"accept-encoding": "identity"}  # what is kept is what the publisher wrote
        if known is not None and known.url == url and target.exists():
            if known.etag:
                headers["if-none-match"] = known.etag
            if known.last_modified:
                headers["if-modified-since"] = known.last_modified
        problem = ""
        for attempt in range(_TRIES):
            if attempt:
                self._sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                with self._client.stream("GET", url, headers=headers) as response:
                    if response.status_code in _AGAIN:
                        problem = f"status {response.status_code}"
                        continue
                    return self._take(response, url, path)
            except httpx.HTTPError as error:
                problem = str(error) or type(error).__name__
        raise FetchError(f"{url}: {problem} after {_TRIES} tries")

    def forget(self, path: str) -> None:
        """Remove a file that its publisher withdrew."""
        (self._folder / path).unlink(missing_ok=True)
        self.answers.pop(path, None)

    def save(self) -> None:
        """Write down what is known, in one step."""
        text = json.dumps({path: asdict(answer) for path, answer in sorted(self.answers.items())}, indent=1)
        _replace(self._folder / _STATE, text.encode())

    def _take(self, response: httpx.Response, url: str, path: str) -> Outcome:
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return Outcome.UNCHANGED
        if response.status_code == httpx.codes.NOT_FOUND:
            return Outcome.ABSENT
        if response.status_code != httpx.codes.OK:
            raise FetchError(f"{url}: status {response.status_code}")
        before = self.answers.get(path)
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        digest, size = hashlib.sha256(), 0
        try:
            with part.open("wb") as file:
                for chunk in response.iter_raw():
                    size += len(chunk)
                    if size > self._limit:
                        raise FetchError(f"{url}: more than {self._limit} bytes")
                    digest.update(chunk)
                    file.write(chunk)
            declared = response.headers.get("content-length", "")
            if declared.isdecimal() and int(declared) != size:
                raise httpx.ReadError(f"{size} of {declared} bytes")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        modified = response.headers.get("last-modified", "")
        _set_time(target, modified)
        self.answers[path] = Answer(
            url=url,
            etag=response.headers.get("etag", ""),
            last_modified=modified,
            sha256=digest.hexdigest(),
            size=size,
            fetched=self._now().isoformat(),
        )
        same = before is not None and before.sha256 == digest.hexdigest()
        return Outcome.UNCHANGED if same else Outcome.CHANGED


def _set_time(target: Path, modified: str) -> None:
    """The publisher's time, which becomes the time of the bundle."""
    try:
        moment = parsedate_to_datetime(modified).timestamp()
    except (ValueError, TypeError, OverflowError):
        return
    os.utime(target, (moment, moment))


def _read(path: Path) -> dict[str, Answer]:
    """What the last run wrote; nothing when there was none, or when it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
        return {name: Answer(**value) for name, value in found.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
