"""Central's start: flags, settings, logs, app, migrations, components, exit code."""

from __future__ import annotations

import sys

import uvloop

from pyrox import env, log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.service import run, unless_stopped
from services.central import config as settings
from services.central.app import build
from services.central.backups.restart import become

_LOG = log.get(__name__)
RESTART = -1
"""Everything has stopped and is to start again; never an exit code."""


async def serve(config: settings.Config) -> int:
    """Build everything, bring the database up to date, run until told to stop."""
    try:
        app = await build(config, SystemClock())
    except RoxError as err:
        _LOG.error("a secret or setting cannot be used", reason=err.message)
        return 2
    try:
        if not await unless_stopped(app.prepare()):
            return 0
    except RoxError as err:
        _LOG.error("the database cannot be used", reason=err.message)
        return 1
    code = await run(app.components)
    return RESTART if app.restart.wanted and code == 0 else code


def main() -> int:
    """The entry point `central`; 2 for settings that cannot be used."""
    try:
        config = settings.load(sys.argv[1:], env.environ())
        log.setup(process="central", level=config.log_level)
    except (RoxError, ValueError) as err:
        print(f"central: {err}", file=sys.stderr)  # noqa: T201 - logs are not set up yet
        return 2
    code = uvloop.run(serve(config))
    return become(env.environ()) if code == RESTART else code


if __name__ == "__main__":
    sys.exit(main())
