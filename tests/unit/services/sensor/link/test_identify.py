"""Who this Sensor is: what can be read, what stays empty."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from pyrox.errors import NotAuthorized, NotFound, RoxError
from pyrox.k8s.client import KubeClient
from services.sensor.link import identify as module
from services.sensor.link.identify import identify


class Api:
    """Objects by path; a path may fail or never answer."""

    def __init__(self, **failures: RoxError) -> None:
        self._failures = failures
        self.asked: list[str] = []
        self.silent = ""

    async def get(self, path: str) -> Any:
        self.asked.append(path)
        name = path.rpartition("/")[2]
        if name == self.silent:
            await asyncio.Event().wait()
        if name in self._failures:
            raise self._failures[name]
        return {"metadata": {"uid": f"uid-{name}"}}


async def ask(api: Api) -> dict[str, str]:
    found = await identify(cast("KubeClient", api), "acs")
    return {field.name: value for field, value in found.ListFields()}


async def test_all_ids_are_read_by_their_paths() -> None:
    api = Api()
    assert await ask(api) == {
        "system_namespace_id": "uid-kube-system",
        "default_namespace_id": "uid-default",
        "app_namespace": "acs",
        "app_namespace_id": "uid-acs",
        "app_serviceaccount_id": "uid-sensor",
    }
    assert api.asked == [
        "/api/v1/namespaces/kube-system",
        "/api/v1/namespaces/default",
        "/api/v1/namespaces/acs",
        "/api/v1/namespaces/acs/serviceaccounts/sensor",
    ]


async def test_what_cannot_be_read_stays_empty() -> None:
    found = await ask(Api(**{"kube-system": NotAuthorized("no"), "sensor": NotFound("gone")}))
    assert found == {
        "default_namespace_id": "uid-default",
        "app_namespace": "acs",
        "app_namespace_id": "uid-acs",
    }


async def test_silent_api_server_leaves_the_namespace_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    api = Api()
    api.silent = "default"
    # Half an identity would look like another cluster at the next start.
    assert await ask(api) == {"app_namespace": "acs"}
