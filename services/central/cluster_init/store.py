"""Metadata of init bundles and registration secrets in Central DB; keys are never stored."""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.errors import AlreadyExists
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
        self._bundles: ProtoStore[InitBundleMeta] = ProtoStore(pool=pool, table=tables.INIT_BUNDLES)
        self._clock = clock
        self._checked: dict[str, tuple[float, bool]] = {}

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
        """Write a new one. Raises `AlreadyExists` for a name that a valid one has."""
        if any(known.name == bundle.name for known in await self.valid(bundle.version)):
            raise AlreadyExists.because(f'an init bundle or CRS with name "{bundle.name}"')
        await self._bundles.upsert(bundle)

    async def revoke(self, bundle: InitBundleMeta) -> None:
        """End its validity at once."""
        bundle.is_revoked = True
        await self._bundles.upsert(bundle)
        self._checked.pop(bundle.id, None)

    async def bundle_revoked(self, bundle_id: str) -> bool:
        """Whether it was revoked or never existed here."""
        now = self._clock.monotonic()
        checked_at, revoked = self._checked.get(bundle_id, (float("-inf"), True))
        if now - checked_at < REMEMBERED_SECONDS:
            return revoked
        found = await self._bundles.get(bundle_id, scope=EVERYTHING)
        revoked = found is None or found.is_revoked
        if len(self._checked) >= _REMEMBERED_MAX:
            self._checked.clear()
        self._checked[bundle_id] = (now, revoked)
        return revoked
