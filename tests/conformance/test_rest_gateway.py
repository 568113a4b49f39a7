"""The recorded REST answers of the reference against our gateway: routes, errors, and every null.

Servicers are left out: a recorded body is read into its message type and must be
rendered again exactly as it was, which tests the codec with real answers.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from functools import cache
from typing import Any

import orjson
import pytest

import pyrox.pb.api
from pyrox.rpc import methods
from pyrox.rpc.codec import Decoder, Encoder
from pyrox.rpc.gateway import Gateway
from pyrox.rpc.httprule import Router
from tests.conftest import shared_folder
from tests.support.asgi import no_fallback, request
from tests.support.pki import FixedClock
from tests.support.servicers import OnePassword

RECORDS = shared_folder() / "reference" / "observed" / "rest.ndjson"
CASES: dict[str, dict[str, Any]] = (
    {case["case"]: case for case in map(json.loads, RECORDS.read_text().splitlines())}
    if RECORDS.is_file()
    else {}
)
# Services that the reference registers only behind feature flags that were off.
HIDDEN = {"v2.NodeReportService", "v2.VirtualMachineService", "v2.VirtualMachineV2Service"}


def is_unrouted(case: dict[str, Any]) -> bool:
    body = case.get("body")
    return isinstance(body, dict) and body.get("error") in {"Not Found", "Method Not Allowed"}


def is_message(case: dict[str, Any]) -> bool:
    return case["status"] == 200 and isinstance(case.get("body"), dict)


UNROUTED = [name for name, case in CASES.items() if is_unrouted(case)] or ["none"]
MESSAGES = [name for name, case in CASES.items() if is_message(case)] or ["none"]
pytestmark = pytest.mark.needs("shared")


@cache
def table() -> dict[str, methods.Method]:
    """All methods of the public API, none of them served."""
    names = []
    for found in pkgutil.walk_packages(pyrox.pb.api.__path__, "pyrox.pb.api."):
        if found.name.endswith("_pb2"):
            names += [
                s.full_name for s in importlib.import_module(found.name).DESCRIPTOR.services_by_name.values()
            ]
    return dict(methods.table([], [name for name in names if name not in HIDDEN]))


@pytest.mark.parametrize("name", UNROUTED)
async def test_unrouted_path_is_answered_as_recorded(name: str) -> None:
    case = CASES[name]
    gateway = Gateway(methods=table(), authenticator=OnePassword(), clock=FixedClock(), fallback=no_fallback)
    answer = await request(
        gateway, case["method"], case["path"], body=(case.get("request_body") or "").encode()
    )
    assert (answer.status, answer.json) == (case["status"], case["body"])
    del answer.headers["content-length"]
    assert answer.headers == {key.lower(): value for key, value in case["headers"].items()}


@pytest.mark.parametrize("name", MESSAGES)
def test_recorded_body_is_rendered_again_as_it_was(name: str) -> None:
    case = CASES[name]
    found = Router(table()).find(case["method"], case["path"].partition("?")[0])
    assert found is not None
    message = found[0].method.response()
    Decoder().decode(orjson.dumps(case["body"]), message)
    assert orjson.loads(Encoder().encode(message)) == case["body"]
