"""What Central is told at the start, and that it is told once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from pyrox.errors import Unavailable
from services.local.central import Central
from services.local.enrol import POLICY_NAME, REGISTRY_NAME, add_policy, add_registry, cluster_id


class FakeCentral:
    """The few paths of Central's REST interface that are asked here."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {
            "clusters": [],
            "imageintegrations": [],
            "policies": [],
        }
        self.broken = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.broken:
            return httpx.Response(503, text="no database")
        kind = request.url.path.rpartition("/")[2]
        if request.method == "POST":
            made = {**json.loads(request.content), "id": f"id-{len(self.objects[kind])}"}
            self.objects[kind].append(made)
            return httpx.Response(200, json={"cluster": made} if kind == "clusters" else made)
        name = {"imageintegrations": "integrations"}.get(kind, kind)
        return httpx.Response(200, json={name: self.objects[kind]})


@pytest.fixture
def fake() -> FakeCentral:
    return FakeCentral()


@pytest.fixture
def central(fake: FakeCentral) -> Iterator[Central]:
    with httpx.Client(base_url="https://central", transport=httpx.MockTransport(fake)) as client:
        yield Central(client)


def test_a_cluster_is_added_once_and_found_again(fake: FakeCentral, central: Central) -> None:
    first = cluster_id(central, "simulated")
    assert cluster_id(central, "simulated") == first
    assert cluster_id(central, "other") != first
    assert [one["name"] for one in fake.objects["clusters"]] == ["simulated", "other"]


@pytest.mark.parametrize(
    ("add", "kind", "name"),
    [
        (lambda central: add_registry(central, "127.0.10.5:5000"), "imageintegrations", REGISTRY_NAME),
        (add_policy, "policies", POLICY_NAME),
    ],
)
def test_registry_and_policy_are_added_once(
    fake: FakeCentral, central: Central, add: Callable[[Central], None], kind: str, name: str
) -> None:
    add(central)
    add(central)
    assert [one["name"] for one in fake.objects[kind]] == [name]


def test_the_demo_policy_enforces_in_one_namespace_only(fake: FakeCentral, central: Central) -> None:
    add_policy(central)
    (policy,) = fake.objects["policies"]
    assert policy["scope"] == [{"namespace": "default"}]
    assert policy["enforcementActions"] == ["SCALE_TO_ZERO_ENFORCEMENT"]


def test_an_answer_that_is_no_success_names_what_was_asked(fake: FakeCentral, central: Central) -> None:
    fake.broken = True
    with pytest.raises(Unavailable, match="GET /v1/clusters: status 503: no database"):
        cluster_id(central, "simulated")
