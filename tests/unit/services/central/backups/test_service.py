"""`v1.DBService`: formats, the active restore, its interruption and end."""

from __future__ import annotations

import asyncio

import pytest

from pyrox.pb.api.v1 import common_pb2
from pyrox.pb.api.v1 import db_service_pb2 as pb
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.rpc import methods
from pyrox.rpc.authz import AUTHENTICATED
from services.central.backups.errors import Refused
from services.central.backups.formats import export_format
from services.central.backups.permissions import READ_ALL, WRITE_ALL
from services.central.backups.restart import Restart
from services.central.backups.restores import Restores
from services.central.backups.service import DBService
from tests.support.callers import ADMIN
from tests.support.pki import FixedClock
from tests.unit.services.central.backups.test_process import DATA, Body, Target, arrived, header
from tests.unit.services.central.backups.test_restores import Choice, running


def idle() -> DBService:
    restores = Restores(targets=Choice(Target()), restart=Restart(), clock=FixedClock())  # type: ignore[arg-type]  # a choice of tests
    return DBService(restores=restores)


def test_every_method_has_its_rule() -> None:
    found = {path.rpartition("/")[2]: method.rule for path, method in methods.table([idle()]).items()}
    assert found == {
        "GetExportCapabilities": AUTHENTICATED,
        "GetActiveRestoreProcess": READ_ALL,
        "InterruptRestoreProcess": WRITE_ALL,
        "CancelRestoreProcess": WRITE_ALL,
    }


async def test_capabilities_are_one_format_and_two_encodings() -> None:
    found = await idle().GetExportCapabilities(Empty(), ADMIN)
    assert list(found.formats) == [export_format()]
    assert list(found.supported_encodings) == [
        pb.DBExportManifest.UNCOMPREESSED,
        pb.DBExportManifest.DEFLATED,
    ]


async def test_without_a_restore_there_is_nothing_to_tell_or_end() -> None:
    service = idle()
    assert await service.GetActiveRestoreProcess(Empty(), ADMIN) == pb.GetActiveDBRestoreProcessResponse()
    with pytest.raises(Refused, match="no restore process is currently in progress"):
        await service.CancelRestoreProcess(common_pb2.ResourceByID(id="p1"), ADMIN)
    with pytest.raises(Refused, match="no restore process is currently in progress"):
        await service.InterruptRestoreProcess(pb.InterruptDBRestoreProcessRequest(process_id="p1"), ADMIN)


async def test_restore_is_told_interrupted_and_cancelled() -> None:
    async with running(Choice(Target())) as (restores, _, __):
        service = DBService(restores=restores)
        process = await restores.launch("p1", header(), "admin")
        attempt = asyncio.create_task(process.begin(aiter(Body(DATA[:20], then="stop"))))
        await arrived(process, 20)
        told = await service.GetActiveRestoreProcess(Empty(), ADMIN)
        assert told.active_status == process.status()
        request = pb.InterruptDBRestoreProcessRequest(process_id="p1", attempt_id="p1")
        assert (await service.InterruptRestoreProcess(request, ADMIN)).resume_info.pos == 20
        with pytest.raises(Refused, match="attempt canceled"):
            await attempt
        with pytest.raises(Refused, match='provided ID "p2" does not match ID p1'):
            await service.CancelRestoreProcess(common_pb2.ResourceByID(id="p2"), ADMIN)
        assert await service.CancelRestoreProcess(common_pb2.ResourceByID(id="p1"), ADMIN) == Empty()
        assert process.status().error == "restore canceled"
