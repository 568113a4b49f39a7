"""Metadata of API tokens in Central DB; the tokens themselves are never stored."""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.pb.storage.api_token_pb2 import TokenMetadata
from pyrox.pg.pool import Pool
from pyrox.rpc.scope import EVERYTHING
from services.central.db import tables
from services.central.db.store import ProtoStore

# A revocation on another replica is seen after this many seconds at the latest.
REMEMBERED_SECONDS = 5.0
_REMEMBERED_MAX = 10_000


class TokenStore:
    """API token metadata, and whether a token still counts."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._tokens: ProtoStore[TokenMetadata] = ProtoStore(pool=pool, table=tables.API_TOKENS)
        self._clock = clock
        self._checked: dict[str, tuple[float, bool]] = {}
        self._writes = 0

    async def get(self, token_id: str) -> TokenMetadata | None:
        """One token's metadata."""
        return await self._tokens.get(token_id, scope=EVERYTHING)

    async def newest_first(self) -> list[TokenMetadata]:
        """All tokens, revoked ones included, the newest first."""
        found = await self._tokens.find(scope=EVERYTHING)
        return sorted(found, key=lambda token: (-token.issued_at.ToNanoseconds(), token.id))

    async def put(self, token: TokenMetadata) -> None:
        """Write one token's metadata."""
        await self._tokens.upsert(token)
        self._writes += 1
        self._checked.pop(token.id, None)

    async def token_revoked(self, token_id: str) -> bool:
        """Whether the token was revoked or never existed here."""
        now = self._clock.monotonic()
        checked_at, revoked = self._checked.get(token_id, (float("-inf"), True))
        if now - checked_at < REMEMBERED_SECONDS:
            return revoked
        writes = self._writes
        found = await self.get(token_id)
        revoked = found is None or found.revoked
        if len(self._checked) >= _REMEMBERED_MAX:
            self._checked.clear()
        # What was read before a write must not outlive it.
        if writes == self._writes:
            self._checked[token_id] = (now, revoked)
        return revoked
