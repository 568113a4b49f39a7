"""Which settings win."""

from __future__ import annotations

import asyncio
import base64
import gzip
import stat
from pathlib import Path
from typing import Any

import pytest

from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from services.admission.settings import FILE, Settings, SettingsFiles, read_mounted
from services.sensor.settings.configmap import to_config_map
from tests.support.pki import FixedClock
from tests.support.waiting import until
from tests.unit.services.admission.builders import PRIVILEGED, on_request, settings


def at(seconds: int, **changes: Any) -> AdmissionControlSettings:
    made = settings(PRIVILEGED, runtime=(on_request("exec"),), **changes)
    made.timestamp.FromSeconds(seconds)
    made.timestamp.nanos = 123
    return made


def mount(directory: Path, made: AdmissionControlSettings) -> Path:
    """The files that the kubelet makes of Sensor's ConfigMap."""
    directory.mkdir(exist_ok=True)
    body = to_config_map(made, "stackrox")
    for name, text in body["data"].items():
        (directory / name).write_text(text)
    for name, text in body["binaryData"].items():
        (directory / name).write_bytes(base64.b64decode(text))
    return directory


def test_newer_settings_are_taken_and_told(tmp_path: Path) -> None:
    store = Settings(state=tmp_path)
    told: list[int] = []
    store.listen(lambda made: told.append(made.timestamp.seconds))
    assert store.offer(at(10), "sensor")
    assert not store.offer(at(10), "sensor")
    assert not store.offer(at(9), "configmap")
    assert store.offer(at(11), "sensor")
    assert told == [10, 11]


def test_kept_settings_are_restored_by_the_next_run(tmp_path: Path) -> None:
    first = Settings(state=tmp_path / "state")
    first.keep()
    assert not (tmp_path / "state").exists()
    first.offer(at(10), "sensor")
    first.keep()
    assert stat.S_IMODE((tmp_path / "state" / FILE).stat().st_mode) == 0o640
    assert [path.name for path in (tmp_path / "state").iterdir()] == [FILE]
    second = Settings(state=tmp_path / "state")
    second.restore()
    assert second.current == at(10)


@pytest.mark.parametrize("content", [None, b"\xff\xff\xff"])
def test_missing_or_broken_file_leaves_no_settings(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    store = Settings(state=tmp_path)
    store.restore()
    assert store.current is None


def test_settings_that_cannot_be_kept_still_count(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a directory is wanted")
    store = Settings(state=tmp_path / "state")
    store.offer(at(10), "sensor")
    store.keep()
    assert store.current == at(10)


def test_mounted_config_map_reads_as_the_settings_that_sensor_wrote(tmp_path: Path) -> None:
    found = read_mounted(mount(tmp_path / "config", at(10)))
    assert found is not None
    assert found == at(10)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("last-update-time", b"yesterday"),
        ("config.pb.gz", b"not gzip"),
        ("policies.pb.gz", gzip.compress(b"\xff\xff", mtime=0)),
    ],
)
def test_mounted_files_that_cannot_be_read_are_left_aside(tmp_path: Path, name: str, content: bytes) -> None:
    directory = mount(tmp_path / "config", at(10))
    (directory / name).write_bytes(content)
    assert read_mounted(directory) is None


def test_mounted_file_that_unpacks_to_too_much_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.admission.settings._MAX_UNPACKED", 5)
    assert read_mounted(mount(tmp_path / "config", at(10))) is None


def test_nothing_mounted_means_nothing(tmp_path: Path) -> None:
    assert read_mounted(tmp_path / "absent") is None


async def test_component_restores_looks_at_the_mount_and_keeps_what_is_newest(tmp_path: Path) -> None:
    before = Settings(state=tmp_path)
    before.offer(at(10), "sensor")
    before.keep()
    store = Settings(state=tmp_path)
    mounted = mount(tmp_path / "config", at(20))
    ready = asyncio.Event()
    task = asyncio.create_task(
        SettingsFiles(settings=store, mounted=mounted, clock=FixedClock()).run(ready.set)
    )
    try:
        await asyncio.wait_for(ready.wait(), 5)
        assert store.current == at(20)
        await until(lambda: AdmissionControlSettings.FromString((tmp_path / FILE).read_bytes()) == at(20))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class StoppedClock(FixedClock):
    """A clock whose sleepers never wake."""

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.Event().wait()


async def test_pushed_settings_are_kept_before_the_mount_is_looked_at_again(tmp_path: Path) -> None:
    store, clock, ready = Settings(state=tmp_path), StoppedClock(), asyncio.Event()
    files = SettingsFiles(settings=store, mounted=tmp_path / "nothing", clock=clock)
    task = asyncio.create_task(files.run(ready.set))
    try:
        await asyncio.wait_for(ready.wait(), 5)
        await until(lambda: clock.slept)
        store.offer(at(10), "sensor")
        await until((tmp_path / FILE).exists)
        assert AdmissionControlSettings.FromString((tmp_path / FILE).read_bytes()) == at(10)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
