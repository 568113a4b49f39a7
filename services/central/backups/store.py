"""The last backup: when, how it ended, who asked. `/v1/backup/status` shows it."""

from __future__ import annotations

from datetime import datetime

from pyrox.pb.storage.operation_status_pb2 import OperationStatus
from pyrox.pb.storage.system_info_pb2 import BackupInfo, SystemInfo
from pyrox.pb.storage.user_pb2 import SlimUser
from pyrox.pg.pool import Pool
from pyrox.rpc.call import Identity

# There is one row; the column exists because every table has a key.
_ID = "system"
_KEEP = (
    "INSERT INTO system_infos (id, backupinfo_requestor_name, serialized) VALUES ($1, $2, $3)"
    " ON CONFLICT (id) DO UPDATE SET backupinfo_requestor_name = excluded.backupinfo_requestor_name,"
    " serialized = excluded.serialized"
)
_READ = "SELECT serialized FROM system_infos WHERE id = $1"


class BackupStore:
    """Remembers the last backup."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, *, moment: datetime, succeeded: bool, by: Identity) -> None:
        """Remember one that has ended."""
        info = SystemInfo()
        info.backup_info.backup_last_run_at.FromDatetime(moment)
        info.backup_info.status = OperationStatus.PASS if succeeded else OperationStatus.FAIL
        info.backup_info.requestor.CopyFrom(SlimUser(id=by.uid, name=by.name))
        await self._pool.execute(_KEEP, _ID, by.name, info.SerializeToString())

    async def last(self) -> BackupInfo | None:
        """The last one, or None."""
        row = await self._pool.fetchval(_READ, _ID)
        return SystemInfo.FromString(row).backup_info if row is not None else None
