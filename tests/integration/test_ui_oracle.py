"""The portal's aggregates against a naive count in Python, over random fleets, queries and scopes."""

from __future__ import annotations

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pyrox.clock import SystemClock
from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, Image
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING, Scope
from pyrox.workload.images import id_v2
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.digest import digest
from services.central.images.store import ImageStore
from services.central.ui.listing import BY_SEVERITY, Listing
from services.central.ui.prelude import Scopes
from services.central.ui.store import VulnerabilityStore
from tests.support.fleet import Fleet

pytestmark = pytest.mark.needs("postgres")
CLUSTERS = {name: str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in ("one", "two")}
NAMESPACES, OSES, CVES, PARTS = ("a", "b"), ("debian:12", "alpine:3"), ("CVE-1", "CVE-2", "CVE-3"), ("x", "y")
WORDS = dict(zip((4, 3, 2, 1, 0), BY_SEVERITY, strict=True))
WHOLE = Listing(limit=1000)

VulnTest = Callable[[EmbeddedImageScanComponent, EmbeddedVulnerability], bool]


@dataclass
class Asked:
    """A query as text and as tests of each level."""

    text: list[str] = field(default_factory=list)
    vulns: list[VulnTest] = field(default_factory=list)
    images: list[Callable[[Image], bool]] = field(default_factory=list)
    deployments: list[Callable[[Deployment], bool]] = field(default_factory=list)


@dataclass
class World:
    """Random images, and deployments that run them."""

    images: list[Image]
    deployments: list[Deployment]
    scope: Scope = EVERYTHING

    def runs(self, deployment: Deployment) -> list[Image]:
        shas = {container.image.id for container in deployment.containers}
        return [image for image in self.images if image.id in shas]

    def allowed(self) -> list[Deployment]:
        return [d for d in self.deployments if self.scope.allows(d.cluster_id, d.namespace)]

    def visible(self) -> list[Image]:
        if self.scope.unrestricted:
            return self.images
        seen = {image.id for deployment in self.allowed() for image in self.runs(deployment)}
        return [image for image in self.images if image.id in seen]


def random_image(rng: random.Random, number: int) -> Image:
    made = Image(id=f"sha256:{number:064x}")
    made.name.full_name = f"r/app-{number}:1"
    made.scan.operating_system = rng.choice(OSES)
    made.scan.scan_time.seconds = 1_700_000_000
    for _ in range(rng.randrange(4)):
        component = made.scan.components.add(name=rng.choice(PARTS), version="1")
        for cve in rng.sample(CVES, rng.randrange(3)):
            vuln = component.vulns.add(cve=cve, cvss=rng.randrange(10))
            vuln.severity = VulnerabilitySeverity.ValueType(rng.randrange(5))
            vuln.fixed_by = rng.choice(["", "2"])
    return made


def random_world(rng: random.Random) -> World:
    images = [random_image(rng, number) for number in range(7)]
    deployments = []
    for number in range(9):
        cluster = rng.choice(sorted(CLUSTERS))
        made = Deployment(
            id=str(uuid.UUID(int=number + 1)),
            name=f"d{number % 4}",
            namespace=rng.choice(NAMESPACES),
            cluster_id=CLUSTERS[cluster],
            cluster_name=cluster,
        )
        for image in rng.sample(images, rng.randrange(1, 4)):
            container = made.containers.add()
            container.image.id = image.id
            container.image.id_v2 = id_v2(image.name.full_name, image.id)
            container.image.name.CopyFrom(image.name)
        deployments.append(made)
    return World(images, deployments)


def random_query(rng: random.Random) -> Asked:
    """Up to three terms, each once."""
    cve, part, system = rng.choice(CVES), rng.choice(PARTS), rng.choice(OSES)
    severity, name = rng.randrange(5), f"d{rng.randrange(4)}"
    cluster, namespace = rng.choice(sorted(CLUSTERS)), rng.choice(NAMESPACES)
    rating = VulnerabilitySeverity.Name(VulnerabilitySeverity.ValueType(severity))
    vulns: list[tuple[str, VulnTest]] = [
        (f'CVE:"{cve}"', lambda _, vuln: vuln.cve == cve),
        (f'Severity:"{rating}"', lambda _, vuln: vuln.severity == severity),
        ("Fixable:true", lambda _, vuln: bool(vuln.fixed_by)),
        (f'Component:"{part}"', lambda component, _: component.name == part),
    ]
    images: list[tuple[str, Callable[[Image], bool]]] = [
        (f'Image OS:"{system}"', lambda image: image.scan.operating_system == system)
    ]
    deployments: list[tuple[str, Callable[[Deployment], bool]]] = [
        (f'Deployment:"{name}"', lambda one: one.name == name),
        (f'Cluster:"{cluster}"', lambda one: one.cluster_name == cluster),
        (f'Namespace:"{namespace}"', lambda one: one.namespace == namespace),
    ]
    every = [text for text, _ in (*vulns, *images, *deployments)]
    chosen = rng.sample(every, rng.randrange(4))
    return Asked(
        text=chosen,
        vulns=[test for text, test in vulns if text in chosen],
        images=[test for text, test in images if text in chosen],
        deployments=[test for text, test in deployments if text in chosen],
    )


@dataclass
class Naive:
    """The same answers, counted by loops."""

    world: World
    asked: Asked

    def deployments(self) -> list[Deployment]:
        return [d for d in self.world.allowed() if all(test(d) for test in self.asked.deployments)]

    def images(self) -> list[Image]:
        found = [i for i in self.world.visible() if all(test(i) for test in self.asked.images)]
        if self.asked.deployments:
            run = {image.id for d in self.deployments() for image in self.world.runs(d)}
            found = [image for image in found if image.id in run]
        return found

    def findings(self, image: Image) -> dict[str, tuple[int, bool]]:
        """Severest rating and fixability of each CVE that matches in the image."""
        found: dict[str, tuple[int, bool]] = {}
        for component in image.scan.components:
            for vuln in component.vulns:
                if all(test(component, vuln) for test in self.asked.vulns):
                    severity, fixable = found.get(vuln.cve, (0, False))
                    found[vuln.cve] = (max(severity, vuln.severity), fixable or bool(vuln.fixed_by))
        return found

    def cves(self) -> dict[str, tuple[dict[str, int], int]]:
        """Images by severity, and the number of deployments, of each CVE."""
        severities: dict[str, Counter[str]] = defaultdict(Counter)
        users: dict[str, set[str]] = defaultdict(set)
        for image in self.images():
            for cve, (severity, _) in self.findings(image).items():
                severities[cve][WORDS[severity]] += 1
                users[cve] |= {d.id for d in self.deployments() if image in self.world.runs(d)}
        return {cve: (buckets(severities[cve]), len(users[cve])) for cve in severities}

    def image_rows(self) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        rows = {image.name.full_name: self.findings(image) for image in self.images()}
        return {name: summed(found) for name, found in rows.items() if found or not self.asked.vulns}

    def deployment_rows(self) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        rows = {}
        passing = {image.id for image in self.images()}
        for deployment in self.deployments():
            images = [image for image in self.world.runs(deployment) if image.id in passing]
            merged: dict[str, tuple[int, bool]] = {}
            for image in images:
                for cve, (severity, fixable) in self.findings(image).items():
                    known = merged.get(cve, (0, False))
                    merged[cve] = (max(known[0], severity), known[1] or fixable)
            if merged or (not self.asked.vulns and (images or not self.asked.images)):
                rows[deployment.id] = summed(merged)
        return rows


def buckets(counts: Counter[str]) -> dict[str, int]:
    return {word: counts[word] for word in BY_SEVERITY}


def summed(found: dict[str, tuple[int, bool]]) -> tuple[dict[str, int], dict[str, int]]:
    fixable = sum(fix for _, fix in found.values())
    return (
        buckets(Counter(WORDS[severity] for severity, _ in found.values())),
        {"fixable": fixable, "notFixable": len(found) - fixable},
    )


async def write(pool: Pool, world: World) -> None:
    await Fleet(pool).clear()
    images = ImageStore(pool=pool, clock=SystemClock())
    for image in world.images:
        await images.put(image)
    store: ListedStore[Deployment, ListDeployment] = ListedStore(
        pool=pool, table=tables.DEPLOYMENTS, list_form=ListForm(ListDeployment, digest)
    )
    await store.upsert_many(world.deployments)


@pytest.mark.parametrize("seed", range(6))
async def test_aggregates_equal_a_naive_count(central_pool: Pool, seed: int) -> None:
    rng = random.Random(seed)
    world = random_world(rng)
    await write(central_pool, world)
    store = VulnerabilityStore(pool=central_pool)
    for _ in range(25):
        world.scope = rng.choice([EVERYTHING, Scope(namespaces={CLUSTERS["one"]: frozenset({"a"})})])
        scopes = Scopes(images=world.scope, deployments=world.scope)
        asked = random_query(rng)
        text, naive = "+".join(asked.text), Naive(world, asked)
        cves = await store.cves(text, WHOLE, scopes)
        assert {
            row["cve"]: (row["severityCounts"], row["deploymentCount"]) for row in cves["items"]
        } == naive.cves(), text
        images = await store.images(text, WHOLE, scopes)
        assert {
            row["name"]: (row["severityCounts"], row["fixableCounts"]) for row in images["items"]
        } == naive.image_rows(), text
        deployments = await store.deployments(text, WHOLE, scopes)
        assert {
            row["id"]: (row["severityCounts"], row["fixableCounts"]) for row in deployments["items"]
        } == naive.deployment_rows(), text
        assert await store.counts(text, scopes) == {
            "cves": len(naive.cves()),
            "images": len(naive.image_rows()),
            "deployments": len(naive.deployment_rows()),
        }, text
