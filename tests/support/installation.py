"""A whole local installation for a test: its commands, its board, Central and the cluster.

Tests of `make up` that need more than its printed words start one. It runs in a
directory and on loopback addresses of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.local import board, postgres
from services.local.board import Entry, State
from services.local.places import CHECKOUT, Places

Json = dict[str, Any]
_COMMAND_SECONDS = 300


@dataclass(frozen=True)
class Site:
    """One installation on disk."""

    directory: Path
    network: str

    @property
    def places(self) -> Places:
        return Places(self.directory)

    def run(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of `services local`, to its end."""
        flags = ["--state", str(self.directory), "--network", self.network]
        environment = {
            key: value for key, value in os.environ.items() if not re.match("KUBECONFIG|ROX_|PYROX", key)
        }
        return subprocess.run(
            [sys.executable, "-m", "services", "local", verb, *flags, *words],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
            env=environment,
        )

    def entries(self) -> dict[str, Entry]:
        """Every process as the supervisor last told."""
        found = board.read(self.places.board)
        assert found is not None, f"no board in {self.directory}"
        return found.entries

    def healthy(self) -> bool:
        """Whether every process is alive and ready."""
        return all(
            entry.state is State.HEALTHY and entry.identity is not None for entry in self.entries().values()
        )

    def remove(self) -> None:
        """End everything and leave nothing on disk."""
        self.run("down")
        # Where root's temporary directory is closed to others, the server's files lie elsewhere.
        shutil.rmtree(postgres.data_folder(self.places.state / "postgres").parent, ignore_errors=True)


@dataclass
class Clients:
    """Central as its administrator and the cluster as its owner see them."""

    site: Site
    central: httpx.AsyncClient = field(init=False)
    cluster: httpx.AsyncClient = field(init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        places = self.site.places
        context = ssl.create_default_context(cafile=places.secrets / "ca" / "ca.pem")
        login = ("admin", places.admin_password.read_text().strip())
        token = json.loads(places.kubeconfig.read_bytes())["users"][0]["user"]["token"]
        self.central = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"https://{self.site.network}.2:8443",
                auth=login,
                verify=context,
                timeout=60,
                trust_env=False,
            )
        )
        self.cluster = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"https://{self.site.network}.5:6443",
                headers={"authorization": f"Bearer {token}"},
                verify=context,
                timeout=60,
                trust_env=False,
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def get(self, path: str) -> Json:
        """Central's answer; raises `httpx.HTTPError` when there is none."""
        return _read(await self.central.get(path))

    async def metric(self, host: int, name: str, **labels: str) -> float:
        """A value that the process on that address of the installation shows to Prometheus."""
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            answer = await client.get(f"http://{self.site.network}.{host}:9090/metrics")
        answer.raise_for_status()
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        raise AssertionError(f"no {name}{labels} on {self.site.network}.{host}:9090")

    async def listed(self, path: str) -> list[Json]:
        """The cluster's objects of a collection."""
        found: list[Json] = _read(await self.cluster.get(path))["items"]
        return found


def _read(answer: httpx.Response) -> Json:
    answer.raise_for_status()
    found: Json = answer.json()
    return found


async def until_equal(
    differences: Callable[[], Awaitable[list[str]]], *, seconds: float, pause: float = 0.3
) -> float:
    """Seconds until nothing differs any more. Fails with the last differences."""
    begun = time.monotonic()
    while True:
        try:
            found = await differences()
        except httpx.HTTPError as err:
            found = [f"{type(err).__name__}: {err}"]
        if not found:
            return time.monotonic() - begun
        assert time.monotonic() - begun < seconds, "\n".join(found[:40])
        await asyncio.sleep(pause)
