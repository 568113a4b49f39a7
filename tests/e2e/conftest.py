"""Both charts installed once for all end-to-end tests; a test that changes the install puts it back."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stories import Stories
from tests.support import cluster
from tests.support.helm_installation import Installed


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Central, its scanner and the secured cluster's services, with an offline bundle of advisories."""
    made = Installed(tmp_path_factory.mktemp("e2e"))
    made.remove()
    try:
        made.install_as_the_readme_says()
        cluster.eventually(made.healthy, seconds=240, what="the cluster is healthy in Central")
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def stories(installed: Installed) -> Iterator[Stories]:
    """A namespace with workloads that people run, and the policies that watch them."""
    told = Stories(installed)
    try:
        told.begin()
        yield told
    finally:
        told.end()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say how long each part took, and write a failure down where `.ci/e2e` looks for it.

    It may stop the tests before pytest itself comes to tell of failures.
    """
    if report.failed or report.duration > 1:
        moment = time.strftime("%H:%M:%S", time.gmtime())
        sys.stdout.write(
            f"{moment} {report.nodeid} {report.when}: {report.outcome}, {report.duration:.0f} s\n"
        )
    if report.failed and (failures := os.environ.get("E2E_FAILURES")):
        with Path(failures).open("a", encoding="utf-8") as file:
            file.write(f"{report.nodeid} {report.when}\n{report.longreprtext}\n")
