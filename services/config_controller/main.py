"""The controller's start: flags, settings, logs, app, components, exit code."""

from __future__ import annotations

import sys

import uvloop

from pyrox import env, log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.service import run
from services.config_controller import config as settings
from services.config_controller.app import build

_LOG = log.get(__name__)


async def serve(config: settings.Config) -> int:
    """Build everything, run until told to stop."""
    try:
        app = await build(config, SystemClock())
    except (RoxError, OSError, ValueError) as err:
        _LOG.error("cannot start", error=str(err))
        return 1
    try:
        return await run(app.components)
    finally:
        await app.close()


def main() -> int:
    """The entry point `config-controller`; 2 for settings that cannot be used."""
    try:
        config = settings.load(sys.argv[1:], env.environ())
        log.setup(process="config-controller", level=config.log_level)
    except (RoxError, ValueError) as err:
        print(f"config-controller: {err}", file=sys.stderr)  # noqa: T201 - logs are not set up yet
        return 2
    return uvloop.run(serve(config))


if __name__ == "__main__":
    sys.exit(main())
