"""The REST gateway: routes, headers, bodies, errors and streams, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from pyrox.errors import Invalid, NotFound
from pyrox.pb.api.v1 import (
    alert_service_pb2,
    auth_service_pb2,
    common_pb2,
    detection_service_pb2,
    empty_pb2,
    image_service_pb2,
    ping_service_pb2,
    pod_service_pb2,
    policy_service_pb2,
)
from pyrox.pb.storage import alert_pb2, image_pb2, policy_pb2
from pyrox.rpc import methods
from pyrox.rpc.call import Call
from pyrox.rpc.gateway import Gateway
from tests.support.asgi import Answer, no_fallback, request
from tests.support.pki import FixedClock
from tests.support.servicers import OnePassword, open_servicer, servicer

LOADED = (detection_service_pb2,)
ADMIN = {"Authorization": "Bearer admin"}
JSON_HEADERS = {
    "cache-control": "no-store, no-cache",
    "content-type": "application/json",
    "grpc-metadata-content-type": "application/grpc",
    "vary": "Accept-Encoding",
}


class Central:
    """The servicers' functions, and what they were called with."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.calls: list[Call] = []
        self.cancelled = asyncio.Event()
        self.started = asyncio.Event()

    async def ping(self, request: Any, call: Call) -> ping_service_pb2.PongMessage:
        self.calls.append(call)
        await call.send_headers({"extra": "1"})
        return ping_service_pb2.PongMessage(status="ok")

    async def remember(self, request: Any, call: Call) -> empty_pb2.Empty:
        self.requests.append(request)
        return empty_pb2.Empty()

    async def get_policy(self, request: common_pb2.ResourceByID, call: Call) -> policy_pb2.Policy:
        if request.id == "crash":
            raise RuntimeError("secret detail")
        raise NotFound(f"policy with ID '{request.id}' does not exist: not found")

    async def post_policy(
        self, request: policy_service_pb2.PostPolicyRequest, call: Call
    ) -> policy_pb2.Policy:
        self.requests.append(request)
        return request.policy

    async def list_alerts(self, request: Any, call: Call) -> alert_service_pb2.ListAlertsResponse:
        self.requests.append(request)
        response = alert_service_pb2.ListAlertsResponse()
        for number in range(request.pagination.limit):
            response.alerts.append(alert_pb2.ListAlert(id=f"alert-{number}"))
        return response

    async def never(self, request: Any, call: Call) -> image_pb2.Image:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError

    async def export(self, request: Any, call: Call) -> AsyncIterator[pod_service_pb2.ExportPodResponse]:
        for number in range(request.timeout):
            response = pod_service_pb2.ExportPodResponse()
            response.pod.id = f"pod-{number}"
            yield response
        if request.query == "bad":
            raise Invalid.of("query")
        if request.query == "endless":
            self.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()

    def gateway(self) -> Gateway:
        table = methods.table(
            [
                open_servicer("v1.PingService", Ping=self.ping),
                servicer("v1.PolicyService", GetPolicy=self.get_policy, PostPolicy=self.post_policy),
                servicer("v1.AlertService", ListAlerts=self.list_alerts, ResolveAlert=self.remember),
                servicer("v1.AuthService", UpdateAuthMachineToMachineConfig=self.remember),
                servicer("v1.ImageService", ScanImage=self.never),
                servicer("v1.PodService", ExportPods=self.export),
            ],
            ["v1.CollectionService"],
        )
        return Gateway(methods=table, authenticator=OnePassword(), clock=FixedClock(), fallback=no_fallback)


@pytest.fixture
def central() -> Central:
    return Central()


async def ask(central: Central, verb: str, target: str, body: bytes = b"", **options: Any) -> Answer:
    return await request(central.gateway(), verb, target, body=body, **{"headers": ADMIN, **options})


def error(code: int, message: str) -> dict[str, object]:
    return {"code": code, "message": message, "details": [], "error": message}


async def test_answer_has_upstreams_headers_and_those_of_the_servicer(central: Central) -> None:
    answer = await ask(central, "GET", "/v1/ping")
    assert answer.status == 200
    assert answer.body == b'{"status":"ok"}'
    assert answer.headers == {**JSON_HEADERS, "grpc-metadata-extra": "1", "content-length": "15"}


@pytest.mark.parametrize("authorization", [None, "Bearer bogus", "Bearer admin"])
async def test_open_method_answers_whatever_the_credentials(
    central: Central, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    assert (await ask(central, "GET", "/v1/ping", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "credentials not found"),
        (
            {"Authorization": "Bearer bogus"},
            "credentials not found: token-based: cannot extract identity: token validation failed",
        ),
    ],
    ids=["none", "bad"],
)
async def test_missing_credentials_are_401_with_challenge(
    central: Central, headers: dict[str, str], message: str
) -> None:
    answer = await ask(central, "GET", "/v1/policies/x", headers=headers)
    assert (answer.status, answer.json) == (401, error(16, message))
    assert answer.headers["www-authenticate"] == message
    assert "grpc-metadata-content-type" not in answer.headers


@pytest.mark.parametrize(
    ("verb", "path", "status", "expected"),
    [
        ("GET", "/v1/nosuch", 404, error(5, "Not Found")),
        ("GET", "/v1/ping/", 404, error(5, "Not Found")),
        ("GET", "/v1/", 404, error(5, "Not Found")),
        ("DELETE", "/v1/ping", 501, error(12, "Method Not Allowed")),
        ("OPTIONS", "/v1/ping", 501, error(12, "Method Not Allowed")),
        ("POST", "/v1/ping", 501, error(12, "Method Not Allowed")),
        (
            "GET",
            "/v1/collections/selectors",
            501,
            error(12, "method GetCollection of service v1.CollectionService is not implemented"),
        ),
        ("GET", "/v1/policies/nosuch", 404, error(5, "policy with ID 'nosuch' does not exist: not found")),
    ],
)
async def test_refusal_has_json_body(
    central: Central, verb: str, path: str, status: int, expected: dict[str, object]
) -> None:
    answer = await ask(central, verb, path)
    assert (answer.status, answer.json) == (status, expected)
    assert answer.headers["content-type"] == "application/json"


async def test_path_outside_the_api_goes_to_the_fallback(central: Central) -> None:
    assert (await ask(central, "GET", "/V1/ping")).status == 418


async def test_unexpected_error_does_not_leak(central: Central) -> None:
    answer = await ask(central, "GET", "/v1/policies/crash")
    assert answer.status == 500
    assert b"secret" not in answer.body


async def test_body_field_and_query_fill_the_request(central: Central) -> None:
    body = b'{"name":"n","nosuch":1} trailing'
    answer = await ask(central, "POST", "/v1/policies?enableStrictValidation=true&policy.name=ignored", body)
    assert answer.status == 200
    [sent] = central.requests
    assert (sent.policy.name, sent.enable_strict_validation) == ("n", True)


async def test_empty_body_sets_the_body_field(central: Central) -> None:
    await ask(central, "POST", "/v1/policies")
    assert central.requests[0].HasField("policy")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"name":5}', "proto:\u00a0(line 1:9): invalid value for string field name: 5"),
        (b"[]", "proto:\u00a0syntax error (line 1:1): unexpected token ["),
        (b"{bad", "invalid character 'b' looking for beginning of object key string"),
    ],
)
async def test_bad_body_is_400_with_upstreams_words(central: Central, body: bytes, message: str) -> None:
    answer = await ask(central, "POST", "/v1/policies", body)
    assert (answer.status, answer.json) == (400, error(3, message))


async def test_stranger_with_bad_body_is_told_to_log_in(central: Central) -> None:
    assert (await ask(central, "POST", "/v1/policies", b"{bad", headers={})).status == 401


async def test_body_in_parts_is_read_whole(central: Central) -> None:
    answer = await request(
        central.gateway(), "POST", "/v1/policies", body=[b'{"na', b'me":"n"}'], headers=ADMIN
    )
    assert answer.json["name"] == "n"


async def test_body_beyond_the_limit_is_429(central: Central) -> None:
    size = 24 * 1024 * 1024 + 1
    answer = await ask(central, "POST", "/v1/policies", headers={**ADMIN, "Content-Length": str(size)})
    message = f"grpc: received message larger than max ({size} vs. 25165824)"
    assert (answer.status, answer.json) == (429, error(8, message))


async def test_long_body_is_read_in_a_thread(central: Central) -> None:
    body = orjson.dumps({"name": "n", "description": "d" * 30_000})
    assert (await ask(central, "POST", "/v1/policies", body)).json["name"] == "n"


async def test_path_variable_of_inner_message_wins_over_body(central: Central) -> None:
    await ask(central, "PUT", "/v1/auth/m2m/from-path", b'{"config":{"id":"from-body","issuer":"i"}}')
    [sent] = central.requests
    assert isinstance(sent, auth_service_pb2.UpdateAuthMachineToMachineConfigRequest)
    assert (sent.config.id, sent.config.issuer) == ("from-path", "i")


async def test_patch_with_body_and_variable(central: Central) -> None:
    await ask(
        central,
        "PATCH",
        "/v1/alerts/a%201/resolve".replace("%20", " "),
        b'{"whitelist":true,"addToBaseline":true}',
    )
    [sent] = central.requests
    assert (sent.id, sent.add_to_baseline) == ("a 1", True)


async def test_query_parameters_fill_inner_messages(central: Central) -> None:
    await ask(
        central,
        "GET",
        "/v1/alerts?query=Cluster:x&pagination.limit=2&pagination.sortOption.field=Violation+Time",
    )
    [sent] = central.requests
    assert (sent.query, sent.pagination.limit, sent.pagination.sort_option.field) == (
        "Cluster:x",
        2,
        "Violation Time",
    )


async def test_bad_query_parameter_is_400(central: Central) -> None:
    answer = await ask(central, "GET", "/v1/alerts?pagination.limit=x")
    expected = 'parsing field "limit": strconv.ParseInt: parsing "x": invalid syntax'
    assert (answer.status, answer.json) == (400, error(3, expected))


async def test_long_answer_is_sliced_and_equal(central: Central) -> None:
    answer = await ask(central, "GET", "/v1/alerts?pagination.limit=20000")
    assert len(answer.parts) > 3
    assert [alert["id"] for alert in answer.json["alerts"]] == [f"alert-{number}" for number in range(20000)]
    assert answer.ended


@pytest.mark.parametrize("limit", [100, 20000])
async def test_answer_is_compressed_when_accepted(central: Central, limit: int) -> None:
    headers = {**ADMIN, "Accept-Encoding": "br, gzip;q=0.5"}
    answer = await ask(central, "GET", f"/v1/alerts?pagination.limit={limit}", headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json["alerts"]) == limit
    assert len(answer.raw) < len(answer.body) / 10


@pytest.mark.parametrize("accepted", ["br", "gzip;q=0", ""])
async def test_answer_is_plain_when_gzip_is_not_accepted(central: Central, accepted: str) -> None:
    answer = await ask(
        central, "GET", "/v1/alerts?pagination.limit=100", headers={**ADMIN, "Accept-Encoding": accepted}
    )
    assert "content-encoding" not in answer.headers


async def test_pretty_indents(central: Central) -> None:
    assert (await ask(central, "GET", "/v1/ping?pretty")).body == b'{\n  "status": "ok"\n}'


async def test_client_that_leaves_ends_the_work(central: Central) -> None:
    async with asyncio.timeout(5):
        asking = asyncio.ensure_future(ask(central, "POST", "/v1/images/scan", b"{}", leave=central.started))
        answer = await asking
    assert central.cancelled.is_set()
    assert answer.status == 0


async def test_timeout_header_ends_the_work(central: Central) -> None:
    answer = await ask(central, "POST", "/v1/images/scan", b"{}", headers={**ADMIN, "Grpc-Timeout": "10m"})
    assert (answer.status, answer.json) == (504, error(4, "context deadline exceeded"))
    assert central.cancelled.is_set()


async def test_call_carries_metadata_peer_and_deadline(central: Central) -> None:
    headers = {**ADMIN, "Grpc-Timeout": "5S", "Rh-Servicer": "x"}
    await ask(central, "GET", "/v1/ping", headers=headers)
    [call] = central.calls
    assert call.method == "/v1.PingService/Ping"
    assert (call.identity.name, call.metadata["rh-servicer"]) == ("admin", "x")
    assert call.deadline == FixedClock().monotonic() + 5


async def test_two_authorization_headers_are_refused(central: Central) -> None:
    headers = [("Authorization", "Bearer admin"), ("Authorization", "Bearer other")]
    assert (await ask(central, "GET", "/v1/policies/x", headers=headers)).status == 401


async def test_stream_is_a_line_for_each_message(central: Central) -> None:
    answer = await ask(central, "GET", "/v1/export/pods?timeout=3")
    lines = answer.body.splitlines()
    assert [orjson.loads(line)["result"]["pod"]["id"] for line in lines] == ["pod-0", "pod-1", "pod-2"]
    assert {key: answer.headers[key] for key in JSON_HEADERS} == JSON_HEADERS
    assert answer.ended


async def test_empty_stream_has_no_content_type(central: Central) -> None:
    answer = await ask(central, "GET", "/v1/export/pods")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers == {"cache-control": "no-store, no-cache", "vary": "Accept-Encoding"}


@pytest.mark.parametrize(("count", "status"), [(0, 400), (2, 200)])
async def test_stream_error_is_the_last_line(central: Central, count: int, status: int) -> None:
    answer = await ask(central, "GET", f"/v1/export/pods?timeout={count}&query=bad")
    assert answer.status == status
    *results, last = answer.body.splitlines()
    assert len(results) == count
    assert orjson.loads(last) == {"error": {"code": 3, "message": "invalid arguments: query", "details": []}}


async def test_stream_without_credentials_is_401(central: Central) -> None:
    answer = await ask(central, "GET", "/v1/export/pods", headers={})
    assert answer.status == 401
    assert answer.json == {"error": {"code": 16, "message": "credentials not found", "details": []}}


async def test_compressed_stream_can_be_read_message_by_message(central: Central) -> None:
    headers = {**ADMIN, "Accept-Encoding": "gzip"}
    answer = await ask(central, "GET", "/v1/export/pods?timeout=3", headers=headers)
    assert len(answer.body.splitlines()) == 3
    assert len(answer.parts) >= 3


async def test_client_that_leaves_a_stream_ends_it(central: Central) -> None:
    async with asyncio.timeout(5):
        await ask(central, "GET", "/v1/export/pods?query=endless", leave=central.started)
    assert central.cancelled.is_set()


async def test_client_that_leaves_during_the_body_gets_nothing(central: Central) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/policies",
        "headers": [(b"authorization", b"Bearer admin")],
    }
    await central.gateway()(scope, receive, send)
    assert sent == []
    assert central.requests == []


def test_image_service_is_in_the_pool() -> None:
    assert image_service_pb2.ScanImageRequest.DESCRIPTOR.full_name == "v1.ScanImageRequest"
