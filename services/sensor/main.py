"""Sensor's start: flags, settings, logs, app, components, exit code."""

from __future__ import annotations

import random
import sys

import uvloop

from pyrox import env, log
from pyrox.clock import SystemClock
from pyrox.errors import RoxError
from pyrox.mtls.choice import CertificateChoice
from pyrox.service import run, unless_stopped
from services.sensor import config as settings
from services.sensor.app import build
from services.sensor.certificates.registration import COMMAND, Registration, ensure

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


async def register(given: Registration, config: settings.Config) -> int:
    """Get this cluster's certificates by its registration secret, unless it has some."""
    try:
        done = await unless_stopped(ensure(given, config, clock=SystemClock(), random=random.random))
    except RoxError as err:
        _LOG.error("this cluster has no certificates", error=err.message)
        return 1
    return 0 if done else 1


def main() -> int:
    """The entry point `kubernetes-sensor`; 2 for settings that cannot be used."""
    registers = sys.argv[1:2] == [COMMAND]
    try:
        config = settings.load(sys.argv[1 + registers :], env.environ())
        given = Registration.read(env.environ())
        log.setup(process="sensor", level=config.log_level)
    except (RoxError, ValueError) as err:
        print(f"kubernetes-sensor: {err}", file=sys.stderr)  # noqa: T201 - logs are not set up yet
        return 2
    return uvloop.run(register(given, config) if registers else serve(config))


if __name__ == "__main__":
    sys.exit(main())
