"""What this client calls itself on the wire and in `roxctl version`."""

from __future__ import annotations

import platform

from pyrox.version import WIRE_VERSION

# Charts count majors in hundreds (upstream's `4.11.0` is chart `400.11.0`).
CHART_VERSION = "400.11.0"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def platform_name() -> tuple[str, str]:
    """Operating system and architecture in Go's words."""
    machine = platform.machine()
    return platform.system().lower(), _MACHINES.get(machine, machine)


def user_agent() -> str:
    """The `User-Agent` of every request."""
    system, machine = platform_name()
    return f"roxctl/{WIRE_VERSION} ({system}; {machine})"
