"""Reading of objects whose shape nobody guarantees, and every conversion on thousands of broken ones."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pyrox.workload import objects
from pyrox.workload.deployments import Scene, to_deployment
from pyrox.workload.namespaces import to_namespace, to_node
from pyrox.workload.network_policies import to_network_policy
from pyrox.workload.pods import to_pod
from pyrox.workload.rbac import role_ref, to_binding, to_role, to_service_account
from pyrox.workload.secrets import logins, to_secret
from pyrox.workload.services import to_service
from tests.support.sensor import pod, workload

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "deployment": lambda value: to_deployment(value, Scene(now=NOW), [value]),
    "pod": lambda value: to_pod(value, deployment_id="d", cluster_id="c"),
    "secret": to_secret,
    "logins": logins,
    "service": to_service,
    "network policy": to_network_policy,
    "namespace": to_namespace,
    "node": lambda value: to_node(value, now=NOW),
    "role": to_role,
    "binding": lambda value: to_binding(value, role_id="r"),
    "role reference": role_ref,
    "service account": to_service_account,
}
ODD = [
    None,
    1,
    -1,
    2**70,
    1.5,
    True,
    "",
    "x",
    "\ud800",
    "\x00",
    [],
    {},
    ["a"],
    [{}],
    {"a": "b"},
    [[[]]],
    "9" * 500,
]
SEEDS = [
    workload(
        "w",
        ports=[{"containerPort": 80, "hostPort": 1}],
        env=[{"name": "a", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}],
        resources={"limits": {"cpu": "1", "memory": "1Gi"}},
        securityContext={"runAsUser": 5, "capabilities": {"add": ["X"]}},
    ),
    pod("p", "o"),
    {
        "metadata": {"name": "n"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": "e30=", "a": "LS0tLS1CRUdJTg=="},
        "spec": {
            "podSelector": {"matchLabels": {}},
            "ingress": [{"from": [{"ipBlock": {"cidr": "x", "except": ["y"]}}], "ports": [{"port": 1}]}],
            "selector": {"a": "b"},
            "ports": [{"port": 1, "targetPort": "x"}],
            "taints": [{"key": "a"}],
        },
        "status": {"addresses": [{"type": "InternalIP", "address": "x"}], "nodeInfo": {"kernelVersion": "x"}},
        "rules": [{"verbs": ["get"]}],
        "subjects": [{"kind": "User", "name": "x"}],
        "roleRef": {"kind": "Role", "name": "x"},
    },
]


def damage(value: Any, chance: random.Random) -> None:
    """Replace something somewhere inside."""
    places: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not places:
        return
    place = chance.choice(places)
    if chance.random() < 0.3 or not isinstance(value[place], dict | list):
        value[place] = chance.choice(ODD)
    else:
        damage(value[place], chance)


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversion_of_broken_object_never_fails(name: str) -> None:
    chance = random.Random(name)
    kinds = {"Deployment": "apps/v1", "CronJob": "batch/v1", "Pod": "v1", "DaemonSet": "apps/v1"}
    for _ in range(400):
        value = copy.deepcopy(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 6)):
            damage(value, chance)
        value["kind"] = chance.choice(list(kinds))
        value["apiVersion"] = kinds[value["kind"]]
        made = CONVERSIONS[name](value)
        if hasattr(made, "SerializeToString"):
            assert type(made).FromString(made.SerializeToString())


def test_child_wrong_type_on_the_way_is_empty() -> None:
    assert objects.child({"a": {"b": 1}}, "a", "b", "c") == {}


def test_children_list_without_end_is_cut() -> None:
    assert len(list(objects.children({"a": [{}] * 20_000}, "a"))) == objects.MAX_ITEMS


@pytest.mark.parametrize("value", ["yesterday", 5, None, "2026-13-01T00:00:00Z", "2026-11-24T09:00:00"])
def test_timestamp_unreadable_is_gos_zero_time(value: object) -> None:
    assert objects.timestamp({"t": value}, "t").seconds == -62_135_596_800


def test_timestamp_keeps_nanoseconds() -> None:
    assert objects.timestamp({"t": "2026-11-24T09:14:36.250604799Z"}, "t").nanos == 250_604_799


def test_string_map_leaves_out_what_is_no_text() -> None:
    value: dict[str, Any] = {"m": {"a": "1", 2: "two", "b": 3, None: "x", "c": "\ud800"}}
    assert objects.string_map(value, "m") == {"a": "1", "c": "?"}


@pytest.mark.parametrize(
    ("value", "bits", "expected"),
    [
        (2**31 - 1, 32, 2**31 - 1),
        (2**31, 32, 0),
        (-(2**31), 32, -(2**31)),
        (-(2**31) - 1, 32, 0),
        (2**40, 64, 2**40),
        (True, 32, 0),
        ("1", 32, 0),
        (1.0, 32, 0),
    ],
)
def test_number_outside_of_its_bits_is_absent(value: object, bits: int, expected: int) -> None:
    assert objects.number({"n": value}, "n", bits=bits) == expected


def test_flag_takes_only_booleans() -> None:
    assert objects.flag({"f": True}, "f")
    assert not objects.flag({"f": "true"}, "f")
    assert objects.flag({"f": 0}, "f", default=True)
    assert not objects.flag({"f": False}, "f", default=True)


def test_texts_are_cut_and_cleaned() -> None:
    found = objects.texts({"t": ["a", 1, None, "\ud800"] + ["x"] * objects.MAX_ITEMS}, "t")
    assert found[:2] == ["a", "?"]
    assert len(found) == objects.MAX_ITEMS - 2
