"""Configured machine logins in Central DB."""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.errors import AlreadyExists
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.store import ProtoStore

# A change on another replica is seen after this many seconds at the latest.
REMEMBERED_SECONDS = 5.0


class MachineStore:
    """All configurations; there are few, so they are read together."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._configs: ProtoStore[AuthMachineToMachineConfig] = ProtoStore(
            pool=pool, table=tables.MACHINE_LOGINS
        )
        self._clock = clock
        self._known: list[AuthMachineToMachineConfig] = []
        self._read_at = float("-inf")

    async def all_configs(self) -> list[AuthMachineToMachineConfig]:
        """All, by id."""
        found = await self._configs.find(scope=EVERYTHING)
        return sorted(found, key=lambda config: config.id)

    async def get(self, config_id: str) -> AuthMachineToMachineConfig | None:
        """One of them."""
        return await self._configs.get(config_id, scope=EVERYTHING)

    async def put(self, config: AuthMachineToMachineConfig) -> None:
        """Write one. Raises `AlreadyExists` when another has its issuer."""
        async with self._pool.transaction() as tx:
            await tx.execute("LOCK TABLE auth_machine_to_machine_configs IN SHARE ROW EXCLUSIVE MODE")
            for other in await self._configs.find(scope=EVERYTHING, tx=tx):
                if other.issuer == config.issuer and other.id != config.id:
                    raise AlreadyExists.because(
                        f'an auth machine to machine config with issuer "{config.issuer}"'
                    )
            await self._configs.upsert(config, tx=tx)
        self._read_at = float("-inf")

    async def delete(self, config_id: str) -> None:
        """Remove one, if it is there."""
        await self._configs.delete(config_id)
        self._read_at = float("-inf")

    async def of_issuer(self, issuer: str) -> AuthMachineToMachineConfig | None:
        """The one for tokens of that issuer."""
        return next((config for config in await self._remembered() if config.issuer == issuer), None)

    async def of_source(self, source: str) -> AuthMachineToMachineConfig | None:
        """The one whose id is the audience of a token that Central gave."""
        return next((config for config in await self._remembered() if config.id == source), None)

    async def _remembered(self) -> list[AuthMachineToMachineConfig]:
        now = self._clock.monotonic()
        if now - self._read_at >= REMEMBERED_SECONDS:
            self._known = await self.all_configs()
            self._read_at = now
        return self._known
