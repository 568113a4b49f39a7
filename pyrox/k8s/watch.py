"""One kind followed for ever: list in pages, then watch, and list again when needed.

Sensor starts one `Reflector` per kind. The sink sees each object's changes in order,
exactly as if the API server had never been away: what changed or went during a gap is
found by comparing the new list with what was known. Only uid, version and name of each
object are kept. It must not know what a kind means.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import orjson

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import NotFound, RoxError, Unavailable
from pyrox.k8s.client import Json, KubeClient
from pyrox.k8s.errors import Gone, error_of
from pyrox.k8s.kinds import Kind

_LOG = log.get(__name__)
_PAGE = 500
# client-go's reflector: 0.8 s doubling to 30 s, each stretched by up to its own length.
_FIRST_PAUSE, _LAST_PAUSE = 0.8, 30.0
# client-go lets a watch last 5 to 10 minutes.
_WATCH_SECONDS = 300.0
_WATCH_SLACK = 30.0
_SHORT_WATCH_SECONDS = 1.0  # what client-go calls a very short watch
_MISSING_KIND_PAUSE = 60.0


class Change(Enum):
    """What happened to an object."""

    SYNC = "sync"
    """It was there when the kind was first listed."""
    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


Sink = Callable[[Change, Json], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Known:
    version: str
    name: str
    namespace: str


class Reflector:
    """Follows one kind and tells a sink of every change."""

    def __init__(
        self, *, client: KubeClient, kind: Kind, sink: Sink, clock: Clock, jitter: Callable[[], float]
    ) -> None:
        """`jitter` gives numbers from 0 to 1."""
        self.name = f"watch-{kind.plural}"
        self._client = client
        self._kind = kind
        self._sink = sink
        self._clock = clock
        self._jitter = jitter
        self._known: dict[str, _Known] = {}
        self._version = ""
        self._listed_once = False
        self._pause = _FIRST_PAUSE
        self._failing = False

    async def run(self, ready: Callable[[], None]) -> None:
        """Follow until cancelled; ready when the first list has been handed to the sink."""
        while True:
            try:
                if not self._version:
                    self._version = await self._list(ready)
                await self._watch()
            except Gone:
                self._version = ""
            except NotFound as error:
                self._version = ""
                await self._without_kind(error, ready)
            except RoxError as error:
                # A broken watch resumes at its version; a broken list starts again.
                await self._wait(error)

    async def _list(self, ready: Callable[[], None]) -> str:
        """Hand over the whole list page by page; the version to watch from."""
        seen: set[str] = set()
        token = ""
        while True:
            query = {"limit": str(_PAGE), **({"continue": token} if token else {})}
            page = await self._client.get(self._kind.path, query)
            for item in _items(page):
                await self._present(item, seen)
            metadata = page.get("metadata") or {}
            token = metadata.get("continue") or ""
            if not token:
                break
        await self._forget_unseen(seen)
        if not self._listed_once:
            self._listed_once = True
            ready()
        self._recovered()
        return str(metadata.get("resourceVersion") or "")

    async def _present(self, item: Json, seen: set[str]) -> None:
        uid, known = self._remembered(item)
        if not uid:
            return
        seen.add(uid)
        if known is None:
            await self._tell(Change.ADDED if self._listed_once else Change.SYNC, item)
        elif known.version != item["metadata"].get("resourceVersion"):
            await self._tell(Change.MODIFIED, item)

    async def _forget_unseen(self, seen: set[str]) -> None:
        for uid in self._known.keys() - seen:
            known = self._known[uid]
            metadata = {"uid": uid, "name": known.name, "namespace": known.namespace}
            await self._tell(Change.DELETED, {"metadata": metadata})

    async def _watch(self) -> None:
        """Follow one watch to its end, remembering the version to resume at.

        Raises `Unavailable` when it ends at once and empty: asking again at once would be a loop.
        """
        started, heard = self._clock.monotonic(), False
        seconds = _WATCH_SECONDS * (1 + self._jitter())
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(int(seconds)),
        }
        async with self._client.lines(self._kind.path, query, seconds=seconds + _WATCH_SLACK) as lines:
            async for line in lines:
                heard = True
                self._recovered()
                self._version = await self._event(line) or self._version
        if not heard and self._clock.monotonic() - started < _SHORT_WATCH_SECONDS:
            raise Unavailable(f"Kubernetes API {self._kind.path}: the watch ended at once")

    async def _event(self, line: bytes) -> str:
        """Hand one event over; its version, or empty when it has none."""
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            _LOG.warning("watch event is no JSON", kind=self._kind.name, start=line[:100])
            return ""
        item = event.get("object") if isinstance(event, dict) else None
        if not isinstance(item, dict):
            return ""
        if event.get("type") == "ERROR":
            code = item.get("code")
            raise error_of(code if isinstance(code, int) else 500, self._kind.path, orjson.dumps(item))
        if not isinstance(item.get("metadata"), dict):
            return ""
        if event.get("type") in {"ADDED", "MODIFIED"}:
            _, known = self._remembered(item)
            await self._tell(Change.ADDED if known is None else Change.MODIFIED, item)
        elif event.get("type") == "DELETED":
            await self._tell(Change.DELETED, item)
        return str(item["metadata"].get("resourceVersion") or "")

    def _remembered(self, item: Json) -> tuple[str, _Known | None]:
        uid = item["metadata"].get("uid")
        return (uid, self._known.get(uid)) if isinstance(uid, str) else ("", None)

    async def _tell(self, change: Change, item: Json) -> None:
        """Tell the sink, with kind and version that lists leave out and without managed fields."""
        metadata = item["metadata"]
        uid = str(metadata.get("uid") or "")
        if change is Change.DELETED:
            if self._known.pop(uid, None) is None:
                return
        else:
            self._known[uid] = _Known(
                str(metadata.get("resourceVersion") or ""),
                str(metadata.get("name") or ""),
                str(metadata.get("namespace") or ""),
            )
        metadata.pop("managedFields", None)
        item["kind"], item["apiVersion"] = self._kind.name, self._kind.api_version
        await self._sink(change, item)

    async def _without_kind(self, error: NotFound, ready: Callable[[], None]) -> None:
        if not self._kind.optional:
            await self._wait(error)
            return
        await self._forget_unseen(set())
        if not self._listed_once:
            self._listed_once = True
            ready()
        await self._clock.sleep(_MISSING_KIND_PAUSE * (1 + self._jitter()))

    async def _wait(self, error: RoxError) -> None:
        if not self._failing:
            self._failing = True
            _LOG.warning("cannot follow kind, trying on", kind=self._kind.name, error=error.message)
        await self._clock.sleep(self._pause * (1 + self._jitter()))
        self._pause = min(self._pause * 2, _LAST_PAUSE)

    def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            _LOG.info("following kind again", kind=self._kind.name)
        self._pause = _FIRST_PAUSE


def _items(page: Json) -> Iterator[Json]:
    for item in page.get("items") or ():
        if isinstance(item, dict) and isinstance(item.get("metadata"), dict):
            yield item
