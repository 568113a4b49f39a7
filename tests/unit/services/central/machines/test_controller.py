from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from pyrox.errors import Unavailable
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig as Config
from pyrox.pb.storage.traits_pb2 import Traits
from services.central.machines.cluster import ClusterIssuer
from services.central.machines.controller import ControllerLogin, controller_logins
from services.central.machines.store import MachineStore
from tests.support.pki import FixedClock
from tests.support.waiting import until

MAPPING = Config.Mapping(
    key="sub", value_expression="system:serviceaccount:acs:config-controller", role="Configuration Controller"
)


class Store:
    """Configurations by issuer."""

    def __init__(self, *configs: Config) -> None:
        self.configs = {config.issuer: config for config in configs}
        self.writes = 0

    async def of_issuer(self, issuer: str) -> Config | None:
        return self.configs.get(issuer)

    async def put(self, config: Config) -> None:
        self.writes += 1
        self.configs[config.issuer] = config


class Api:
    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.closed = False

    async def get(self, path: str) -> dict[str, Any]:
        self.failures -= 1
        if self.failures >= 0:
            raise Unavailable(path)
        return {"issuer": "https://k"}

    async def close(self) -> None:
        self.closed = True


def login(store: Store, api: Api, clock: FixedClock | None = None) -> ControllerLogin:
    return ControllerLogin(
        cluster=ClusterIssuer(api=api),
        store=cast("MachineStore", store),
        namespace="acs",
        clock=clock or FixedClock(),
    )


async def test_first_start_makes_the_default_configuration() -> None:
    store = Store()
    await login(store, Api()).ensure()
    made = store.configs["https://k"]
    assert made.id
    assert (made.type, made.token_expiration_duration) == (Config.KUBE_SERVICE_ACCOUNT, "1h")
    assert (made.traits.origin, list(made.mappings)) == (Traits.DEFAULT, [MAPPING])


async def test_later_start_writes_nothing_and_a_lost_mapping_is_added_to_the_users() -> None:
    users = Config.Mapping(key="sub", value_expression="x", role="Analyst")
    store = Store(Config(id="c", issuer="https://k", mappings=[users]))
    await login(store, Api()).ensure()
    await login(store, Api()).ensure()
    assert list(store.configs["https://k"].mappings) == [users, MAPPING]
    assert store.writes == 1


async def test_api_server_that_is_away_is_tried_again_while_others_go_on() -> None:
    store, api, clock = Store(), Api(failures=8), FixedClock()
    ready = asyncio.Event()
    task = asyncio.create_task(login(store, api, clock).run(ready.set))
    await until(lambda: store.writes)
    assert ready.is_set()
    assert clock.slept == [1, 2, 4, 8, 16, 32, 60, 60]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert api.closed


def test_outside_a_cluster_there_is_no_login_to_keep() -> None:
    store = cast("MachineStore", Store())
    assert controller_logins(None, store, "acs", FixedClock()) == ()
    made = controller_logins(ClusterIssuer(api=Api()), store, "", FixedClock())
    assert [one.name for one in made] == ["controller-login"]
