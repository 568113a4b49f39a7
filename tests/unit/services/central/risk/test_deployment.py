"""The multipliers of deployments, with scores computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyrox.pb.storage.deployment_pb2 import Deployment, PortConfig
from pyrox.pb.storage.policy_pb2 import Severity
from pyrox.pb.storage.risk_pb2 import Risk, RiskSubjectType
from services.central.baselines.evaluate import Process
from services.central.risk.deployment import Findings, Violation, deployment_risk
from services.central.risk.numbers import product

LOW, MEDIUM = Severity.LOW_SEVERITY, Severity.MEDIUM_SEVERITY
NOTHING = Findings()
HIGH, CRITICAL = Severity.HIGH_SEVERITY, Severity.CRITICAL_SEVERITY


def deployment() -> Deployment:
    """One with a container that drops its capabilities, so that nothing speaks against it."""
    made = Deployment(id="d", name="web", namespace="shop", cluster_id="c")
    made.containers.add(name="app").security_context.drop_capabilities.append("ALL")
    return made


def said(made: Deployment, findings: Findings = NOTHING) -> list[tuple[str, float, list[str]]]:
    risk = deployment_risk(made, findings)
    if risk is None:
        return []
    return [(one.name, one.score, [factor.message for factor in one.factors]) for one in risk.results]


def test_deployment_without_anything_has_no_risk() -> None:
    assert deployment_risk(deployment(), Findings()) is None


@pytest.mark.parametrize(
    ("severities", "score"),
    [
        ([LOW], 1.06),
        ([MEDIUM], 1.24),
        ([HIGH], 1.54),
        ([CRITICAL], 1.96),
        # 1 + 4 + 9 + 16 = 30 of 50, times 3.
        ([LOW, MEDIUM, HIGH, CRITICAL], 2.8),
        ([CRITICAL, CRITICAL, CRITICAL, LOW, LOW], 4.0),
        ([CRITICAL] * 4, 4.0),
    ],
)
def test_violations_count_by_the_square_of_their_severity(severities: Sequence[int], score: float) -> None:
    found = Findings([Violation(f"p{number}", one) for number, one in enumerate(severities)])
    name, got, factors = said(deployment(), found)[0]
    assert name == "Policy Violations"
    assert got == pytest.approx(score, abs=1e-6)
    assert len(factors) == len(severities)


def test_violations_are_named_the_worst_first() -> None:
    found = Findings(
        [Violation("b", LOW), Violation("z", CRITICAL), Violation("a", LOW), Violation("m", HIGH)]
    )
    assert said(deployment(), found)[0][2] == [
        "z (severity: Critical)",
        "m (severity: High)",
        "a (severity: Low)",
        "b (severity: Low)",
    ]


def test_violations_without_severity_are_no_risk() -> None:
    assert said(deployment(), Findings([Violation("p", Severity.UNSET_SEVERITY)])) == []
    assert said(deployment(), Findings([Violation("p", LOW), Violation("q", 0)]))[0][2][1] == (
        "q (severity: Unset)"
    )


@pytest.mark.parametrize(
    ("count", "score"),
    [
        # 2 of 10, times 3.
        (1, 1.6),
        # 2 + 1.8 = 3.8.
        (2, 2.14),
        # 2 + 1.8 + 1.62 = 5.42.
        (3, 2.626),
        # 2 * (1 - 0.9^6) / 0.1 = 9.37118.
        (6, 3.811354),
        (7, 4.0),
        (500, 4.0),
    ],
)
def test_each_further_process_adds_less(count: int, score: float) -> None:
    ran = [Process("app", "sh", "", f"/bin/{number}") for number in range(count)]
    name, got, factors = said(deployment(), Findings(suspicious=ran))[0]
    assert name == "Suspicious Process Executions"
    assert got == pytest.approx(score, abs=1e-5)
    assert len(factors) == count


def test_processes_are_quoted_as_go_quotes() -> None:
    ran = [Process("app", "sh", "", "/bin/sh"), Process("side", 'a"b', "-c\tx é", "/bin/a")]
    assert said(deployment(), Findings(suspicious=ran))[0][2] == [
        'Detected execution of suspicious process "sh" in container app',
        'Detected execution of suspicious process "a\\"b" with args "-c\\tx é" in container side',
    ]


def test_worst_image_counts_and_all_are_named() -> None:
    def risk(score: float, message: str) -> Risk:
        factor = Risk.Result.Factor(message=message)
        return Risk(results=[Risk.Result(name="Image Freshness", score=score, factors=[factor])])

    images = [risk(1.25, "one"), risk(1.5, "two"), Risk()]
    assert said(deployment(), Findings(images=images)) == [("Image Freshness", 1.5, ["one", "two"])]


def test_volumes_secrets_and_capabilities_count_one_each() -> None:
    made = Deployment(id="d")
    first, second = made.containers.add(name="one"), made.containers.add(name="two")
    first.volumes.add(name="data")
    first.volumes.add(name="conf", read_only=True)
    second.volumes.add(name="logs")
    first.secrets.add(name="token")
    second.secrets.add(name="token")
    first.security_context.add_capabilities.extend(["SYS_MODULE", "NET_RAW"])
    second.security_context.add_capabilities.extend(["ALL", "SYS_MODULE"])
    # Four of 8.
    assert said(made) == [
        (
            "Service Configuration",
            1.5,
            [
                "Volumes data, logs were mounted RW",
                "Secrets token, token are used inside the deployment",
                "Capabilities ALL, SYS_MODULE were added",
                "No capabilities were dropped",
            ],
        )
    ]
    second.security_context.privileged = True
    assert said(made)[0][1] == 2.0
    assert said(made)[0][2][-1] == 'Container "two" in the deployment is privileged'


def test_weak_capabilities_do_not_count() -> None:
    made = deployment()
    made.containers[0].security_context.add_capabilities.extend(["NET_RAW", "CAP_SYS_ADMIN"])
    assert said(made) == []


def test_privileged_alone_is_a_factor_without_weight() -> None:
    made = deployment()
    made.containers[0].security_context.privileged = True
    made.containers.add(name="other").security_context.privileged = True
    assert said(made) == [("Service Configuration", 1.0, ['Container "app" in the deployment is privileged'])]


def test_ports_count_by_how_far_they_are_exposed() -> None:
    made = deployment()
    levels = [
        PortConfig.EXTERNAL,
        PortConfig.ROUTE,
        PortConfig.NODE,
        PortConfig.HOST,
        PortConfig.INTERNAL,
        PortConfig.UNSET,
    ]
    for number, level in enumerate(levels):
        made.ports.add(container_port=8000 + number, exposure=level)
    name, score, factors = said(made)[0]
    # 3 + 3 + 2 + 2 + 1 is more than 10.
    assert (name, score) == ("Service Reachability", 2.0)
    assert factors == [
        "Port 8000 is exposed to external clients",
        "Port 8001 is exposed to external clients",
        "Port 8002 is exposed on node interfaces",
        "Port 8003 is exposed on every node running the deployment",
        "Port 8004 is exposed in the cluster",
        "Port 8005 is exposed in an unknown manner",
    ]


@pytest.mark.parametrize(
    ("level", "score"),
    [
        (PortConfig.EXTERNAL, 1.3),
        (PortConfig.NODE, 1.2),
        (PortConfig.INTERNAL, 1.1),
        (PortConfig.UNSET, None),
    ],
)
def test_one_port_has_its_own_weight(level: PortConfig.ExposureLevel.ValueType, score: float | None) -> None:
    made = deployment()
    made.ports.add(container_port=80, exposure=level)
    assert [one[1] for one in said(made)] == ([] if score is None else [pytest.approx(score, abs=1e-6)])


def test_results_come_in_the_order_of_display_and_multiply() -> None:
    made = Deployment(id="d", namespace="shop", cluster_id="c")
    made.containers.add(name="app")
    made.ports.add(container_port=80, exposure=PortConfig.INTERNAL)
    names = [
        "Image Freshness",
        "Number of Components in Image",
        "Components Useful for Attackers",
        "Image Vulnerabilities",
    ]
    images = [Risk(results=[Risk.Result(name=name, score=1.5) for name in names])]
    findings = Findings([Violation("p", LOW)], [Process("app", "sh", "", "/bin/sh")], images)
    risk = deployment_risk(made, findings)
    assert risk is not None
    assert [one.name for one in risk.results] == [
        "Policy Violations",
        "Suspicious Process Executions",
        "Image Vulnerabilities",
        "Service Configuration",
        "Service Reachability",
        "Components Useful for Attackers",
        "Number of Components in Image",
        "Image Freshness",
    ]
    assert risk.score == product(one.score for one in risk.results)
    # 1.06 * 1.6 * 1.5 * 1.125 * 1.1 * 1.5 * 1.5 * 1.5
    assert risk.score == pytest.approx(10.6248, abs=1e-3)
    assert risk.id == "deployment:d"
    assert (risk.subject.id, risk.subject.namespace, risk.subject.cluster_id) == ("d", "shop", "c")
    assert risk.subject.type == RiskSubjectType.DEPLOYMENT
