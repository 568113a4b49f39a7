"""The part of Central's composition root that makes backups and restores.

`services.central.app` calls it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from pyrox.clock import Clock
from pyrox.pg.migrate import read
from pyrox.pg.pool import Pool
from services.central.backups.databases import Databases
from services.central.backups.export import Backups, Secrets
from services.central.backups.programs import Connection, Programs
from services.central.backups.restart import Restart
from services.central.backups.restores import Restores
from services.central.backups.store import BackupStore
from services.central.backups.targets import Targets
from services.central.config import Config


@dataclass(frozen=True, slots=True)
class Safekeeping:
    """Everything about backups that the rest of Central uses."""

    backups: Backups
    restores: Restores
    restart: Restart
    store: BackupStore
    databases: Databases
    external: bool

    async def adopt_restored(self, pool: Pool) -> None:
        """Let a restored database become the active one; the pool must be open, and is afterwards.

        On the user's own server nothing is ever renamed: a database of that name is not ours.
        """
        if not self.external and await self.databases.waiting():
            await pool.close()
            await self.databases.adopt()
            await pool.connect(attempts=None)


def safekeeping(config: Config, pool: Pool, clock: Clock) -> Safekeeping:
    """Made from the settings; opens nothing."""
    databases = Databases(
        settings=pool.settings,
        clock=clock,
        migrations=read(resources.files("services.central.migrations")),
    )
    connection = Connection(source=config.database_source, password=config.database_password)
    programs = Programs.installed(encrypted=connection.encrypted)
    restart = Restart()
    store = BackupStore(pool=pool)
    backups = Backups(
        databases=databases,
        connection=connection,
        programs=programs,
        secrets=Secrets(certs=config.certs, jwt=config.jwt),
        store=store,
        clock=clock,
    )
    targets = Targets(
        databases=databases, connection=connection, programs=programs, external=config.database_external
    )
    restores = Restores(targets=targets, restart=restart, clock=clock)
    return Safekeeping(backups, restores, restart, store, databases, config.database_external)
