"""Runs the portal's browser flows (`ui/tests/e2e`) against an address, and its development server."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.pg import free_port
from tools import build_ui

UI = build_ui.UI
# This one needs somebody to kill Central in its course.
RESTART = "restart"
FLOWS = sorted(
    {path.name.removesuffix(".e2e.ts") for path in (UI / "tests" / "e2e").glob("*.e2e.ts")} - {RESTART}
)
# The password of the development server, ui/dev/fake-central.ts.
DEVELOPMENT_PASSWORD = "letmein"
START_SECONDS = 60
FLOW_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Portal:
    """Where a portal is and how to log in."""

    url: str
    password: str


def prepared_node() -> build_ui.Node:
    """Node.js with the portal's packages installed and the portal built."""
    build_ui.ensure()
    node = build_ui.find_node()
    build_ui.install(node, UI)
    return node


@contextmanager
def development_server(node: build_ui.Node) -> Iterator[Portal]:
    """The built portal with made-up answers of Central, on a free port of loopback."""
    port = free_port()
    portal = Portal(f"http://127.0.0.1:{port}", DEVELOPMENT_PASSWORD)
    program = UI / "node_modules" / "vite" / "bin" / "vite.js"
    process = subprocess.Popen(
        [node.node, str(program), "preview", "--port", str(port), "--strictPort"],
        cwd=UI,
        env=node.environment() | {"PYROX_PORTAL_FAKE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until_served(process, portal.url)
        yield portal
    finally:
        process.terminate()
        process.communicate(timeout=60)


def wait_until_served(process: subprocess.Popen[bytes], address: str) -> None:
    """Returns when the address answers; fails when the process ends or takes too long."""
    for _attempt in range(START_SECONDS * 10):
        assert process.poll() is None, f"the development server ended with {process.returncode}"
        try:
            httpx.get(address, timeout=60).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the development server did not answer in {START_SECONDS} s")


def run_flow(flow: str, portal: Portal, node: build_ui.Node, directory: Path) -> set[str]:
    """Run one flow in Chromium; the screenshots that it made. Fails with the end of its output.

    Screenshots go to `PYROX_SCREENSHOTS` when it is set, otherwise to `directory`, where the
    restart flow leaves its signals too.
    """
    screenshots = Path(os.environ.get("PYROX_SCREENSHOTS") or directory)
    program = UI / "node_modules" / "vitest" / "vitest.mjs"
    done = subprocess.run(
        [node.node, str(program), "run", "--config", "vitest.e2e.config.ts", f"tests/e2e/{flow}.e2e.ts"],
        cwd=UI,
        env=node.environment()
        | {
            "PORTAL_URL": portal.url,
            "PORTAL_PASSWORD": portal.password,
            "PORTAL_SCREENSHOTS": str(screenshots),
            "PORTAL_SIGNALS": str(directory) if flow == RESTART else "",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=FLOW_SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return {path.name for path in screenshots.glob("*.png")}
