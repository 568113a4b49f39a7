"""The table of methods: complete authorisation or no start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

import pytest

from pyrox.errors import NoCredentials, Unimplemented
from pyrox.pb.api.v1 import alert_service_pb2, deployment_service_pb2, ping_service_pb2
from pyrox.pb.internalapi.central import sensor_iservice_pb2
from pyrox.rpc.authz import ANONYMOUS, AUTHENTICATED, UNSERVED, Rule
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.methods import Servicer, table
from pyrox.rpc.scope import FullGrants

ADMIN = Call(method="/", identity=Identity(uid="a", grants=FullGrants()))
SENSOR, ALERTS = "central.SensorService", "v1.AlertService"
_LOADED = (alert_service_pb2, sensor_iservice_pb2)


class Ping:
    SERVICE: ClassVar[str] = "v1.PingService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"Ping": AUTHENTICATED}

    async def Ping(self, _: Any, call: Call) -> ping_service_pb2.PongMessage:
        return ping_service_pb2.PongMessage(status=call.identity.uid)


class Exporter:
    SERVICE: ClassVar[str] = "v1.DeploymentService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        name: AUTHENTICATED if name == "ExportDeployments" else UNSERVED
        for name in deployment_service_pb2.DESCRIPTOR.services_by_name["DeploymentService"].methods_by_name
    }

    async def ExportDeployments(
        self, request: deployment_service_pb2.ExportDeploymentRequest, _: Call
    ) -> AsyncIterator[deployment_service_pb2.ExportDeploymentResponse]:
        for _number in range(request.timeout):
            yield deployment_service_pb2.ExportDeploymentResponse()


def servicer(authz: Mapping[str, Rule], **functions: Any) -> Servicer:
    """A ping servicer with this table and these functions."""
    made: Servicer = type("Made", (), {"SERVICE": "v1.PingService", "AUTHZ": authz, **functions})()
    return made


def test_table_has_every_method_by_its_path() -> None:
    methods = table([Ping(), Exporter()])
    assert set(methods) == {"/v1.PingService/Ping"} | {
        f"/v1.DeploymentService/{name}" for name in Exporter.AUTHZ
    }
    for path, method in methods.items():
        assert method.path == path


def test_method_knows_its_types_and_its_streams() -> None:
    methods = table([Ping(), Exporter()], [SENSOR])
    ping = methods["/v1.PingService/Ping"]
    assert ping.response is ping_service_pb2.PongMessage
    assert (ping.client_streaming, ping.server_streaming) == (False, False)
    export = methods["/v1.DeploymentService/ExportDeployments"]
    assert export.request is deployment_service_pb2.ExportDeploymentRequest
    assert (export.client_streaming, export.server_streaming) == (False, True)
    communicate = methods[f"/{SENSOR}/Communicate"]
    assert (communicate.client_streaming, communicate.server_streaming) == (True, True)


@pytest.mark.parametrize(
    ("authz", "functions", "message"),
    [
        ({}, {"Ping": print}, r"v1.PingService: no rule for \['Ping'\]; add them to AUTHZ"),
        (
            {"Ping": ANONYMOUS, "Pong": ANONYMOUS},
            {"Ping": print},
            r"v1.PingService: AUTHZ names unknown methods \['Pong'\]",
        ),
        ({"Ping": ANONYMOUS}, {}, "v1.PingService: Ping must be served, or be UNSERVED in AUTHZ"),
        ({"Ping": UNSERVED}, {"Ping": print}, "v1.PingService: Ping must be served, or be UNSERVED"),
    ],
)
def test_table_with_a_gap_is_refused(authz: Mapping[str, Rule], functions: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table([servicer(authz, **functions)])


def test_table_of_an_unknown_service_is_refused() -> None:
    with pytest.raises(KeyError, match=r"v9\.NoSuch"):
        table([], ["v9.NoSuch"])


def test_table_prefers_the_servicer_to_the_list_of_the_unserved() -> None:
    methods = table([Ping()], ["v1.PingService", ALERTS])
    assert methods["/v1.PingService/Ping"].function is not None
    assert methods[f"/{ALERTS}/ListAlerts"].function is None


@pytest.mark.parametrize("call", [ADMIN, Call(method="/")])
async def test_unserved_method_says_its_name_before_it_looks_at_the_caller(call: Call) -> None:
    methods = table([], [ALERTS])
    with pytest.raises(Unimplemented) as caught:
        await methods[f"/{ALERTS}/ListAlerts"].unary(alert_service_pb2.ListAlertsRequest(), call)
    assert caught.value.message == "method ListAlerts of service v1.AlertService is not implemented"


async def test_unary_method_authorizes_before_it_answers() -> None:
    ping = table([Ping()])["/v1.PingService/Ping"]
    answer = await ping.unary(ping.request(), ADMIN)
    assert answer == ping_service_pb2.PongMessage(status="a")
    with pytest.raises(NoCredentials):
        await ping.unary(ping.request(), Call(method="/"))


async def test_stream_refuses_before_its_first_message() -> None:
    export = table([Exporter()])["/v1.DeploymentService/ExportDeployments"]
    request = deployment_service_pb2.ExportDeploymentRequest(timeout=3)
    assert len([answer async for answer in export.stream(request, ADMIN)]) == 3
    with pytest.raises(NoCredentials):
        export.stream(request, Call(method="/"))
