"""The settings that Admission decides by: the newest of those it was given.

They come from Sensor's stream, from the mounted ConfigMap and from the file that the
last run kept; the newest time wins, so that a replica decides rightly from its first
second on, also while Sensor is away. It must not know policies' contents.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox import log
from pyrox.clock import Clock
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from pyrox.pb.storage.cluster_pb2 import DynamicClusterConfig
from pyrox.pb.storage.policy_pb2 import PolicyList

_LOG = log.get(__name__)
FILE = "settings.pb"
_TEMPORARY = ".settings-temp.pb"
_POLL_SECONDS = 5.0
# A ConfigMap holds a mebibyte; unpacked policies of a large installation are some ten.
_MAX_UNPACKED = 64 << 20


class Settings:
    """Keeps the newest settings and tells who listens."""

    def __init__(self, *, state: Path) -> None:
        self._state = state
        self._listeners: list[Callable[[AdmissionControlSettings], None]] = []
        self.current: AdmissionControlSettings | None = None

    def listen(self, on_change: Callable[[AdmissionControlSettings], None]) -> None:
        """Tell of newer settings from now on."""
        self._listeners.append(on_change)

    def offer(self, settings: AdmissionControlSettings, source: str) -> bool:
        """Take the settings when they are newer than the current ones; whether they were."""
        known = self.current
        if known is not None and settings.timestamp.ToNanoseconds() <= known.timestamp.ToNanoseconds():
            return False
        self.current = settings
        _LOG.info(
            "settings taken",
            source=source,
            enforced=len(settings.enforced_deploy_time_policies.policies),
            runtime=len(settings.runtime_policies.policies),
        )
        for listener in self._listeners:
            listener(settings)
        return True

    def restore(self) -> None:
        """Take what the last run kept."""
        path = self._state / FILE
        try:
            kept = AdmissionControlSettings.FromString(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, DecodeError) as err:
            _LOG.error("kept settings cannot be read", file=str(path), error=str(err))
            return
        self.offer(kept, "file")

    def keep(self) -> None:
        """Write the current settings for the next run; a half-written file never replaces a whole one."""
        if self.current is None:
            return
        try:
            self._state.mkdir(parents=True, exist_ok=True)
            temporary = self._state / _TEMPORARY
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as file:
                file.write(self.current.SerializeToString())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._state / FILE)
        except OSError as err:
            _LOG.error("settings not kept", directory=str(self._state), error=str(err))


class SettingsFiles:
    """The component that restores, keeps, and watches the mounted ConfigMap."""

    name = "settings"

    def __init__(self, *, settings: Settings, mounted: Path, clock: Clock) -> None:
        self._settings = settings
        self._mounted = mounted
        self._clock = clock
        self._changed = asyncio.Event()
        settings.listen(lambda _: self._changed.set())

    async def run(self, ready: Callable[[], None]) -> None:
        """Restore, then keep every change at once and look at the mounted files now and then."""
        await asyncio.to_thread(self._settings.restore)
        await self._look()
        ready()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._keep_changes())
            both.create_task(self._watch_mounted())

    async def _keep_changes(self) -> None:
        """A process killed the next moment must find them; the mount's pace is no reason to wait."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.to_thread(self._settings.keep)

    async def _watch_mounted(self) -> None:
        while True:
            await self._clock.sleep(_POLL_SECONDS)
            await self._look()

    async def _look(self) -> None:
        found = await asyncio.to_thread(read_mounted, self._mounted)
        if found is not None:
            self._settings.offer(found, "configmap")


def read_mounted(directory: Path) -> AdmissionControlSettings | None:
    """The settings that a mounted ConfigMap holds; None when there are none, or none that can be read."""
    try:
        stamp = (directory / "last-update-time").read_text().strip()
        settings = AdmissionControlSettings(
            timestamp=_timestamp(stamp),
            cache_version=_text(directory / "cache-version"),
            central_endpoint=_text(directory / "central-endpoint"),
            cluster_id=_text(directory / "cluster-id"),
        )
        settings.cluster_config.CopyFrom(
            DynamicClusterConfig.FromString(_unpacked(directory / "config.pb.gz"))
        )
        settings.enforced_deploy_time_policies.CopyFrom(
            PolicyList.FromString(_unpacked(directory / "policies.pb.gz"))
        )
        settings.runtime_policies.CopyFrom(
            PolicyList.FromString(_unpacked(directory / "runtime-policies.pb.gz"))
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, DecodeError, zlib.error, EOFError) as err:
        _LOG.error("mounted settings cannot be read", directory=str(directory), error=str(err))
        return None
    return settings


def _text(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _timestamp(text: str) -> Timestamp:
    """An RFC 3339 time with nanoseconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    stamp = Timestamp()
    stamp.FromDatetime(datetime.fromisoformat(whole).replace(tzinfo=UTC))
    stamp.nanos = int(fraction[:9].ljust(9, "0")) if fraction else 0
    return stamp


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        data = file.read(_MAX_UNPACKED + 1)
    if len(data) > _MAX_UNPACKED:
        raise ValueError(f"{path.name} unpacks to more than {_MAX_UNPACKED} bytes")
    return data
