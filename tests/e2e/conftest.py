"""Both charts installed once for all end-to-end tests; a test that changes the install puts it back."""

from __future__ import annotations

from collections.abc import Iterator

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
        cluster.eventually(made.healthy, seconds=90, what="the cluster is healthy in Central")
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
