"""Policies in Central DB: whole for engines and Sensors, as digests for lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pyrox.errors import AlreadyExists
from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.storage.policy_pb2 import LifecycleStage, ListPolicy, Policy
from pyrox.pg.notify import post
from pyrox.pg.pool import Database, Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.paging import page_of
from services.central.db.query import Query
from services.central.db.store import ListedStore, ListForm

# Upstream central/policy: the most that one list shows.
LIST_LIMIT = 1000
CHANNEL = "policies"
"""The notice that tells every replica that policies changed."""


def digest(policy: Policy) -> ListPolicy:
    """The list form of a policy."""
    listed = ListPolicy(
        id=policy.id,
        name=policy.name,
        description=policy.description,
        severity=policy.severity,
        disabled=policy.disabled,
        lifecycle_stages=policy.lifecycle_stages,
        notifiers=policy.notifiers,
        event_source=policy.event_source,
        is_default=policy.is_default,
        source=policy.source,
    )
    if policy.HasField("last_updated"):
        listed.last_updated.CopyFrom(policy.last_updated)
    if policy.HasField("evaluation_filter"):
        listed.evaluation_filter.CopyFrom(policy.evaluation_filter)
    return listed


def fill_sort_fields(policy: Policy) -> None:
    """Bring lists into their order, and set the fields that only exist so that policies can be sorted."""
    policy.categories[:] = sorted(policy.categories)
    policy.SORT_name = policy.name
    stages = sorted(policy.lifecycle_stages, key=LifecycleStage.Name)
    policy.lifecycle_stages[:] = stages
    policy.SORT_lifecycleStage = ",".join(LifecycleStage.Name(stage) for stage in stages)
    # Upstream never takes the mark back once a policy had an action.
    policy.SORT_enforcement = policy.SORT_enforcement or bool(policy.enforcement_actions)


class PolicyStore:
    """Policies are global: whoever may read them sees all of them."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._policies = ListedStore(pool=pool, table=tables.POLICIES, list_form=ListForm(ListPolicy, digest))
        self._active: frozenset[str] | None = None
        self._generation = 0

    async def ensure_defaults(self, defaults: Sequence[Policy]) -> None:
        """Add default policies that are missing; those that exist keep what users changed."""
        known = set(await self._policies.keys(scope=EVERYTHING))
        missing = [policy for policy in defaults if policy.id not in known]
        for policy in missing:
            fill_sort_fields(policy)
        await self._policies.upsert_many(missing)

    async def get(self, policy_id: str) -> Policy | None:
        """One policy."""
        return await self._policies.get(policy_id, scope=EVERYTHING)

    async def by_name(self, name: str) -> Policy | None:
        """The policy of that exact name."""
        return await self._policies.first(Query.exact("Policy", name), scope=EVERYTHING)

    async def digests(self, text: str, pagination: Pagination) -> list[ListPolicy]:
        """The page of a list, by name unless it says otherwise."""
        page = page_of(pagination, limit=LIST_LIMIT, default_sort=("Policy", False))
        return await self._policies.digests(Query.parse(text), scope=EVERYTHING, page=page)

    async def all_policies(self) -> list[Policy]:
        """Every policy, disabled ones included, by name."""
        return sorted(await self._policies.find(scope=EVERYTHING), key=lambda policy: policy.name)

    async def categories(self) -> list[str]:
        """All categories that policies have, by name."""
        rows = await self._policies.values(["Category"], scope=EVERYTHING)
        return sorted({str(row[0]) for row in rows if row[0]})

    async def active_ids(self, *, tx: Database | None = None) -> frozenset[str]:
        """Ids of the policies that exist and are enabled; remembered until `forget`."""
        if self._active is not None:
            return self._active
        generation = self._generation
        found = await self._policies.find(Query.match("Disabled", "false"), scope=EVERYTHING, tx=tx)
        active = frozenset(policy.id for policy in found)
        if generation == self._generation:
            self._active = active
        return active

    def forget(self) -> None:
        """Policies changed, here or on another replica."""
        self._generation += 1
        self._active = None

    async def put(self, *policies: Policy, replacing: Collection[str] = ()) -> None:
        """Write policies in the place of others, all or nothing, and tell all replicas.

        Raises `AlreadyExists` for a name that another has.
        """
        for policy in policies:
            other = await self.by_name(policy.name)
            if other is not None and other.id != policy.id and other.id not in replacing:
                raise AlreadyExists.because(f'policy with name "{policy.name}" already exists')
            fill_sort_fields(policy)
        async with self._pool.transaction() as tx:
            await self._policies.delete(*replacing, tx=tx)
            await self._policies.upsert_many(policies, tx=tx)
            await post(tx, CHANNEL, sorted({*replacing, *(policy.id for policy in policies)}))
        self.forget()

    async def delete(self, *policy_ids: str) -> None:
        """Remove policies and tell all replicas."""
        async with self._pool.transaction() as tx:
            await self._policies.delete(*policy_ids, tx=tx)
            await post(tx, CHANNEL, policy_ids)
        self.forget()
