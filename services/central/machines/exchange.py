"""The exchange: a foreign ID token for one of Central's own, and that one's roles later on.

Called by `v1.AuthService` and, for foreign tokens on any call, by the authenticator.
"""

from __future__ import annotations

from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import NoCredentials, NotFound
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from services.central.access.authenticator import NO_ROLE
from services.central.access.jwt import Claims, TokenIssuer
from services.central.machines.claims import Attributes, machine_of, roles_of
from services.central.machines.issuers import Issuers, issuer_of
from services.central.machines.rules import lifetime
from services.central.machines.store import MachineStore


class Exchange:
    """Knows which issuers are trusted with which roles."""

    def __init__(self, *, store: MachineStore, issuers: Issuers, tokens: TokenIssuer, clock: Clock) -> None:
        self._store = store
        self._issuers = issuers
        self._tokens = tokens
        self._clock = clock

    async def exchange(self, token: str) -> str:
        """A token of Central's. Raises `Invalid`, `NotFound` for the issuer, `NoCredentials`."""
        issuer = issuer_of(token)
        config = await self._store.of_issuer(issuer)
        if config is None:
            raise NotFound.because(f'no auth machine to machine config for issuer "{issuer}"')
        return self._tokens.sign(await self._claims(token, config))

    async def claims(self, token: str) -> Claims | None:
        """What an exchange would give; None when the token's issuer is not configured."""
        config = await self._store.of_issuer(issuer_of(token))
        return None if config is None else await self._claims(token, config)

    async def roles(self, source: str, attributes: Attributes) -> frozenset[str] | None:
        """The roles of a token that an exchange gave; None when its configuration is gone."""
        config = await self._store.of_source(source)
        return None if config is None else roles_of(config.mappings, attributes)

    async def _claims(self, token: str, config: AuthMachineToMachineConfig) -> Claims:
        verified = await self._issuers.verify(token, issuer=config.issuer, audience=config.audience)
        machine = machine_of(config.type, verified)
        if not roles_of(config.mappings, machine.attributes):
            raise NoCredentials(f"resolving roles for id token: {NO_ROLE}")
        issued = self._clock.now().replace(microsecond=0)
        return Claims(
            source=config.id,
            id=str(uuid4()),
            issued=issued,
            expires=issued + lifetime(config),
            name=machine.user_id,
            user_id=machine.user_id,
            full_name=machine.full_name,
            attributes=machine.attributes,
        )
