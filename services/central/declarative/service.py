"""`v1.DeclarativeConfigHealthService`: whether what is declared is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.pb.api.v1 import declarative_config_health_service_pb2, empty_pb2
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.declarative.health import Healths


class DeclarativeConfigHealthService:
    """`v1.DeclarativeConfigHealthService`."""

    SERVICE: ClassVar[str] = "v1.DeclarativeConfigHealthService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {"GetDeclarativeConfigHealths": Permissions(read=("Integration",))}

    def __init__(self, *, healths: Healths) -> None:
        self._healths = healths

    async def GetDeclarativeConfigHealths(
        self, _: empty_pb2.Empty, __: Call
    ) -> declarative_config_health_service_pb2.GetDeclarativeConfigHealthsResponse:
        """The states of mounts and objects."""
        found = self._healths.all()
        return declarative_config_health_service_pb2.GetDeclarativeConfigHealthsResponse(healths=found)
