"""The built portal in Chromium: login, dashboard, violations, CVEs, policies, clusters, recovery, dark theme.

The flows themselves are `ui/tests/e2e/*.e2e.ts`; each is one test here. They run against the
Central that `PYROX_PORTAL_URL` and `PYROX_PORTAL_PASSWORD` name, otherwise against the
portal's own development server. Screenshots go to `PYROX_SCREENSHOTS`, when it is set.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.pg import free_port
from tools import build_ui

UI = build_ui.UI
FLOWS = sorted(path.name.removesuffix(".e2e.ts") for path in (UI / "tests" / "e2e").glob("*.e2e.ts"))
# The password of the development server, ui/dev/fake-central.ts.
DEVELOPMENT_PASSWORD = "letmein"
START_SECONDS = 60
FLOW_SECONDS = 300

pytestmark = [pytest.mark.needs("chromium", "node"), pytest.mark.timeout(FLOW_SECONDS + 60)]


@dataclass(frozen=True, slots=True)
class Portal:
    """Where the portal is and how to log in."""

    url: str
    password: str


@pytest.fixture(scope="session")
def node() -> build_ui.Node:
    """Node.js with the portal's packages installed and the portal built."""
    build_ui.ensure()
    return build_ui.find_node()


@pytest.fixture(scope="session")
def portal(node: build_ui.Node) -> Iterator[Portal]:
    url = os.environ.get("PYROX_PORTAL_URL")
    if url:
        yield Portal(url, os.environ["PYROX_PORTAL_PASSWORD"])
        return
    with development_server(node) as address:
        yield Portal(address, DEVELOPMENT_PASSWORD)


@contextmanager
def development_server(node: build_ui.Node) -> Iterator[str]:
    """The built portal with made-up answers of Central, on a free port of loopback."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    program = UI / "node_modules" / "vite" / "bin" / "vite.js"
    process = subprocess.Popen(
        [node.node, str(program), "preview", "--port", str(port), "--strictPort"],
        cwd=UI,
        env=node.environment() | {"PYROX_PORTAL_FAKE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until_served(process, address)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=20)


def wait_until_served(process: subprocess.Popen[bytes], address: str) -> None:
    for _attempt in range(START_SECONDS * 10):
        assert process.poll() is None, f"the development server ended with {process.returncode}"
        try:
            httpx.get(address, timeout=5).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the development server did not answer in {START_SECONDS} s")


@pytest.mark.parametrize("flow", FLOWS)
def test_portal_flow_in_chromium_passes(
    flow: str, portal: Portal, node: build_ui.Node, tmp_path: Path
) -> None:
    screenshots = Path(os.environ.get("PYROX_SCREENSHOTS") or tmp_path)
    program = UI / "node_modules" / "vitest" / "vitest.mjs"
    done = subprocess.run(
        [node.node, str(program), "run", "--config", "vitest.e2e.config.ts", f"tests/e2e/{flow}.e2e.ts"],
        cwd=UI,
        env=node.environment()
        | {
            "PORTAL_URL": portal.url,
            "PORTAL_PASSWORD": portal.password,
            "PORTAL_SCREENSHOTS": str(screenshots),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=FLOW_SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    # A run that found no test, or skipped all, would end well too.
    assert list(screenshots.glob("*.png"))


def test_portal_flows_cover_every_page() -> None:
    assert {"login", "dashboard", "violations", "vulnerabilities", "policies", "clusters", "recovery"} <= set(
        FLOWS
    )
