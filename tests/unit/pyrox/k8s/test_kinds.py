"""Paths of kinds by their group."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyrox.k8s import kinds
from pyrox.k8s.kinds import Kind

ALL = [value for value in vars(kinds).values() if isinstance(value, Kind)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_path_of_every_kind_follows_its_group(kind: Kind) -> None:
    root = "/api/v1" if kind.api_version == "v1" else f"/apis/{kind.api_version}"
    assert kind.path == f"{root}/{kind.plural}"
    assert kind.in_namespace("ns") == f"{root}/namespaces/ns/{kind.plural}"
    assert kind.in_namespace("ns", "x") == f"{kind.in_namespace('ns')}/x"
    assert kind.plural == kind.plural.lower()


def test_kinds_are_told_apart_and_only_two_are_optional() -> None:
    assert len({(kind.name, kind.api_version) for kind in ALL}) == len(ALL) == 22
    assert {kind.name for kind in ALL if kind.optional} == {"CronJob", "DeploymentConfig"}


def test_kind_of_one_namespace_is_listed_there() -> None:
    inside = replace(kinds.SECURITY_POLICY, only_in="stackrox")
    assert inside.path == "/apis/config.stackrox.io/v1alpha1/namespaces/stackrox/securitypolicies"
    assert inside.in_namespace("other") == kinds.SECURITY_POLICY.in_namespace("other")
