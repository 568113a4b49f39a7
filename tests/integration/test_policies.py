"""Policies as users change them: the servicer over a real database, with what changes mean elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from pyrox.errors import AlreadyExists, Internal, Invalid, NotAuthorized, NotFound
from pyrox.pb.api.v1 import common_pb2, empty_pb2, pagination_pb2, policy_service_pb2, search_service_pb2
from pyrox.pb.storage.deployment_pb2 import Deployment, ListDeployment
from pyrox.pb.storage.policy_pb2 import (
    DECLARATIVE,
    IMPERATIVE,
    EnforcementAction,
    ExportPoliciesResponse,
    LifecycleStage,
    Policy,
    Severity,
)
from pyrox.pg.notify import Listener
from pyrox.pg.pool import Pool
from pyrox.policy.defaults import load
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.errors import status_of
from pyrox.rpc.scope import FullGrants
from services.central.clusters.store import ClusterStore
from services.central.db import tables
from services.central.db.store import ListedStore, ListForm
from services.central.deployments.digest import digest
from services.central.policies.exchange import REMOVED_MESSAGE, Importer
from services.central.policies.from_search import FromSearch
from services.central.policies.service import PolicyService
from services.central.policies.store import CHANNEL, PolicyStore
from services.central.readers import dry_run
from tests.support.pki import FixedClock
from tests.support.waiting import until

pytestmark = pytest.mark.needs("postgres")
CALL = Call(method="/test")
ById = common_pb2.ResourceByID
Post = policy_service_pb2.PostPolicyRequest


@dataclass
class Effects:
    """What was told about changes."""

    changed: list[tuple[str, bool]] = field(default_factory=list)
    reassessed: int = 0

    async def policy_changed(self, policy: Policy | None, policy_id: str) -> None:
        self.changed.append((policy_id, policy is not None))

    async def reassess(self) -> None:
        self.reassessed += 1


@dataclass
class Site:
    """A policy service with the default policies."""

    pool: Pool
    clock: FixedClock = field(default_factory=FixedClock)
    effects: Effects = field(default_factory=Effects)

    def __post_init__(self) -> None:
        self.store = PolicyStore(pool=self.pool)
        clusters = ClusterStore(pool=self.pool, on_change=lambda: None)
        importer = Importer(store=self.store, clusters=clusters, clock=self.clock)
        self.service = PolicyService(
            store=self.store,
            importer=importer,
            effects=self.effects,
            dry_run=dry_run(self.pool, self.clock),
            search=FromSearch(clusters=clusters),
            clock=self.clock,
        )

    async def posted(self, name: str = "A policy of ours", **fields: Any) -> Policy:
        return await self.service.PostPolicy(Post(policy=policy(name, **fields)), CALL)

    async def imported(
        self, *policies: Policy, overwrite: bool = False
    ) -> policy_service_pb2.ImportPoliciesResponse:
        request = policy_service_pb2.ImportPoliciesRequest(policies=policies)
        request.metadata.overwrite = overwrite
        return await self.service.ImportPolicies(request, CALL)


def policy(name: str = "A policy of ours", **fields: Any) -> Policy:
    made = Policy(
        name=name,
        policy_version="1.1",
        lifecycle_stages=[LifecycleStage.DEPLOY, LifecycleStage.BUILD],
        severity=fields.pop("severity", Severity.LOW_SEVERITY),
        categories=["Zoo", "Anomalous Activity"],
        **fields,
    )
    made.policy_sections.add().policy_groups.add(field_name="Image Tag").values.add(value="latest")
    return made


@pytest.fixture
async def site(central_pool: Pool) -> Site:
    await central_pool.execute("TRUNCATE policies CASCADE")
    made = Site(central_pool)
    await made.store.ensure_defaults(load())
    return made


async def test_default_policies_are_there_once_and_keep_what_users_changed(site: Site) -> None:
    some = load()[0]
    await site.service.PatchPolicy(policy_service_pb2.PatchPolicyRequest(id=some.id, disabled=True), CALL)
    await site.store.ensure_defaults(load())
    assert len(await site.store.all_policies()) == 89
    assert (await site.service.GetPolicy(ById(id=some.id), CALL)).disabled
    assert site.effects.changed == [(some.id, True)]


async def test_posted_policy_is_stored_in_order_and_as_a_custom_one(site: Site) -> None:
    posted = await site.posted(is_default=True, criteria_locked=True, mitre_vectors_locked=True)
    stored = await site.service.GetPolicy(ById(id=posted.id), CALL)
    assert stored == posted
    assert (stored.is_default, stored.criteria_locked, stored.mitre_vectors_locked) == (False, False, False)
    assert list(stored.categories) == ["Anomalous Activity", "Zoo"]
    assert (stored.SORT_name, stored.SORT_lifecycleStage) == ("A policy of ours", "BUILD,DEPLOY")
    assert stored.last_updated.ToDatetime() == site.clock.moment.replace(tzinfo=None)
    assert site.effects.changed == [(posted.id, True)]


async def test_post_refuses_an_id_a_known_name_and_a_bad_policy(site: Site) -> None:
    await site.posted()
    with pytest.raises(AlreadyExists, match='policy with name "A policy of ours" already exists'):
        await site.posted()
    with pytest.raises(Invalid, match="Id field should be empty when posting a new policy"):
        await site.service.PostPolicy(Post(policy=policy("Another policy", id="x")), CALL)
    with pytest.raises(Invalid, match=r"^policy invalid error: policy must have a name"):
        await site.posted("four")
    with pytest.raises(Invalid, match="notifier nosuch does not exist"):
        await site.posted("Another policy", notifiers=["nosuch"])
    assert len(await site.store.all_policies()) == 90


async def test_put_replaces_and_keeps_what_makes_a_default(site: Site) -> None:
    default = await site.service.GetPolicy(ById(id=load()[0].id), CALL)
    default.severity, default.is_default = Severity.CRITICAL_SEVERITY, False
    await site.service.PutPolicy(default, CALL)
    stored = await site.service.GetPolicy(ById(id=default.id), CALL)
    assert (stored.severity, stored.is_default) == (Severity.CRITICAL_SEVERITY, True)
    for bad, message in (("", "id must be specified"), ("nosuch", "policy with ID 'nosuch' does not exist")):
        with pytest.raises((Invalid, NotFound), match=message):
            await site.service.PutPolicy(policy(id=bad), CALL)
    mine = await site.posted()
    mine.name = default.name
    with pytest.raises(AlreadyExists):
        await site.service.PutPolicy(mine, CALL)


async def test_every_default_policy_can_be_saved_as_it_is(site: Site) -> None:
    for default in load():
        await site.service.PutPolicy(default, CALL)
    assert site.effects.changed == [(default.id, True) for default in load()]


async def test_delete_is_for_custom_policies(site: Site) -> None:
    posted = await site.posted()
    await site.service.DeletePolicy(ById(id=posted.id), CALL)
    await site.service.DeletePolicy(ById(id=posted.id), CALL)
    assert site.effects.changed == [(posted.id, True), (posted.id, False)]
    with pytest.raises(NotFound, match=rf"^policy with ID '{posted.id}' does not exist: not found$"):
        await site.service.GetPolicy(ById(id=posted.id), CALL)
    with pytest.raises(Invalid, match="A default policy cannot be deleted"):
        await site.service.DeletePolicy(ById(id=load()[0].id), CALL)
    with pytest.raises(Invalid, match="A policy id must be specified to delete a Policy"):
        await site.service.DeletePolicy(ById(), CALL)


class ControllerGrants(FullGrants):
    """The rights of the config controller."""

    def role_names(self) -> frozenset[str]:
        return frozenset({"Configuration Controller"})


CONTROLLER = Call(method="/test", identity=Identity(uid="controller", grants=ControllerGrants()))


async def test_policy_of_a_resource_is_changed_by_its_controller_only(site: Site) -> None:
    posted = await site.service.PostPolicy(Post(policy=policy(source=DECLARATIVE)), CONTROLLER)
    assert posted.source == DECLARATIVE
    notify = policy_service_pb2.EnableDisablePolicyNotificationRequest(policy_id=posted.id, disable=True)
    for change in (
        site.service.PutPolicy(posted, CALL),
        site.service.PatchPolicy(policy_service_pb2.PatchPolicyRequest(id=posted.id, disabled=True), CALL),
        site.service.EnableDisablePolicyNotification(notify, CALL),
        site.service.DeletePolicy(ById(id=posted.id), CALL),
    ):
        with pytest.raises(NotAuthorized, match=r'policy "A policy of ours" is externally managed'):
            await change
    taken = await site.imported(policy(severity=Severity.HIGH_SEVERITY), overwrite=True)
    assert not taken.all_succeeded
    posted.severity = Severity.CRITICAL_SEVERITY
    await site.service.PutPolicy(posted, CONTROLLER)
    assert (await site.service.GetPolicy(ById(id=posted.id), CALL)).severity == Severity.CRITICAL_SEVERITY
    await site.service.DeletePolicy(ById(id=posted.id), CONTROLLER)
    assert await site.store.get(posted.id) is None


async def test_copy_of_a_resources_policy_is_the_users_own(site: Site) -> None:
    posted = await site.posted(source=DECLARATIVE)
    assert posted.source == IMPERATIVE
    posted.source = DECLARATIVE
    await site.service.PutPolicy(posted, CALL)
    assert (await site.service.GetPolicy(ById(id=posted.id), CALL)).source == IMPERATIVE
    taken = await site.imported(policy("Taken in", source=DECLARATIVE))
    assert taken.responses[0].policy.source == IMPERATIVE


async def test_list_shows_digests_by_name_searched_and_paged(site: Site) -> None:
    await site.posted("00 first of all")
    listed = await site.service.ListPolicies(search_service_pb2.RawQuery(), CALL)
    names = [one.name for one in listed.policies]
    assert (len(names), names[0], names == sorted(names)) == (90, "00 first of all", True)
    query = search_service_pb2.RawQuery(query="Severity:CRITICAL+Disabled:false")
    found = (await site.service.ListPolicies(query, CALL)).policies
    expected = {p.name for p in load() if p.severity == Severity.CRITICAL_SEVERITY and not p.disabled}
    assert {one.name for one in found} == expected
    page = search_service_pb2.RawQuery(pagination=pagination_pb2.Pagination(limit=2, offset=1))
    assert [one.name for one in (await site.service.ListPolicies(page, CALL)).policies] == names[1:3]
    assert all(not one.DESCRIPTOR.fields_by_name.get("policy_sections") for one in found)


async def test_categories_are_those_that_policies_have(site: Site) -> None:
    await site.posted()
    listed = await site.service.GetPolicyCategories(empty_pb2.Empty(), CALL)
    assert set(listed.categories) == {"Zoo"} | {name for one in load() for name in one.categories}
    assert list(listed.categories) == sorted(listed.categories)


async def test_reassess_judges_everything_again(site: Site) -> None:
    await site.service.ReassessPolicies(empty_pb2.Empty(), CALL)
    assert site.effects.reassessed == 1


async def test_export_is_what_an_import_takes(site: Site) -> None:
    posted = await site.posted()
    document = await site.service.ExportPolicies(
        policy_service_pb2.ExportPoliciesRequest(policy_ids=[posted.id, load()[0].id]), CALL
    )
    assert isinstance(document, ExportPoliciesResponse)
    assert [one.id for one in document.policies] == [posted.id, load()[0].id]
    for one in document.policies:
        assert (one.SORT_name, one.SORT_lifecycleStage, one.SORT_enforcement) == ("", "", False)
    await site.service.DeletePolicy(ById(id=posted.id), CALL)
    answer = await site.imported(document.policies[0])
    assert answer.all_succeeded
    (again,) = (one.policy for one in answer.responses)
    again.last_updated.CopyFrom(posted.last_updated)
    assert again == posted


@pytest.mark.parametrize(
    ("fields", "overwrite", "errors"),
    [
        ({"id": "old"}, False, ["duplicate_id"]),
        ({"name": "The old policy"}, False, ["duplicate_name"]),
        ({"id": "old", "name": "The old policy"}, False, ["duplicate_id", "duplicate_name"]),
        ({"id": "old"}, True, []),
        ({"id": "new", "name": "The old policy"}, True, []),
        ({"id": "old", "name": "The other one"}, True, []),
    ],
)
async def test_import_of_a_known_policy_needs_overwrite(
    site: Site, fields: dict[str, str], overwrite: bool, errors: list[str]
) -> None:
    await site.store.put(policy("The old policy", id="old"), policy("The other one", id="other"))
    answer = await site.imported(policy(**{"name": "Quite a new name", **fields}), overwrite=overwrite)
    (one,) = answer.responses
    assert [error.type for error in one.errors] == errors
    assert (one.succeeded, answer.all_succeeded) == (not errors, not errors)
    custom = {p.id: p.name for p in await site.store.all_policies() if not p.is_default}
    if errors:
        assert custom == {"old": "The old policy", "other": "The other one"}
        assert {error.duplicate_name for error in one.errors} == {"The old policy"}
    else:
        assert custom[one.policy.id] == one.policy.name
        taken = {"old", "other"} if fields.get("name") == "The other one" else {"old"}
        assert custom.keys() == {"old", "other"} - taken | {one.policy.id}


@pytest.mark.parametrize("overwrite", [False, True])
async def test_import_never_replaces_a_default_policy(site: Site, overwrite: bool) -> None:
    default = load()[0]
    by_id, by_name = policy("A name of its own", id=default.id), policy(default.name)
    answer = await site.imported(by_id, by_name, policy("Good all the same"), overwrite=overwrite)
    kinds = [[error.type for error in one.errors] for one in answer.responses]
    assert kinds == [["duplicate_system_policy_id"], ["duplicate_system_policy_name"], []]
    assert not answer.all_succeeded
    stored = await site.service.GetPolicy(ById(id=default.id), CALL)
    assert (stored.name, stored.is_default) == (default.name, True)
    assert [changed for _, changed in site.effects.changed] == [True]


async def test_import_takes_away_what_means_nothing_here(site: Site) -> None:
    given = policy("From another Central", notifiers=["theirs"], is_default=True)
    given.scope.add(cluster="their-cluster")
    given.scope.add(namespace="prod")
    given.exclusions.add().deployment.scope.cluster = "their-cluster"
    given.exclusions.add().deployment.name = "kept"
    answer = await site.imported(given)
    (one,) = answer.responses
    assert [(error.type, error.message) for error in one.errors] == [
        ("removed_clusters_or_notifiers", REMOVED_MESSAGE)
    ]
    assert answer.all_succeeded
    stored = await site.service.GetPolicy(ById(id=one.policy.id), CALL)
    assert [scope.namespace for scope in stored.scope] == ["prod"]
    assert [exclusion.deployment.name for exclusion in stored.exclusions] == ["kept"]
    assert (list(stored.notifiers), stored.is_default) == ([], False)


async def test_import_of_a_bad_policy_names_it_and_takes_the_others(site: Site) -> None:
    bad = policy("bad")
    answer = await site.imported(policy("Good all the same"), bad)
    # What is no valid policy is told first.
    first, second = answer.responses
    assert (first.succeeded, second.succeeded, answer.all_succeeded) == (False, True, False)
    assert first.errors[0].type == "invalid_policy"
    assert first.errors[0].validation_error == (
        "policy invalid error: policy must have a name between 5 and 128 characters long "
        "with no new lines or dollar signs"
    )
    assert first.policy == bad


async def test_import_that_cannot_be_stored_replaces_nothing(site: Site) -> None:
    await site.store.put(policy("The old policy", id="old"))
    answer = await site.imported(
        policy("The old policy", id="bad\0id"), policy("Good all the same"), overwrite=True
    )
    assert [one.succeeded for one in answer.responses] == [False, True]
    assert answer.responses[0].errors[0].type == "invalid_policy"
    custom = sorted(p.name for p in await site.store.all_policies() if not p.is_default)
    assert custom == ["Good all the same", "The old policy"]


async def test_mark_of_enforcement_stays_once_set(site: Site) -> None:
    made = policy(enforcement_actions=[EnforcementAction.FAIL_BUILD_ENFORCEMENT])
    posted = await site.service.PostPolicy(Post(policy=made), CALL)
    assert posted.SORT_enforcement
    posted.ClearField("enforcement_actions")
    await site.service.PutPolicy(posted, CALL)
    assert (await site.service.GetPolicy(ById(id=posted.id), CALL)).SORT_enforcement


async def test_every_replica_is_told_of_changes(site: Site) -> None:
    told: list[str] = []

    async def changed(payloads: Any) -> None:
        told.extend(payloads)

    listener = Listener(pool=site.pool, clock=site.clock, callbacks={CHANNEL: changed})
    ready = asyncio.Event()
    listening = asyncio.create_task(listener.run(ready.set))
    await asyncio.wait_for(ready.wait(), 10)
    posted = await site.posted()
    await until(lambda: any(posted.id in one for one in told))
    told.clear()
    await site.service.DeletePolicy(ById(id=posted.id), CALL)
    await until(lambda: any(posted.id in one for one in told))
    assert [one for one in told if posted.id in one]
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


class Slow:
    """The pool as a transaction that answers when the test lets it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.read = asyncio.Event()
        self.go_on = asyncio.Event()

    async def fetch(self, sql: str, *args: object) -> Any:
        rows = await self.pool.fetch(sql, *args)
        self.read.set()
        await self.go_on.wait()
        return rows


async def test_policy_made_while_the_active_ones_are_read_becomes_active(site: Site) -> None:
    slow = Slow(site.pool)
    reading = asyncio.create_task(site.store.active_ids(tx=slow))  # type: ignore[arg-type]  # reads only
    await slow.read.wait()
    posted = await site.posted()
    slow.go_on.set()
    await reading
    assert posted.id in await site.store.active_ids()
    await site.service.PatchPolicy(policy_service_pb2.PatchPolicyRequest(id=posted.id, disabled=True), CALL)
    assert posted.id not in await site.store.active_ids()


async def test_dry_run_reads_the_deployments_of_the_database(site: Site) -> None:
    await site.pool.execute("TRUNCATE deployments CASCADE")
    form = ListForm(ListDeployment, digest)
    deployments = ListedStore(pool=site.pool, table=tables.DEPLOYMENTS, list_form=form)
    for name in ("first", "second"):
        made = Deployment(id=str(uuid4()), name=name, cluster_id=str(uuid4()), namespace="shop")
        made.host_ipc = name == "first"
        await deployments.upsert(made)
    asked = policy()
    (group,) = asked.policy_sections[0].policy_groups
    group.field_name, group.values[0].value = "Host IPC", "true"
    asked.lifecycle_stages[:] = [LifecycleStage.DEPLOY]
    call = Call(method="/test", identity=Identity(uid="me", grants=FullGrants()))
    found = await site.service.DryRunPolicy(asked, call)
    assert [one.deployment for one in found.alerts] == ["first"]
    job = await site.service.SubmitDryRunPolicyJob(asked, call)

    while (status := await site.service.QueryDryRunJobStatus(job, call)).pending:  # noqa: ASYNC110 - clients poll
        await asyncio.sleep(0.005)
    assert status.result == found
    await site.service.CancelDryRunJob(job, call)
    with pytest.raises(NotFound):
        await site.service.QueryDryRunJobStatus(job, call)


async def test_dry_run_of_what_could_not_be_saved_is_refused(site: Site) -> None:
    call = Call(method="/test", identity=Identity(uid="me", grants=FullGrants()))
    for ask in (site.service.DryRunPolicy, site.service.SubmitDryRunPolicyJob):
        with pytest.raises(Invalid, match=r"^policy invalid error: policy must have a name between"):
            await ask(policy("bad"), call)
        with pytest.raises(
            Invalid, match=r"^Could not ensure policy format: invalid version: invalid arguments$"
        ):
            await ask(Policy(name="A good name", policy_version="7"), call)


async def test_export_names_every_policy_that_is_not_there(site: Site) -> None:
    posted = await site.posted()
    request = policy_service_pb2.ExportPoliciesRequest(policy_ids=["one", posted.id, "two"])
    with pytest.raises(Invalid) as refused:
        await site.service.ExportPolicies(request, CALL)
    assert refused.value.message == (
        "Some policies could not be retrieved. "
        "Check the error details for a list of policies that could not be found"
    )
    assert status_of(refused.value).body["details"] == [
        {
            "@type": "type.googleapis.com/v1.PolicyOperationErrorList",
            "errors": [
                {"policyId": "one", "error": {"error": "not found"}},
                {"policyId": "two", "error": {"error": "not found"}},
            ],
        }
    ]


async def test_policy_that_is_not_there_is_not_switched_off(site: Site) -> None:
    request = policy_service_pb2.PatchPolicyRequest(id="none", disabled=True)
    with pytest.raises(NotFound, match=r"^Policy with id 'none' not found: not found$"):
        await site.service.PatchPolicy(request, CALL)


async def test_notifiers_are_taken_from_a_policy_and_unknown_ones_not_added(site: Site) -> None:
    ask = policy_service_pb2.EnableDisablePolicyNotificationRequest
    posted = await site.posted()
    stored = await site.service.GetPolicy(ById(id=posted.id), CALL)
    stored.notifiers.extend(["a", "b"])
    await site.store.put(stored)
    await site.service.EnableDisablePolicyNotification(
        ask(policy_id=posted.id, notifier_ids=["b"], disable=True), CALL
    )
    await site.service.EnableDisablePolicyNotification(ask(policy_id=posted.id, notifier_ids=["a"]), CALL)
    assert (await site.service.GetPolicy(ById(id=posted.id), CALL)).notifiers == ["a"]
    with pytest.raises(Internal) as unknown:
        await site.service.EnableDisablePolicyNotification(
            ask(policy_id=posted.id, notifier_ids=["c", "a", "d"]), CALL
        )
    assert unknown.value.message == (
        "unable to use all requested notifiers errors: "
        "[notifier with id: c not found, notifier with id: d not found]"
    )
    for request, told in (
        (ask(), "Policy ID must be specified: invalid arguments"),
        (ask(policy_id=posted.id), "Notifier IDs must be specified: invalid arguments"),
        (ask(policy_id="none", notifier_ids=["a"]), 'Policy "none" not found: not found'),
    ):
        with pytest.raises((Invalid, NotFound)) as refused:
            await site.service.EnableDisablePolicyNotification(request, CALL)
        assert refused.value.message == told


async def test_attack_vectors_come_with_or_without_the_policy(site: Site) -> None:
    known = next(one for one in load() if one.name == "Shell Spawned by Java Application")
    ask = policy_service_pb2.GetPolicyMitreVectorsRequest
    whole = await site.service.GetPolicyMitreVectors(ask(id=known.id), CALL)
    assert whole.policy.name == known.name
    assert [vector.tactic.name for vector in whole.vectors] == ["Execution"]
    alone = await site.service.GetPolicyMitreVectors(
        ask(id=known.id, options=ask.Options(exclude_policy=True)), CALL
    )
    assert not alone.HasField("policy")
    assert alone.vectors == whole.vectors


async def test_search_becomes_a_policy_that_can_be_saved(site: Site) -> None:
    ask = policy_service_pb2.PolicyFromSearchRequest
    made = await site.service.PolicyFromSearch(ask(search_params="CVE:CVE-2021-44228"), CALL)
    policy = made.policy
    policy.name, policy.severity, policy.categories[:] = "Found", Severity.LOW_SEVERITY, ["Zoo"]
    posted = await site.service.PostPolicy(Post(policy=policy), CALL)
    assert posted.policy_sections == policy.policy_sections
    assert posted.lifecycle_stages == [LifecycleStage.BUILD, LifecycleStage.DEPLOY]
