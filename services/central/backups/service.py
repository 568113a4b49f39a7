"""`v1.DBService`: what can be restored, and the restore that is going on.

The bytes themselves come over `services/central/routes/backups.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.pb.api.v1 import common_pb2, empty_pb2
from pyrox.pb.api.v1 import db_service_pb2 as pb
from pyrox.rpc.authz import AUTHENTICATED, Rule
from pyrox.rpc.call import Call
from services.central.backups.formats import ENCODINGS, export_format
from services.central.backups.permissions import READ_ALL, WRITE_ALL
from services.central.backups.restores import Restores


class DBService:
    """The servicer."""

    SERVICE: ClassVar[str] = "v1.DBService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetExportCapabilities": AUTHENTICATED,
        "GetActiveRestoreProcess": READ_ALL,
        "InterruptRestoreProcess": WRITE_ALL,
        "CancelRestoreProcess": WRITE_ALL,
    }

    def __init__(self, *, restores: Restores) -> None:
        self._restores = restores

    async def GetExportCapabilities(self, _: empty_pb2.Empty, __: Call) -> pb.GetDBExportCapabilitiesResponse:
        """The formats and encodings that a restore takes."""
        return pb.GetDBExportCapabilitiesResponse(formats=[export_format()], supported_encodings=ENCODINGS)

    async def GetActiveRestoreProcess(
        self, _: empty_pb2.Empty, __: Call
    ) -> pb.GetActiveDBRestoreProcessResponse:
        """The restore that is going on; empty without one."""
        active = self._restores.active
        status = active.status() if active is not None else None
        return pb.GetActiveDBRestoreProcessResponse(active_status=status)

    async def InterruptRestoreProcess(
        self, request: pb.InterruptDBRestoreProcessRequest, _: Call
    ) -> pb.InterruptDBRestoreProcessResponse:
        """Break the current attempt off and say where the next goes on."""
        position = await self._restores.required(request.process_id).interrupt(request.attempt_id)
        return pb.InterruptDBRestoreProcessResponse(
            resume_info=pb.DBRestoreProcessStatus.ResumeInfo(pos=position)
        )

    async def CancelRestoreProcess(self, request: common_pb2.ResourceByID, _: Call) -> empty_pb2.Empty:
        """End the restore; the data stay as they were."""
        await self._restores.required(request.id).cancel()
        return empty_pb2.Empty()
