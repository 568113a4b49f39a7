"""The controller's side of Central: its login, what it knows by name, its policy API.

The only place that knows the RPCs. What Central lists is kept for some minutes, as upstream
does (config-controller/pkg/client/client.go, whose texts the errors have), and forgotten
when a call fails. It must not know resources.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, TypeVar

import grpc

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import (
    AlreadyExists,
    Invalid,
    NoCredentials,
    NotAuthorized,
    NotFound,
    RoxError,
    Unavailable,
    Unimplemented,
)
from pyrox.pb.api.v1.auth_service_pb2 import ExchangeAuthMachineToMachineTokenRequest
from pyrox.pb.api.v1.auth_service_pb2_grpc import AuthServiceStub
from pyrox.pb.api.v1.cluster_service_pb2 import GetClustersRequest
from pyrox.pb.api.v1.cluster_service_pb2_grpc import ClustersServiceStub
from pyrox.pb.api.v1.common_pb2 import ResourceByID
from pyrox.pb.api.v1.notifier_service_pb2 import GetNotifiersRequest
from pyrox.pb.api.v1.notifier_service_pb2_grpc import NotifierServiceStub
from pyrox.pb.api.v1.pagination_pb2 import Pagination
from pyrox.pb.api.v1.policy_service_pb2 import PostPolicyRequest
from pyrox.pb.api.v1.policy_service_pb2_grpc import PolicyServiceStub
from pyrox.pb.api.v1.search_service_pb2 import RawQuery
from pyrox.pb.storage.policy_pb2 import ListPolicy, Policy
from pyrox.policy.resource import Names
from pyrox.rpc.client import Channels, our_side_may_close

_LOG = log.get(__name__)
T = TypeVar("T")
_SECONDS = 30.0
# Upstream: a token is exchanged anew after a minute, lists are read again after five and never
# more often than once a second.
_TOKEN_SECONDS, _LIST_SECONDS, _LEAST_SECONDS = 60.0, 300.0, 1.0
# The most that Central answers at once (upstream central/policy: maxPoliciesReturned).
_PAGE = 1000
_MOST_POLICIES = 100_000

_CLASSES: dict[grpc.StatusCode, type[RoxError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: Invalid,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.PERMISSION_DENIED: NotAuthorized,
    grpc.StatusCode.UNAUTHENTICATED: NoCredentials,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
}


class Central:
    """Central as the controller may use it."""

    def __init__(self, *, channels: Channels, token: Path, clock: Clock) -> None:
        """`token` is the file with the token of the pod's account."""
        self._channels = channels
        self._token = token
        self._clock = clock
        self._header = ""
        self._exchanged_at = self._listed_at = float("-inf")
        self._policies: dict[str, ListPolicy] = {}
        self.names = Names()
        """Ids of notifiers and clusters, as of the last `refresh`."""

    async def refresh(self) -> None:
        """Log in and list what Central has, if that is too long ago."""
        await self._log_in()
        if self._clock.monotonic() - self._listed_at > _LIST_SECONDS:
            await self._list()

    def forget(self) -> None:
        """Perhaps the lists are out of date: the next `refresh` reads them again."""
        if self._clock.monotonic() - self._listed_at >= _LEAST_SECONDS:
            self._listed_at = float("-inf")

    def named(self, name: str) -> ListPolicy | None:
        """The policy of that name, as of the last `refresh` and of what was written since."""
        return self._policies.get(name)

    async def get(self, policy_id: str) -> Policy | None:
        """The policy as Central has it now; None when it has none of that id."""
        request = ResourceByID(id=policy_id)
        try:
            return await self._ask(
                (await self._policy_service()).GetPolicy(request, **self._call()),
                f"Failed to fetch policy {policy_id}",
            )
        except NotFound:
            return None

    async def create(self, policy: Policy) -> Policy:
        """Add a policy; the answer has its id."""
        _LOG.info("creating policy", policy=policy.name)
        request = PostPolicyRequest(policy=policy, enable_strict_validation=True)
        # Upstream's text names the answer, which is empty when the call fails.
        made: Policy = await self._ask(
            (await self._policy_service()).PostPolicy(request, **self._call()),
            f"Failed to POST policy '{policy.name}': Failed to create policy \"\"",
        )
        self._remember(made)
        return made

    async def update(self, policy: Policy) -> None:
        """Replace the policy of that id."""
        _LOG.info("updating policy", policy=policy.name, id=policy.id)
        await self._ask(
            (await self._policy_service()).PutPolicy(policy, **self._call()),
            f'Failed to PUT policy: Failed to update policy "{policy.name}"',
        )
        self._remember(policy)

    async def delete(self, policy: Policy) -> None:
        """Remove the policy."""
        _LOG.info("deleting policy", policy=policy.name, id=policy.id)
        await self._ask(
            (await self._policy_service()).DeletePolicy(ResourceByID(id=policy.id), **self._call()),
            f'Failed to DELETE policy "{policy.name}" in central: Failed to delete policy: {policy.id}',
        )
        self._drop(policy.id)

    async def _log_in(self) -> None:
        if self._clock.monotonic() - self._exchanged_at <= _TOKEN_SECONDS:
            return
        try:
            token = self._token.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"error reading service account token file: {error}") from error
        stub: Any = AuthServiceStub(await self._channels.channel())
        request = ExchangeAuthMachineToMachineTokenRequest(id_token=token)
        answer = await self._ask(
            stub.ExchangeAuthMachineToMachineToken(request, timeout=_SECONDS), "Failed to exchange token"
        )
        self._header = f"Bearer {answer.access_token}"
        self._exchanged_at = self._clock.monotonic()

    async def _list(self) -> None:
        policies = {found.name: found async for found in self._all_policies()}
        notifiers = await self._notifiers()
        stub: Any = ClustersServiceStub(await self._channels.channel())
        answer = await self._ask(
            stub.GetClusters(GetClustersRequest(), **self._call()),
            "Failed to list clusters: Failed to list clusters from grpc client",
        )
        self._policies = policies
        self.names = Names(notifiers, {found.name: found.id for found in answer.clusters})
        self._listed_at = self._clock.monotonic()

    async def _all_policies(self) -> AsyncIterator[ListPolicy]:
        stub = await self._policy_service()
        for offset in range(0, _MOST_POLICIES, _PAGE):
            query = RawQuery(pagination=Pagination(limit=_PAGE, offset=offset))
            answer = await self._ask(
                stub.ListPolicies(query, **self._call()),
                "Failed to list policies: Failed to list policies from grpc client",
            )
            for found in answer.policies:
                yield found
            if len(answer.policies) < _PAGE:
                return

    async def _notifiers(self) -> dict[str, str]:
        stub: Any = NotifierServiceStub(await self._channels.channel())
        try:
            answer = await self._ask(
                stub.GetNotifiers(GetNotifiersRequest(), **self._call()),
                "Failed to list notifiers: Failed to list notifiers from grpc client",
            )
        except Unimplemented:
            # A Central without notifiers has none that a policy could name.
            return {}
        return {found.name: found.id for found in answer.notifiers}

    def _remember(self, policy: Policy) -> None:
        self._drop(policy.id)
        self._policies[policy.name] = ListPolicy(id=policy.id, name=policy.name, source=policy.source)

    def _drop(self, policy_id: str) -> None:
        self._policies = {name: one for name, one in self._policies.items() if one.id != policy_id}

    async def _policy_service(self) -> Any:
        return PolicyServiceStub(await self._channels.channel())

    def _call(self) -> dict[str, Any]:
        return {"timeout": _SECONDS, "metadata": (("authorization", self._header),)}

    async def _ask(self, call: Awaitable[T], what: str) -> T:
        try:
            with our_side_may_close("Central"):
                return await call
        except grpc.aio.AioRpcError as error:
            code = error.code()
            if code is grpc.StatusCode.UNAUTHENTICATED:
                self._exchanged_at = float("-inf")
            text = f"{what}: rpc error: code = {_go_name(code)} desc = {error.details()}"
            raise _CLASSES.get(code, Unavailable)(text) from error


def _go_name(code: grpc.StatusCode) -> str:
    """The code as Go prints it: `InvalidArgument`, `Canceled`."""
    name = "".join(part.capitalize() for part in code.name.split("_"))
    return "Canceled" if code is grpc.StatusCode.CANCELLED else name
