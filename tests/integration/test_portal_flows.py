"""The built portal in Chromium: login, dashboard, violations, CVEs, policies, clusters, recovery, dark theme.

The flows themselves are `ui/tests/e2e/*.e2e.ts`; each is one test here. They run against the
Central that `PYROX_PORTAL_URL` and `PYROX_PORTAL_PASSWORD` name, otherwise against a Central
of this test's own with a small fleet in its database. Screenshots go to
`PYROX_SCREENSHOTS`, when it is set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import pg, portal_data
from tests.support.central import PASSWORD, RunningCentral, running_central
from tests.support.portal import (
    FLOW_SECONDS,
    FLOWS,
    RESTART,
    Portal,
    development_server,
    prepared_node,
    run_flow,
)
from tools import build_ui

pytestmark = [
    pytest.mark.needs("chromium", "node", "postgres"),
    pytest.mark.timeout(FLOW_SECONDS + 60),
]


async def fill(database: Settings) -> None:
    clock = SystemClock()
    pool = Pool(settings=database, clock=clock)
    await pool.connect(attempts=1)
    try:
        await portal_data.fill(pool, clock)
    finally:
        await pool.close()


@pytest.fixture(scope="module")
def node() -> build_ui.Node:
    return prepared_node()


@pytest.fixture(scope="module")
def central(database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCentral]:
    with running_central(tmp_path_factory.mktemp("central"), database) as running:
        pg.outside(fill(database))
        yield running


@pytest.fixture(scope="module")
def portal(request: pytest.FixtureRequest) -> Portal:
    url = os.environ.get("PYROX_PORTAL_URL")
    if url:
        return Portal(url, os.environ["PYROX_PORTAL_PASSWORD"])
    running: RunningCentral = request.getfixturevalue("central")
    return Portal(running.url, PASSWORD)


@pytest.mark.parametrize("flow", FLOWS)
def test_portal_flow_against_central_passes(
    flow: str, portal: Portal, node: build_ui.Node, tmp_path: Path
) -> None:
    # A run that found no test, or skipped all, would end well too, but show nothing.
    assert run_flow(flow, portal, node, tmp_path)


def wait_for(signal: Path, flow: Future[set[str]]) -> None:
    while not signal.exists():
        assert not flow.done(), flow.result()
        time.sleep(0.05)


def test_portal_after_kill_of_central_recovers_by_itself(
    central: RunningCentral, node: build_ui.Node, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as executor:
        flow = executor.submit(run_flow, RESTART, Portal(central.url, PASSWORD), node, tmp_path)
        wait_for(tmp_path / "kill", flow)
        central.kill()
        try:
            wait_for(tmp_path / "start", flow)
        finally:
            central.start()
        (tmp_path / "started").touch()
        assert flow.result()


def test_portal_development_server_passes_the_contract_flow(node: build_ui.Node, tmp_path: Path) -> None:
    with development_server(node) as made_up:
        assert run_flow("contract", made_up, node, tmp_path)


def test_portal_flows_cover_every_page() -> None:
    pages = {"login", "dashboard", "violations", "vulnerabilities", "policies", "clusters", "recovery"}
    assert pages <= set(FLOWS)
