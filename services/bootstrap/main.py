"""Bootstrap's start: flags, logs, one run, exit code."""

from __future__ import annotations

import sys

import uvloop

from pyrox import env, log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from services.bootstrap import config as settings
from services.bootstrap.app import execute

_LOG = log.get(__name__)


async def serve(config: settings.Config) -> int:
    """Make what is missing; 1 when something could not be made or cannot be used."""
    try:
        problems = await execute(config, SystemClock())
    except RoxError as err:
        problems = [err.message]
    for problem in problems:
        _LOG.error("not done", reason=problem)
    if not problems:
        _LOG.info("done", namespace=config.namespace, dry_run=config.dry_run)
    return 1 if problems else 0


def main() -> int:
    """The entry point `bootstrap`; 2 for flags that cannot be used."""
    try:
        config = settings.load(sys.argv[1:], env.environ())
        log.setup(process="bootstrap", level=config.log_level)
    except (RoxError, ValueError) as err:
        print(f"bootstrap: {err}", file=sys.stderr)  # noqa: T201 - logs are not set up yet
        return 2
    return uvloop.run(serve(config))


if __name__ == "__main__":
    sys.exit(main())
