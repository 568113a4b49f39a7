"""Authorisation of custom routes: the same identities and rules, plain-text refusals.

Route modules call `Guard.check` first. Upstream answers these routes in plain text
(`pkg/grpc/routes/errors.go`).
"""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import PlainTextResponse

from pyrox import log
from pyrox.errors import NoCredentials, RoxError
from pyrox.rpc.authn import Authenticator
from pyrox.rpc.authz import Rule
from pyrox.rpc.call import ANONYMOUS, Call, Identity
from pyrox.rpc.errors import plain_text, status_of
from pyrox.rpc.peers import peer_of

_LOG = log.get(__name__)


class Guard:
    """Knows who asks, and whether the rule lets them."""

    def __init__(self, *, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def check(self, request: Request, rule: Rule) -> Call:
        """The call of this request. Raises what the rule raises; see `refusal`."""
        identity = await self._identify(request)
        rule.check(identity if not identity.anonymous else ANONYMOUS)
        return Call(
            method=request.url.path,
            identity=identity,
            metadata=_metadata(request),
            peer=peer_of(request.scope).address,
        )

    async def identity(self, request: Request) -> Identity:
        """Who asks, for routes that everybody may call: bad credentials count as none."""
        try:
            return await self._identify(request)
        except NoCredentials as error:
            _LOG.debug("bad credentials ignored", path=request.url.path, error=error.message)
            return ANONYMOUS

    async def _identify(self, request: Request) -> Identity:
        if len(request.headers.getlist("authorization")) > 1:
            raise NoCredentials.of("more than one authorization header")
        return await self._authenticator.identify(_metadata(request), peer_of(request.scope).certificate)


def _metadata(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def refusal(error: RoxError) -> PlainTextResponse:
    """The answer for an error of a custom route."""
    status, text, headers = plain_text(status_of(error))
    return PlainTextResponse(text, status_code=status, headers=headers)
