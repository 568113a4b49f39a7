"""How fast the policy engine is: `python -m tests.bench.policy` prints figures and ratios.

Called by `make bench`. The limits beside the figures are what the reference engine needs on
one core: 14 ms for an image of that size, 4.1 ms to read and compile 33 of the 89 defaults,
7.1 ms for a build; 0.1 ms a process event is 10,000 events a second.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pyrox.pb.storage import cve_pb2, process_indicator_pb2
from pyrox.pb.storage.deployment_pb2 import Container, Deployment
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, Image, ImageLayer
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.policy import defaults
from pyrox.policy.sets import PolicySet
from pyrox.policy.subject import DeploymentSubject, ImageSubject, ProcessSubject, Subject

_NOW = datetime(2026, 11, 24, tzinfo=UTC)


def image(number: int, components: int, vulns: int) -> Image:
    """An image with that many components and vulnerabilities, a few of them serious."""
    made = Image(id=f"sha256:{number:064x}")
    made.name.registry, made.name.remote, made.name.tag = "quay.io", f"acme/app-{number}", "1.2"
    made.name.full_name = f"quay.io/acme/app-{number}:1.2"
    made.metadata.v1.user = "1001"
    made.metadata.v1.created.FromDatetime(datetime(2026, 11, 1, tzinfo=UTC))
    made.metadata.v1.layers.extend(
        ImageLayer(instruction="RUN", value=f"/bin/sh -c make step-{at}") for at in range(20)
    )
    made.scan.scan_time.FromDatetime(datetime(2026, 11, 20, tzinfo=UTC))
    made.scan.operating_system = "debian:12"
    for at in range(components):
        component = EmbeddedImageScanComponent(name=f"package-{number}-{at}", version=f"1.{at}")
        for vuln in range(at, vulns, components):
            component.vulns.append(
                EmbeddedVulnerability(
                    cve=f"CVE-2024-{number}{vuln:04}",
                    cvss=vuln % 10,
                    severity=cve_pb2.VulnerabilitySeverity.ValueType(vuln % 5),
                    fixed_by="2.0" if vuln % 3 == 0 else "",
                )
            )
        made.scan.components.append(component)
    return made


def deployment(number: int, images: list[Image]) -> DeploymentSubject:
    """A deployment with a container per image."""
    made = Deployment(id=f"d-{number}", name=f"app-{number}", namespace="prod", type="Deployment", replicas=2)
    made.labels["app"] = f"app-{number}"
    for at, one in enumerate(images):
        container = Container(name=f"main-{at}")
        container.image.id = one.id
        container.image.name.CopyFrom(one.name)
        container.security_context.read_only_root_filesystem = True
        container.resources.cpu_cores_request = 0.1
        container.resources.memory_mb_limit = 256
        made.containers.append(container)
    return DeploymentSubject(made, images)


def processes(count: int) -> list[ProcessSubject]:
    """Process events of 200 executables; every second has arguments of its own."""
    on = deployment(0, [image(0, 1, 0)])
    made = []
    for at in range(count):
        process = process_indicator_pb2.ProcessIndicator(container_name="main-0")
        process.signal.name = f"program-{at % 200}"
        process.signal.exec_file_path = f"/usr/bin/program-{at % 200}"
        process.signal.args = f"--request {at}" if at % 2 else "--serve"
        process.signal.uid = 1001
        made.append(ProcessSubject(on, process))
    return made


def median_ms(run: Callable[[Subject], object], subjects: list[Subject]) -> float:
    """The median milliseconds of one call."""
    times = []
    for subject in subjects:
        begin = time.perf_counter()
        run(subject)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def main() -> None:
    """Print a line per figure."""
    begin = time.perf_counter()
    policies = PolicySet.of(defaults.load())
    loaded = (time.perf_counter() - begin) * 1000
    full: list[Subject] = [
        deployment(at, [image(2 * at, 75, 150), image(2 * at + 1, 75, 150)]) for at in range(100)
    ]
    light: list[Subject] = [deployment(at, [image(at, 0, 0)]) for at in range(300)]
    builds: list[Subject] = [ImageSubject(image(at, 150, 300)) for at in range(100)]
    events: list[Subject] = list(processes(5000))

    def detect(subject: Subject) -> object:
        return policies.detect(subject, _NOW)

    rows = [
        ("read and compile all 89 defaults", loaded, 11.1),
        ("deployment, 2 images, 150 components, 300 vulnerabilities", median_ms(detect, full), 14.0),
        ("light deployment", median_ms(detect, light), 0.15),
        ("image at build time, 150 components, 300 vulnerabilities", median_ms(detect, builds), 7.1),
        ("process event", median_ms(detect, events), 0.1),
    ]
    for name, ours, limit in rows:
        sys.stdout.write(f"{name}: {ours:.3f} ms, limit {limit} ms, ratio {ours / limit:.2f}\n")


if __name__ == "__main__":
    main()
