"""The system configuration over a real database: parts that stay, rules that must compile."""

from __future__ import annotations

import asyncio

import pytest

from pyrox.errors import Invalid, NoCredentials, NotAuthorized
from pyrox.pb.api.v1 import config_service_pb2 as pb
from pyrox.pb.api.v1.empty_pb2 import Empty
from pyrox.pb.storage.config_pb2 import Config, PlatformComponentConfig
from pyrox.pg.pool import Pool
from pyrox.rpc.authz import ANONYMOUS
from pyrox.rpc.call import Identity
from pyrox.rpc.scope import EVERYTHING
from services.central.about.store import DatabaseVersion, Installation
from services.central.system_config import defaults
from services.central.system_config.service import ConfigService
from services.central.system_config.store import ConfigStore
from tests.support.callers import ADMIN, limited
from tests.support.pki import FixedClock

pytestmark = pytest.mark.needs("postgres")


class Site:
    """The configuration of a new installation."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = FixedClock()
        self.store = ConfigStore(pool=pool, clock=self.clock)
        self.service = ConfigService(store=self.store, clock=self.clock)

    async def config(self) -> Config:
        return await self.service.GetConfig(Empty(), ADMIN)

    async def put(self, config: Config) -> Config:
        return await self.service.PutConfig(pb.PutConfigRequest(config=config), ADMIN)


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    await central_pool.execute("DELETE FROM configs")
    await central_pool.execute("DELETE FROM installation_infos")
    return Site(central_pool)


async def test_new_installation_has_the_reference_systems_defaults(site: Site) -> None:
    config = await site.config()
    alerts = config.private_config.alert_config
    assert alerts.resolved_deploy_retention_duration_days == 7
    assert alerts.all_runtime_retention_duration_days == 30
    assert config.private_config.image_retention_duration_days == 7
    assert config.private_config.expired_vuln_req_retention_duration_days == 90
    assert config.private_config.administration_events_config.retention_duration_days == 4
    reports = config.private_config.report_retention_config
    assert reports.downloadable_report_global_retention_bytes == 524288000
    assert [rule.name for rule in config.platform_component_config.rules][:2] == [
        "system rule",
        "red hat layered products",
    ]
    assert not config.HasField("public_config")
    assert config.private_config.decommissioned_cluster_retention.created_at.seconds == int(
        site.clock.now().timestamp()
    )
    assert await site.pool.fetchval("SELECT count(*) FROM configs") == 1


async def test_first_readers_at_the_same_time_make_one_row(site: Site) -> None:
    found = await asyncio.gather(*(ConfigStore(pool=site.pool, clock=site.clock).load() for _ in range(4)))
    assert all(one == found[0] for one in found)
    assert await site.pool.fetchval("SELECT count(*) FROM configs") == 1


async def test_put_replaces_what_is_given_and_keeps_what_is_not(site: Site) -> None:
    before = await site.config()
    wanted = Config()
    wanted.public_config.login_notice.text = "be nice"
    wanted.private_config.image_retention_duration_days = 3
    after = await site.put(wanted)
    assert after == await site.config()
    assert (await site.service.GetPublicConfig(Empty(), ADMIN)).login_notice.text == "be nice"
    private = await site.service.GetPrivateConfig(Empty(), ADMIN)
    assert private.image_retention_duration_days == 3
    assert not private.HasField("alert_config")
    assert private.vulnerability_exception_config == before.private_config.vulnerability_exception_config
    assert after.platform_component_config.rules == before.platform_component_config.rules


async def test_put_of_nothing_is_refused(site: Site) -> None:
    with pytest.raises(Invalid) as caught:
        await site.service.PutConfig(pb.PutConfigRequest(), ADMIN)
    assert caught.value.message == "config must be specified: invalid arguments"


async def test_rule_that_does_not_compile_changes_nothing(site: Site) -> None:
    before = await site.config()
    bad = Config()
    bad.platform_component_config.rules.add(name="mine").namespace_rule.regex = "("
    with pytest.raises(Invalid, match="platform component rule 'mine'"):
        await site.put(bad)
    request = pb.PutPlatformComponentConfigRequest(rules=bad.platform_component_config.rules)
    with pytest.raises(Invalid):
        await site.service.UpdatePlatformComponentConfig(request, ADMIN)
    assert await site.config() == before
    assert site.store.is_platform("kube-system")


async def test_changed_rules_count_at_once(site: Site) -> None:
    await site.config()
    assert site.store.is_platform("kube-system")
    assert not site.store.is_platform("shop")
    rule = PlatformComponentConfig.Rule(name="mine")
    rule.namespace_rule.regex = "^shop$"
    request = pb.PutPlatformComponentConfigRequest(rules=[rule])
    answer = await site.service.UpdatePlatformComponentConfig(request, ADMIN)
    assert [found.name for found in answer.rules] == ["mine"]
    assert site.store.is_platform("shop")
    assert not site.store.is_platform("kube-system")
    # Another replica learns of it when it reads the configuration.
    replica = ConfigStore(pool=site.pool, clock=site.clock)
    assert replica.is_platform("kube-system")
    await replica.load()
    assert replica.is_platform("shop")
    assert not replica.is_platform("kube-system")


async def test_exceptions_are_replaced_alone(site: Site) -> None:
    before = await site.config()
    request = pb.UpdateVulnerabilityExceptionConfigRequest()
    request.config.expiry_options.day_options.add(num_days=5, enabled=True)
    request.config.expiry_options.indefinite = True
    answer = await site.service.UpdateVulnerabilityExceptionConfig(request, ADMIN)
    assert answer.config == request.config
    shown = (await site.service.GetVulnerabilityExceptionConfig(Empty(), ADMIN)).config
    assert shown == request.config
    after = await site.config()
    assert after.private_config.alert_config == before.private_config.alert_config


async def test_default_pattern_of_layered_products_outlives_a_change(site: Site) -> None:
    rules = defaults.load(site.clock.now()).platform_component_config.rules
    request = pb.PutPlatformComponentConfigRequest(rules=[])
    await site.service.UpdatePlatformComponentConfig(request, ADMIN)
    answer = await site.service.GetDefaultRedHatLayeredProductsRegex(Empty(), ADMIN)
    assert answer.regex == rules[1].namespace_rule.regex
    assert answer.regex.startswith("^aap$|^ack-system$")


@pytest.mark.parametrize("method", ConfigService.AUTHZ)
def test_who_may_read_and_write(method: str) -> None:
    rule = ConfigService.AUTHZ[method]
    if method == "GetPublicConfig":
        assert rule is ANONYMOUS
        return
    reader = limited(EVERYTHING, read=("Administration",)).identity
    analyst = limited(EVERYTHING, read=("VulnerabilityManagementRequests",)).identity
    with pytest.raises((NoCredentials, NotAuthorized)):
        rule.check(Identity())
    if method.startswith("Get"):
        rule.check(reader)
    else:
        with pytest.raises(NotAuthorized):
            rule.check(reader)
    if method != "GetVulnerabilityExceptionConfig":
        with pytest.raises(NotAuthorized):
            rule.check(analyst)
    else:
        rule.check(analyst)


async def test_installation_keeps_its_id(site: Site) -> None:
    first = Installation(pool=site.pool, clock=site.clock)
    assert first.id == ""
    await first.load()
    again = Installation(pool=site.pool, clock=site.clock)
    await again.load()
    assert first.id == again.id != ""


async def test_installation_loaded_twice_at_once_has_one_id(site: Site) -> None:
    both = [Installation(pool=site.pool, clock=site.clock) for _ in range(4)]
    await asyncio.gather(*(one.load() for one in both))
    assert len({one.id for one in both}) == 1


async def test_database_tells_its_version(site: Site) -> None:
    version = await DatabaseVersion(pool=site.pool).server_version()
    assert version == await site.pool.fetchval("SHOW server_version")
    assert version.split(".")[0].isdigit()
