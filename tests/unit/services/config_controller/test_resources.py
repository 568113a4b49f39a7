from __future__ import annotations

from typing import Any, cast

import pytest

from pyrox.k8s.client import KubeClient
from pyrox.k8s.errors import Conflict
from services.config_controller.resources import FINALIZER, Resources, finalizers
from tests.unit.services.config_controller.builders import FakeApi

STATUS = {"conditions": [{"type": "PolicyValidated", "status": "True"}], "policyId": "p"}


def resources(api: FakeApi) -> Resources:
    return Resources(client=cast("KubeClient", api), namespace="stackrox")


async def got(api: FakeApi, name: str = "a") -> dict[str, Any]:
    found = await resources(api).get(name)
    assert found is not None
    return found


async def test_resource_that_is_gone_is_none() -> None:
    assert await resources(FakeApi()).get("a") is None


async def test_status_is_written_once_and_keeps_what_it_does_not_say() -> None:
    api = FakeApi()
    api.add("a", {})["status"] = {"accepted": True}
    found = await got(api)
    await resources(api).write_status(found, STATUS)
    await resources(api).write_status(found, STATUS)
    assert api.objects["a"]["status"] == {"accepted": True, **STATUS}
    assert len(api.patches) == 1


async def test_status_of_another_version_is_refused_and_of_none_passed_over() -> None:
    api = FakeApi()
    api.add("a", {})
    old = await got(api)
    api.add("a", {})
    with pytest.raises(Conflict):
        await resources(api).write_status(old, STATUS)
    del api.objects["a"]
    await resources(api).write_status(old, STATUS)
    await resources(api).release(old)
    assert api.objects == {}


async def test_finalizer_is_added_beside_others_and_taken_away_alone() -> None:
    api = FakeApi()
    api.add("a", {}, finalizers=["other"])
    found = await got(api)
    await resources(api).hold(found)
    await resources(api).hold(found)
    assert finalizers(api.objects["a"]) == ["other", FINALIZER]
    assert len(api.patches) == 1
    await resources(api).release(found)
    assert finalizers(api.objects["a"]) == ["other"]
