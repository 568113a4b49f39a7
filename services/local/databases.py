"""The databases of the embedded server: made before anybody connects to them.

The process table runs it once the server answers:
`python -m services.local.databases --state DIR --host ADDRESS --port N`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.pg.settings import Settings
from services.local import postgres
from services.local.credentials import DATABASES, Credentials
from services.local.places import Places


async def make(places: Places, host: str, port: int) -> None:
    """A database and a role of the same name for Central and for the scanner; safe to repeat."""
    clock = SystemClock()
    known = Credentials(places=places, clock=clock)
    admin = Settings(
        database="postgres",
        user=postgres.SUPERUSER,
        password=known.read("central-db/superuser"),
        host=host,
        port=port,
    )
    for name in DATABASES:
        await postgres.ensure_database(
            admin=admin, name=name, owner=name, password=known.read(f"central-db/{name}"), clock=clock
        )


def main() -> int:
    """0 when the databases are there."""
    parser = argparse.ArgumentParser(prog="python -m services.local.databases")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, default=5432)
    options = parser.parse_args()
    try:
        asyncio.run(make(Places(options.state), options.host, options.port))
    except (RoxError, OSError) as err:
        print(f"databases: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
