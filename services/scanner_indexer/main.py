"""Start the Indexer: `python -m services scanner_indexer --conf config.yaml`.

Seven steps, in this order: flags, configuration, logs, app, migrations, components,
exit code.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from random import SystemRandom

import uvloop

from pyrox import env, log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.mtls.choice import CertificateChoice
from pyrox.service import run, unless_stopped
from services.scanner_indexer import app
from services.scanner_indexer.config import Config, load


def main() -> int:
    """The process's exit code: 0 after a signal, 1 after a failure, 2 for a bad configuration."""
    flags = argparse.ArgumentParser(prog="scanner", description="Scanner V4 Indexer")
    flags.add_argument("--conf", type=Path, default=None, help="path of the YAML configuration")
    try:
        config = load(flags.parse_args().conf, env.environ())
    except (RoxError, OSError) as err:
        sys.stderr.write(f"scanner: {err}\n")
        return 2
    log.setup(process="scanner-v4-indexer", level=config.log_level)
    return uvloop.run(_serve(config))


async def _serve(config: Config) -> int:
    logger = log.get(__name__)
    clock = SystemClock()
    try:
        if not await unless_stopped(CertificateChoice(places=config.certs, clock=clock).settle()):
            return 0
        built = app.build(config, clock=clock, random=SystemRandom())
        if not await unless_stopped(_open(built)):
            return 0
    except (RoxError, OSError) as err:
        logger.error("start failed", error=str(err))  # noqa: TRY400 - the text says it all
        return 1
    return await run(
        built.components, on_ready=lambda: logger.info("serving", address=config.grpc_listen_addr)
    )


async def _open(built: app.App) -> None:
    """Wait for the database, however long that takes, and bring it up to date."""
    await built.pool.connect(attempts=None)
    await built.migrator.run()


if __name__ == "__main__":
    sys.exit(main())
