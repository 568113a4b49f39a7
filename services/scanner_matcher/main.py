"""Start the Matcher: `python -m services scanner_matcher --conf config.yaml`.

Seven steps, in this order: flags, configuration, logs, app, migrations, components,
exit code.
"""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from random import SystemRandom

import uvloop

from pyrox import env, log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.service import run, unless_stopped
from services.scanner_matcher import app
from services.scanner_matcher.config import Config, load

# A report makes thousands of values without cycles; the collector's own 700 would go through
# all that is kept several times for each of them.
_COLLECT_AFTER = 100_000


def main() -> int:
    """The process's exit code: 0 after a signal, 1 after a failure, 2 for a bad configuration."""
    flags = argparse.ArgumentParser(prog="scanner", description="Scanner V4 Matcher")
    flags.add_argument("--conf", type=Path, default=None, help="path of the YAML configuration")
    try:
        config = load(flags.parse_args().conf, env.environ())
    except (RoxError, OSError) as err:
        sys.stderr.write(f"scanner: {err}\n")
        return 2
    log.setup(process="scanner-v4-matcher", level=config.log_level)
    gc.set_threshold(_COLLECT_AFTER, 50, 100)
    return uvloop.run(_serve(config))


async def _serve(config: Config) -> int:
    logger = log.get(__name__)
    try:
        built = app.build(config, clock=SystemClock(), random=SystemRandom())
        # What there is now stays for good.
        gc.freeze()
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
