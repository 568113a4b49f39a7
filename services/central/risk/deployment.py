"""The risk of a deployment: eight multipliers, in the order in which they are shown. Pure.

The worker calls it with what it loaded. Names, formulas and words of the factors are
upstream's (central/risk/multipliers/deployment).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyrox.pb.storage.deployment_pb2 import Deployment, PortConfig
from pyrox.pb.storage.policy_pb2 import Severity
from pyrox.pb.storage.risk_pb2 import Risk, RiskSubject
from pyrox.policy.quoting import quote
from services.central.baselines.evaluate import Process
from services.central.risk import image
from services.central.risk.numbers import normalised, single
from services.central.risk.results import DEPLOYMENT, result, risk_of

VIOLATIONS = "Policy Violations"
PROCESSES = "Suspicious Process Executions"
CONFIGURATION = "Service Configuration"
REACHABILITY = "Service Reachability"

# Where the sum of each multiplier saturates, and what it gives there.
_VIOLATIONS_SATURATION, _VIOLATIONS_MOST = 50.0, 4.0
_PROCESSES_SATURATION, _PROCESSES_MOST = 10.0, 4.0
_CONFIGURATION_SATURATION, _CONFIGURATION_MOST = 8.0, 2.0
_REACHABILITY_SATURATION, _REACHABILITY_MOST = 10.0, 2.0
# Each further process adds so much less than the one before it.
_FIRST_PROCESS, _DISCOUNT = 2.0, single(0.9)
_STRONG_CAPABILITIES = frozenset({"ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_MODULE"})
_EXPOSURES = {
    PortConfig.EXTERNAL: (3, "to external clients"),
    PortConfig.ROUTE: (3, "to external clients"),
    PortConfig.NODE: (2, "on node interfaces"),
    PortConfig.HOST: (2, "on every node running the deployment"),
    PortConfig.INTERNAL: (1, "in the cluster"),
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What counts of an active alert."""

    policy: str
    severity: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a deployment besides itself."""

    violations: Sequence[Violation] = ()
    suspicious: Sequence[Process] = ()
    """Processes outside of a locked baseline, the oldest first."""
    images: Sequence[Risk] = field(default=())
    """The risks of its containers' images, in the order of the containers."""


def deployment_risk(deployment: Deployment, findings: Findings) -> Risk | None:
    """The risk of a deployment; None when nothing speaks against it."""
    subject = RiskSubject(
        id=deployment.id, namespace=deployment.namespace, cluster_id=deployment.cluster_id, type=DEPLOYMENT
    )
    return risk_of(
        subject,
        (
            _violations(findings.violations),
            _processes(findings.suspicious),
            _of_images(image.VULNERABILITIES, findings.images),
            _configuration(deployment),
            _reachability(deployment),
            _of_images(image.USEFUL_COMPONENTS, findings.images),
            _of_images(image.COMPONENT_COUNT, findings.images),
            _of_images(image.FRESHNESS, findings.images),
        ),
    )


def _violations(found: Sequence[Violation]) -> Risk.Result | None:
    total = 0.0
    for one in found:
        total = single(total + one.severity * one.severity)
    if not total:
        return None
    ordered = sorted(found, key=lambda one: (-one.severity, one.policy))
    messages = [f"{one.policy} (severity: {_severity(one.severity)})" for one in ordered]
    return result(VIOLATIONS, normalised(total, _VIOLATIONS_SATURATION, _VIOLATIONS_MOST), messages)


def _severity(number: int) -> str:
    known = number in Severity.values()
    name = Severity.Name(Severity.ValueType(number)) if known else str(number)
    return name.removesuffix("_SEVERITY").capitalize()


def _processes(found: Sequence[Process]) -> Risk.Result | None:
    if not found:
        return None
    total, step = 0.0, _FIRST_PROCESS
    for _ in found:
        total, step = single(total + step), single(step * _DISCOUNT)
    score = normalised(total, _PROCESSES_SATURATION, _PROCESSES_MOST)
    return result(PROCESSES, score, map(_process_text, found))


def _process_text(process: Process) -> str:
    arguments = f" with args {quote(process.arguments)}" if process.arguments else ""
    return (
        f"Detected execution of suspicious process {quote(process.name)}{arguments}"
        f" in container {process.container}"
    )


def _of_images(name: str, risks: Iterable[Risk]) -> Risk.Result | None:
    """The worst of the images counts; the factors of all are shown."""
    found = [one for risk in risks for one in risk.results if one.name == name]
    if not found:
        return None
    messages = [factor.message for one in found for factor in one.factors]
    return result(name, max(one.score for one in found), messages)


def _configuration(deployment: Deployment) -> Risk.Result | None:
    texts = [text for text in (part(deployment) for part in _PARTS) if text]
    total = float(len(texts))
    for container in deployment.containers:
        if container.security_context.privileged:
            total *= 2
            texts.append(f"Container {quote(container.name)} in the deployment is privileged")
            break
    if not texts:
        return None
    score = normalised(total, _CONFIGURATION_SATURATION, _CONFIGURATION_MOST)
    return result(CONFIGURATION, score, texts)


def _volumes(deployment: Deployment) -> str:
    names = [one.name for found in deployment.containers for one in found.volumes if not one.read_only]
    return f"Volumes {', '.join(names)} were mounted RW" if names else ""


def _secrets(deployment: Deployment) -> str:
    names = [one.name for found in deployment.containers for one in found.secrets]
    return f"Secrets {', '.join(names)} are used inside the deployment" if names else ""


def _added(deployment: Deployment) -> str:
    added = {one for found in deployment.containers for one in found.security_context.add_capabilities}
    strong = sorted(added & _STRONG_CAPABILITIES)
    return f"Capabilities {', '.join(strong)} were added" if strong else ""


def _dropped(deployment: Deployment) -> str:
    any_dropped = any(found.security_context.drop_capabilities for found in deployment.containers)
    return "" if any_dropped else "No capabilities were dropped"


_PARTS = (_volumes, _secrets, _added, _dropped)


def _reachability(deployment: Deployment) -> Risk.Result | None:
    total, messages = 0, []
    for port in deployment.ports:
        value, text = _EXPOSURES.get(port.exposure, (0, "in an unknown manner"))
        total += value
        messages.append(f"Port {port.container_port} is exposed {text}")
    if not total:
        return None
    score = normalised(float(total), _REACHABILITY_SATURATION, _REACHABILITY_MOST)
    return result(REACHABILITY, score, messages)
