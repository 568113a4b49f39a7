"""How fast Central's lists are: `python -m tests.bench.central_lists` prints figures and ratios.

Called by `make bench`. A real Central on an embedded PostgreSQL, 10,000 alerts and some
hundred scanned images. Each figure stands beside the time of a plain
`SELECT serialized … LIMIT n` on the same table, through the same driver, in the same run.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from pyrox.clock import SystemClock
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from pyrox.workload.images import id_v2
from services.central.alerts.store import AlertStore
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.digest import digest
from services.central.images.store import ImageStore
from tests.support import pg
from tests.support.central import ADMIN, PASSWORD, running_central
from tests.support.fleet import RED, alert

ALERTS, IMAGES, COMPONENTS = 10_000, 300, 60
ROUNDS = 30
_START = datetime(2026, 11, 1, tzinfo=UTC)
_NEWEST = "SELECT serialized FROM {} ORDER BY {} DESC NULLS LAST, id LIMIT {}"


@dataclass(frozen=True)
class Case:
    """One list, and the plain statement it is compared with."""

    name: str
    path: str
    baseline: str


def cases() -> list[Case]:
    alerts = "/v1/alerts?pagination.sortOption.field=Violation%20Time&pagination.sortOption.reversed=true"
    found = [
        Case(f"alerts, {n}", f"{alerts}&pagination.limit={n}", _NEWEST.format("alerts", "time", n))
        for n in (20, 1000, ALERTS)
    ]
    found += [
        Case(
            "deployments", "/v1/deployments?pagination.limit=100", _NEWEST.format("deployments", "name", 100)
        ),
        Case("alerts count", "/v1/alertscount", "SELECT count(*) FROM alerts"),
    ]
    for kind, table, column in (
        ("cves", "image_cves_v2", "cvss"),
        ("images", "images_v2", "topcvss"),
        ("deployments", "deployments", "name"),
    ):
        path = f"/api/ui/vulnerabilities/{kind}"
        found.append(Case(f"portal {kind}", path, _NEWEST.format(table, column, 20)))
        narrowed = f"{path}?query=Severity:CRITICAL%2BFixable:true"
        found.append(Case(f"portal {kind}, filtered", narrowed, _NEWEST.format(table, column, 20)))
    found.append(Case("portal dashboard", "/api/ui/dashboard", _NEWEST.format("images_v2", "topcvss", 20)))
    return found


def an_alert(number: int) -> Alert:
    made = alert(RED)
    made.id = str(uuid.UUID(int=number + 1))
    made.policy.name = f"Policy {number % 89}"
    made.policy.description = "What the policy is for, in the length that people write. " * 4
    made.deployment.name = f"deployment-{number % IMAGES}"
    made.violations.add(message=f"Container 'main' runs something odd, number {number}")
    made.time.FromDatetime(_START + timedelta(seconds=number))
    return made


def an_image(number: int) -> Image:
    made = Image(id=f"sha256:{number:064x}")
    made.name.registry, made.name.remote, made.name.tag = "quay.example", f"acme/app-{number}", "1"
    made.name.full_name = f"quay.example/acme/app-{number}:1"
    made.scan.scan_time.FromDatetime(_START)
    made.scan.operating_system = "debian:12"
    for at in range(COMPONENTS):
        component = made.scan.components.add(name=f"package-{at}", version=f"1.{number}")
        for nth in range(2):
            severity = VulnerabilitySeverity.ValueType((at + number) % 5)
            vuln = component.vulns.add(cve=f"CVE-2024-{(at * 7 + number * 3 + nth) % 2000:04}", cvss=at % 10)
            vuln.severity, vuln.fixed_by = severity, "2" if at % 2 else ""
            vuln.summary = "What can go wrong, told at the length of an advisory. " * 6
    return made


def a_deployment(number: int) -> Deployment:
    image = an_image(number)
    made = Deployment(
        id=str(uuid.UUID(int=number + 1)), name=f"deployment-{number}", namespace=f"ns-{number % 20}"
    )
    made.cluster_id, made.cluster_name = RED.cluster_id, RED.cluster
    container = made.containers.add(name="main")
    container.image.id, container.image.id_v2 = image.id, id_v2(image.name.full_name, image.id)
    container.image.name.CopyFrom(image.name)
    return made


async def fill(pool: Pool) -> None:
    store = AlertStore(pool=pool)
    for start in range(0, ALERTS, 500):
        await store.put([an_alert(number) for number in range(start, start + 500)])
    deployments: ListedStore[Deployment, ListDeployment] = ListedStore(
        pool=pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
    )
    await deployments.upsert_many([a_deployment(number) for number in range(IMAGES)])
    images = ImageStore(pool=pool, clock=SystemClock())
    for number in range(IMAGES):
        await images.put(an_image(number))
    await pool.execute("ANALYZE")


async def timed(work: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each round, the first left out."""
    spent = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        await work()
        spent.append((time.perf_counter() - began) * 1000)
    return spent[1:]


def p95(spent: list[float]) -> float:
    return statistics.quantiles(spent, n=20)[-1]


async def measure(pool: Pool, url: str, auth: tuple[str, str]) -> None:
    sys.stdout.write(f"{'list':28}{'p50 ms':>9}{'p95 ms':>9}{'SQL p95':>9}{'ratio':>8}{'KiB':>8}\n")
    async with httpx.AsyncClient(base_url=url, auth=auth, verify=False, timeout=60) as client:  # noqa: S501 - loopback
        for case in cases():
            answer = (await client.get(case.path)).raise_for_status()
            ours = await timed(lambda path=case.path: client.get(path))  # type: ignore[misc]  # bound now
            plain = await timed(lambda sql=case.baseline: pool.fetch(sql))  # type: ignore[misc]  # bound now
            ratio = p95(ours) / p95(plain)
            sys.stdout.write(
                f"{case.name:28}{statistics.median(ours):9.1f}{p95(ours):9.1f}{p95(plain):9.1f}"
                f"{ratio:8.1f}{len(answer.content) / 1024:8.0f}\n"
            )


async def run(settings: Settings, url: str, auth: tuple[str, str]) -> None:
    pool = Pool(settings=settings, clock=SystemClock())
    await pool.connect()
    try:
        await fill(pool)
        await measure(pool, url, auth)
    finally:
        await pool.close()


@contextmanager
def site() -> Iterator[tuple[Settings, str]]:
    with tempfile.TemporaryDirectory() as directory, pg.running_server() as server:
        settings = server.database()
        with running_central(Path(directory) / "central", settings) as central:
            yield settings, central.url


def main() -> int:
    """Print the figures."""
    with site() as (settings, url):
        asyncio.run(run(settings, url, (ADMIN, PASSWORD)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
