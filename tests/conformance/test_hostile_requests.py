"""No request of an administrator, however odd, makes Central fail: it answers or says what is wrong.

Generated from the descriptors, over gRPC. An answer that only names an id of the log is
an error that nobody thought of.
"""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from pyrox.rpc.methods import Method
from tests.support import pg, served
from tests.support.central import ADMIN, PASSWORD, RunningCentral, running_central
from tests.support.fleet import KINDS, PLACES, Fleet
from tests.support.random_message import fill
from tests.support.rpc_caller import call, channel

pytestmark = [pytest.mark.needs("postgres")]
# These reach for registries, issuers and clusters, whose names must not be made up here.
_OUTWARD = {
    "v1.AuthService",
    "v1.DetectionService",
    "v1.ImageIntegrationService",
    "v1.ImageService",
    "central.SensorService",
}
METHODS = [
    method
    for method in served.methods()
    if method.descriptor.containing_service.full_name not in _OUTWARD and not method.client_streaming
]
SEEDS = 6
UNEXPECTED = ("the server's log has the details", "Database operation failed")
CREDENTIALS = "Basic " + base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
TEXTS = (
    "\0",
    "a\0b",
    "'; DROP TABLE clusters; --",
    "%00%s%n{}",
    "(" * 500,
    "x" * 20_000,
    "\U0010ffff\u202e",
    "Cluster:",
    "Cluster:\0+CVE:r/(+Namespace:!",
    "r/[",
    "Deployment:" + ",".join(["a"] * 300),
    "CVSS:>=1e999",
    "Image:r/" + "(a*)*" * 50,
    "00000000-0000-0000-0000-000000000000",
)
EDGES = (-(2**63), -1, 0, 1, 2**31 - 1)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as running:
        pg.outside(_write(database))
        yield running


async def _write(settings: Settings) -> None:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        await Fleet(pool).write()
    finally:
        await pool.close()


def known_ids() -> list[str]:
    return [place.id(kind) for place in PLACES for kind in KINDS] + [place.cluster_id for place in PLACES]


def spoil(message: Any, source: random.Random, depth: int = 4) -> None:
    """Put hostile values into the fields, real ids into some."""
    for field in message.DESCRIPTOR.fields:
        if source.random() < 0.4:
            continue
        inner = field.message_type
        if inner is None:
            _spoil_scalar(message, field, source)
        elif not field.is_repeated and depth > 0:
            getattr(message, field.name).SetInParent()
            spoil(getattr(message, field.name), source, depth - 1)


def _spoil_scalar(message: Any, field: FieldDescriptor, source: random.Random) -> None:
    value: Any
    if field.type == FieldDescriptor.TYPE_STRING:
        value = source.choice(known_ids() if source.random() < 0.3 else TEXTS)
    elif field.cpp_type in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64}:
        value = source.choice(EDGES)
        if field.cpp_type == FieldDescriptor.CPPTYPE_INT32:
            value = max(value, -(2**31))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        value = source.choice((0, 1, 99, -1))
    else:
        return
    if field.is_repeated:
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def requests(method: Method) -> Iterator[Message]:
    """Empty, random and spoiled ones; the same in every run."""
    yield method.request()
    for number in range(SEEDS):
        seed = zlib.crc32(f"{method.path}{number}".encode())
        yield fill(method.request(), seed)
        spoiled = method.request()
        spoil(spoiled, random.Random(seed))
        yield spoiled


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.path)
def test_hostile_request_is_answered_or_refused(central: RunningCentral, method: Method) -> None:
    with channel(central) as opened:
        for request in requests(method):
            status, text, _ = call(opened, method, request, authorization=CREDENTIALS)
            assert not any(unexpected in text for unexpected in UNEXPECTED), (text, request)
            assert status not in {
                grpc.StatusCode.UNKNOWN,
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.UNAUTHENTICATED,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            }, (text, request)


def test_central_still_answers_afterwards(central: RunningCentral) -> None:
    with central.client() as client:
        assert client.get("/v1/ping").status_code == 200
        assert client.get("/v1/deployments").status_code == 200
