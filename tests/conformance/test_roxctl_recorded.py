"""The recorded runs of the reference command line, repeated with ours: same code, same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import shared_folder
from tests.support.cli import roxctl, settings_for
from tests.support.fake_central import FakeCentral, running
from tests.support.recorded_central import Recorded

RECORDS = shared_folder() / "reference" / "observed" / "roxctl.ndjson"
CASES: list[dict[str, Any]] = (
    [json.loads(line) for line in RECORDS.read_text().splitlines()] if RECORDS.is_file() else []
)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeCentral]:
    with running(Recorded().central(tmp_path_factory.mktemp("central"))) as fake:
        yield fake


@pytest.mark.needs("shared")
@pytest.mark.parametrize("transport", [{}, {"ROX_CLIENT_FORCE_HTTP1": "true"}], ids=["http2", "http1"])
@pytest.mark.parametrize("case", [case["case"] for case in CASES] or ["none"])
def test_recorded_run_gives_the_same_bytes(
    central: FakeCentral,
    case: str,
    transport: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    record = next(found for found in CASES if found["case"] == case)
    monkeypatch.chdir(tmp_path)
    done = roxctl(*record["argv"][1:], environment=settings_for(central, **transport))
    assert (done.code, done.out, done.err) == (record["rc"], record["stdout"], record["stderr"])
