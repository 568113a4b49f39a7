"""The recorded REST exchanges of the reference system, replayed against our Central."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pyrox.pg.settings import Settings
from tests.conftest import shared_folder
from tests.support.central import ADMIN, PASSWORD, RunningCentral, running_central

pytestmark = [pytest.mark.needs("shared", "postgres")]
RECORDED = shared_folder() / "reference" / "observed" / "rest.ndjson"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def cases() -> list[dict[str, Any]]:
    if not RECORDED.exists():
        return []
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    # The recorded system had no scanner.
    without = {"ROX_SCANNER_V4": "false"}
    with running_central(tmp_path_factory.mktemp("central"), database, environment=without) as running:
        yield running


def send(central: RunningCentral, case: dict[str, Any]) -> httpx.Response:
    auth = case["auth"]
    headers = {k: v for k, v in (case.get("request_headers") or {}).items() if k.lower() != "authorization"}
    if auth == "basic admin":
        credentials: tuple[str, str] | None = (ADMIN, PASSWORD)
    else:
        credentials = None
        if auth.startswith("other basic: "):
            headers["authorization"] = auth.removeprefix("other basic: ")
        elif auth == "bearer: te x":
            headers["authorization"] = "te x"
        elif auth.startswith("bearer: "):
            headers["authorization"] = f"Bearer {auth.removeprefix('bearer: ').rstrip('…')}"
    with central.client(auth=credentials) as client:
        return client.request(case["method"], case["path"], headers=headers, content=case.get("request_body"))


def masked(value: Any) -> Any:
    """The value with what differs from run to run replaced."""
    if isinstance(value, dict):
        return {key: "<masked>" if key in MASKED_KEYS else masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        return _UUID.sub("<uuid>", _TIME.sub("<time>", value))
    return value


# Where we answer otherwise on purpose; each stands in docs/compatibility.md with its reason.
DELIBERATE = {"alert_nonuuid": 404}
MASKED_KEYS = frozenset(
    {"version", "databaseVersion", "helmValuesBundle", "certificatePem", "compatibleSensorVersions"}
)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["case"])
def test_recorded_exchange_is_answered_alike(central: RunningCentral, case: dict[str, Any]) -> None:
    answer = send(central, case)
    if answer.status_code == 501 and case["status"] != 501:
        assert "is not implemented" in answer.text
        pytest.skip("not served yet; listed in docs/compatibility.md")
    if case["case"] in DELIBERATE:
        assert answer.status_code == DELIBERATE[case["case"]]
        return
    assert answer.status_code == case["status"], answer.text
    recorded = case["body"]
    ours = (
        answer.json()
        if answer.headers.get("content-type", "").startswith("application/json")
        else answer.text
    )
    assert masked(ours) == masked(recorded)
