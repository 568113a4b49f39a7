"""Metadata of init bundles and registration secrets in Central DB; keys are never stored."""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.errors import AlreadyExists, Exhausted, NotAuthorized
from pyrox.pb.storage.cluster_init_pb2 import InitBundleMeta
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.store import ProtoStore

Kind = InitBundleMeta.InitBundleVersion
# A revocation on another replica is seen after this many seconds at the latest.
REMEMBERED_SECONDS = 5.0
_REMEMBERED_MAX = 10_000


class BundleStore:
    """Bundles and registration secrets, and whether one is revoked."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._bundles: ProtoStore[InitBundleMeta] = ProtoStore(pool=pool, table=tables.INIT_BUNDLES)
        self._clock = clock
        self._checked: dict[str, tuple[float, bool]] = {}
        self._writes = 0

    async def valid(self, kind: Kind.ValueType) -> list[InitBundleMeta]:
        """Those of one kind that are not revoked, by name."""
        found = await self._bundles.find(scope=EVERYTHING)
        return sorted(
            (b for b in found if b.version == kind and not b.is_revoked), key=lambda b: (b.name, b.id)
        )

    async def get(self, bundle_id: str, kind: Kind.ValueType) -> InitBundleMeta | None:
        """One of this kind that is not revoked."""
        found = await self._bundles.get(bundle_id, scope=EVERYTHING)
        return found if found is not None and found.version == kind and not found.is_revoked else None

    async def add(self, bundle: InitBundleMeta) -> None:
        """Write a new one. Raises `AlreadyExists` for a name that a valid one of either kind has."""
        async with self._pool.transaction() as tx:
            await tx.execute("LOCK TABLE cluster_init_bundles IN SHARE ROW EXCLUSIVE MODE")
            known = await self._bundles.find(scope=EVERYTHING, tx=tx)
            if any(other.name == bundle.name and not other.is_revoked for other in known):
                raise AlreadyExists.because(f'an init bundle or CRS with name "{bundle.name}"')
            await self._bundles.upsert(bundle, tx=tx)

    async def revoke(self, bundle_id: str) -> None:
        """End its validity at once."""
        async with self._pool.transaction() as tx:
            for bundle in (await self._bundles.lock_many([bundle_id], tx=tx)).values():
                bundle.is_revoked = True
                await self._bundles.upsert(bundle, tx=tx)
        self._forget(bundle_id)

    async def begin_registration(self, secret_id: str, cluster_name: str) -> None:
        """Count a cluster that registers with a secret; one that asks again counts once.

        Raises `NotAuthorized` for a revoked secret, `Exhausted` when it has no place left.
        """
        async with self._pool.transaction() as tx:
            secret = (await self._bundles.lock_many([secret_id], tx=tx)).get(secret_id)
            if secret is None or secret.is_revoked:
                raise NotAuthorized.of(f'CRS "{secret_id}" is revoked')
            # Upstream counts only where there is a limit, so that no row grows without end.
            if not secret.max_registrations or cluster_name in secret.registrations_initiated:
                return
            if len(secret.registrations_initiated) + len(secret.registrations_completed) >= (
                secret.max_registrations
            ):
                raise Exhausted("maximum number of allowed cluster registrations reached")
            secret.registrations_initiated.append(cluster_name)
            await self._bundles.upsert(secret, tx=tx)

    async def complete_registration(self, secret_id: str, cluster_name: str) -> None:
        """Note that the cluster connected with its own certificates; a used-up secret is revoked."""
        async with self._pool.transaction() as tx:
            secret = (await self._bundles.lock_many([secret_id], tx=tx)).get(secret_id)
            if secret is None or cluster_name not in secret.registrations_initiated:
                return
            secret.registrations_initiated.remove(cluster_name)
            secret.registrations_completed.append(cluster_name)
            full = len(secret.registrations_completed) >= secret.max_registrations
            secret.is_revoked |= full and not secret.registrations_initiated
            await self._bundles.upsert(secret, tx=tx)
        self._forget(secret_id)

    async def bundle_revoked(self, bundle_id: str) -> bool:
        """Whether it was revoked or never existed here."""
        now = self._clock.monotonic()
        checked_at, revoked = self._checked.get(bundle_id, (float("-inf"), True))
        if now - checked_at < REMEMBERED_SECONDS:
            return revoked
        writes = self._writes
        found = await self._bundles.get(bundle_id, scope=EVERYTHING)
        revoked = found is None or found.is_revoked
        if len(self._checked) >= _REMEMBERED_MAX:
            self._checked.clear()
        # What was read before a write must not outlive it.
        if writes == self._writes:
            self._checked[bundle_id] = (now, revoked)
        return revoked

    def _forget(self, bundle_id: str) -> None:
        self._writes += 1
        self._checked.pop(bundle_id, None)
