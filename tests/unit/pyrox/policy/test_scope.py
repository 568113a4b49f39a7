"""Scopes and exclusions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.pb.storage.scope_pb2 import Scope
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.scope import PlaceLabels, compile_scope
from pyrox.policy.subject import (
    AuditEventSubject,
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from tests.unit.pyrox.policy import builders as b


def _label(key: str, value: str = "") -> Scope.Label:
    return Scope.Label(key=key, value=value)


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        (Scope(), True),
        (Scope(cluster="c1"), True),
        (Scope(cluster="c2"), False),
        (Scope(namespace="PR.*"), True),
        (Scope(namespace="pro"), False),
        (Scope(label=_label("app", "w.b")), True),
        (Scope(label=_label("app")), True),
        (Scope(label=_label("app", "db")), False),
        (Scope(cluster_label=_label("zone", "eu")), True),
        (Scope(cluster_label=_label("zone", "us")), False),
        (Scope(namespace_label=_label("team", ".*")), True),
        (Scope(namespace_label=_label("other")), False),
        (Scope(cluster="c1", namespace="dev"), False),
    ],
)
def test_scope_fits_the_deployment(scope: Scope, fits: bool) -> None:
    places = PlaceLabels(cluster={"zone": "eu"}, namespace={"team": "a"})
    compiled = compile_scope(Policy(scope=[scope]))
    assert compiled.applies_to(b.on_deployment(), b.NOW, places) is fits


def test_any_of_several_scopes_is_enough() -> None:
    compiled = compile_scope(Policy(scope=[Scope(namespace="dev"), Scope(namespace="prod")]))
    assert compiled.applies_to(b.on_deployment(), b.NOW)
    assert not compiled.uses_place_labels
    assert compile_scope(Policy(scope=[Scope(cluster_label=_label("a"))])).uses_place_labels


def _excluding(name: str = "", namespace: str = "", image: str = "") -> Policy:
    policy = Policy(name="p")
    exclusion = policy.exclusions.add(name="e")
    if name or namespace:
        exclusion.deployment.name = name
        if namespace:
            exclusion.deployment.scope.namespace = namespace
    if image:
        exclusion.image.name = image
    return policy


@pytest.mark.parametrize(
    ("policy", "applies"),
    [
        (_excluding(name="W.b"), False),
        (_excluding(name="we"), True),
        (_excluding(namespace="prod"), False),
        (_excluding(name="web", namespace="dev"), True),
        (_excluding(image="quay.io/acme"), True),
    ],
)
def test_exclusion_silences_the_deployment(policy: Policy, applies: bool) -> None:
    assert compile_scope(policy).applies_to(b.on_deployment(), b.NOW) is applies


@pytest.mark.parametrize(
    ("prefix", "applies"), [("quay.io/acme", False), ("QUAY.io", True), ("docker.io", True), ("", True)]
)
def test_image_exclusion_is_a_prefix_in_the_written_case(prefix: str, applies: bool) -> None:
    policy = _excluding(name="x", image=prefix)
    assert compile_scope(policy).applies_to(ImageSubject(b.image()), b.NOW) is applies


def test_build_time_ignores_scopes() -> None:
    assert compile_scope(Policy(scope=[Scope(namespace="no")])).applies_to(ImageSubject(b.image()), b.NOW)


@pytest.mark.parametrize(("seconds", "applies"), [(-1, True), (0, False), (1, False)])
def test_expired_exclusion_is_ignored(seconds: int, applies: bool) -> None:
    policy = _excluding(name="web")
    policy.exclusions[0].expiration.FromDatetime(b.NOW + timedelta(seconds=seconds))
    assert compile_scope(policy).applies_to(b.on_deployment(), b.NOW) is applies


def test_audit_event_is_placed_by_cluster_and_namespace() -> None:
    subject = AuditEventSubject(b.audit_event())
    assert compile_scope(Policy(scope=[Scope(cluster="c1", namespace="prod")])).applies_to(subject, b.NOW)
    assert not compile_scope(Policy(scope=[Scope(namespace="dev")])).applies_to(subject, b.NOW)
    assert not compile_scope(_excluding(namespace="prod")).applies_to(subject, b.NOW)
    subject.event.object.namespace = ""
    assert compile_scope(Policy(scope=[Scope(namespace="dev")])).applies_to(subject, b.NOW)


_ON = b.on_deployment()


@pytest.mark.parametrize(
    ("subject", "applies"),
    [
        (ProcessSubject(_ON, b.process()), False),
        (NetworkFlowSubject(_ON, b.flow()), False),
        (FileAccessSubject(_ON, b.file_access()), False),
        (KubeEventSubject(b.exec_event(), _ON), False),
        (KubeEventSubject(b.exec_event()), False),
        (NodeEventSubject(b.node(), b.file_access()), True),
    ],
)
def test_scope_of_another_namespace_silences_all_but_node_events(subject: Subject, applies: bool) -> None:
    policy = b.policy([("Namespace", ["x"])])
    policy.scope.add(namespace="dev")
    assert compile_policy(policy).applies_to(subject, b.NOW) is applies


def test_exclusion_expires_between_two_moments_once() -> None:
    policy = Policy()
    policy.exclusions.add().deployment.name = "never"
    policy.exclusions.add().expiration.FromDatetime(b.NOW)
    compiled = compile_scope(policy)
    before, after = b.NOW - timedelta(seconds=1), b.NOW + timedelta(seconds=1)
    assert compiled.expired_between(before, after) is True
    assert compiled.expired_between(before, b.NOW) is False
    assert compiled.expired_between(after, after + timedelta(days=1)) is False
