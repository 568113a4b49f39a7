"""Sensor's start: flags, settings, logs, app, components, exit code."""

from __future__ import annotations

import sys

import uvloop

from pyrox import env, log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.mtls.choice import CertificateChoice
from pyrox.service import run, unless_stopped
from services.sensor import config as settings
from services.sensor.app import build

_LOG = log.get(__name__)


async def serve(config: settings.Config) -> int:
    """Wait for a certificate, build everything, learn who we are, run until told to stop."""
    clock = SystemClock()
    try:
        if not await unless_stopped(CertificateChoice(places=config.certs, clock=clock).settle()):
            return 0
        app = await build(config, clock)
    except RoxError as err:
        _LOG.error("cannot start", error=err.message)
        return 1
    try:
        await app.prepare()
        return await run(app.components)
    finally:
        await app.close()


def main() -> int:
    """The entry point `kubernetes-sensor`; 2 for settings that cannot be used."""
    try:
        config = settings.load(sys.argv[1:], env.environ())
        log.setup(process="sensor", level=config.log_level)
    except (RoxError, ValueError) as err:
        print(f"kubernetes-sensor: {err}", file=sys.stderr)  # noqa: T201 - logs are not set up yet
        return 2
    return uvloop.run(serve(config))


if __name__ == "__main__":
    sys.exit(main())
