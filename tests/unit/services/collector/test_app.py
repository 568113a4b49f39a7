from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from services.collector.app import build, proc_of
from services.collector.config import load
from tests.support.pki import FixedClock


def test_build_without_a_server_writes_to_standard_output() -> None:
    app = build(load([], {}), FixedClock())
    assert [component.name for component in app.components] == ["metrics", "status", "watch", "printer"]
    assert app.channels == ()


def test_build_with_a_server_streams_to_it() -> None:
    app = build(load([], {"GRPC_SERVER": "sensor:443"}), FixedClock())
    assert [component.name for component in app.components] == [
        "metrics",
        "status",
        "watch",
        "certificate-choice",
        "certificates",
        "sensor-stream",
        "network-stream",
    ]


def test_build_without_collection_watches_nothing_and_says_so() -> None:
    app = build(load([], {"COLLECTION_METHOD": "NO_COLLECTION"}), FixedClock())
    assert "watch" not in [component.name for component in app.components]
    assert app.stats.problem == "COLLECTION_METHOD is NO_COLLECTION"


def test_proc_of_mounted_host_is_preferred(tmp_path: Path) -> None:
    assert proc_of(tmp_path) == Path("/proc")
    (tmp_path / "proc").mkdir()
    assert proc_of(tmp_path) == tmp_path / "proc"


def test_printed_signal_is_json_with_a_time_based_id(capsys: pytest.CaptureFixture[str]) -> None:
    from services.collector.app import _print, _time_ids  # noqa: PLC0415 - internals of the root
    from services.collector.events import Execution, signal  # noqa: PLC0415

    identify = _time_ids()
    _print(signal(Execution("c", 1, 0, 0, "sh", "/bin/sh", "-c id", (), 0), identify))
    document = json.loads(capsys.readouterr().out)
    assert document["execFilePath"] == "/bin/sh"
    assert uuid.UUID(document["id"]).version == 1
    assert identify() != identify()
