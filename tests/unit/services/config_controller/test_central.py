from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import grpc
import pytest

from pyrox.errors import (
    AlreadyExists,
    Invalid,
    NoCredentials,
    NotAuthorized,
    NotFound,
    RoxError,
    Unavailable,
)
from pyrox.pb.api.v1.auth_service_pb2 import ExchangeAuthMachineToMachineTokenResponse
from pyrox.pb.api.v1.cluster_service_pb2 import ClustersList
from pyrox.pb.api.v1.notifier_service_pb2 import GetNotifiersResponse
from pyrox.pb.api.v1.policy_service_pb2 import ListPoliciesResponse
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.notifier_pb2 import Notifier
from pyrox.pb.storage.policy_pb2 import ListPolicy, Policy
from pyrox.rpc.client import Channels
from services.config_controller.central import Central
from tests.support.pki import FixedClock
from tests.unit.services.config_controller.builders import Channel

Metadata = Mapping[str, str]


def failure(code: grpc.StatusCode, text: str = "no") -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), text, None)


class Site:
    """A Central that answers by what the test changes here."""

    def __init__(self, directory: Path) -> None:
        self.clock = FixedClock()
        self.token = directory / "token"
        self.token.write_text("first\n")
        self.policies = [ListPolicy(id="p", name="N", is_default=True)]
        self.exchanged: list[str] = []
        self.headers: list[Metadata] = []
        self.errors: dict[str, grpc.aio.AioRpcError] = {}
        self.channel_ = Channel({name: self._answer(name) for name in ANSWERS})
        self.central = Central(channels=cast("Channels", self), token=self.token, clock=self.clock)

    async def channel(self) -> Channel:
        return self.channel_

    @property
    def asked(self) -> list[str]:
        return self.channel_.asked

    def _answer(self, name: str) -> Any:
        def answer(request: Any, metadata: Metadata) -> Any:
            self.headers.append(metadata)
            if error := self.errors.get(name):
                raise error
            return ANSWERS[name](self, request)

        return answer

    def exchange(self, request: Any) -> ExchangeAuthMachineToMachineTokenResponse:
        self.exchanged.append(request.id_token)
        return ExchangeAuthMachineToMachineTokenResponse(access_token=f"ours-{len(self.exchanged)}")

    def page(self, request: Any) -> ListPoliciesResponse:
        begin, size = request.pagination.offset, request.pagination.limit
        return ListPoliciesResponse(policies=self.policies[begin : begin + size])


ANSWERS: dict[str, Any] = {
    "ExchangeAuthMachineToMachineToken": Site.exchange,
    "ListPolicies": Site.page,
    "GetNotifiers": lambda _, __: GetNotifiersResponse(notifiers=[Notifier(id="n", name="mail")]),
    "GetClusters": lambda _, __: ClustersList(clusters=[Cluster(id="c", name="prod")]),
    "GetPolicy": lambda _, request: Policy(id=request.id),
    "PostPolicy": lambda _, request: Policy(id="new", name=request.policy.name),
    "PutPolicy": lambda _, __: None,
    "DeletePolicy": lambda _, __: None,
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_refresh_logs_in_and_learns_names(site: Site) -> None:
    await site.central.refresh()
    assert site.exchanged == ["first"]
    assert (site.central.names.notifiers, site.central.names.clusters) == ({"mail": "n"}, {"prod": "c"})
    found = site.central.named("N")
    assert found is not None
    assert found.is_default
    assert site.headers[-1] == {"authorization": "Bearer ours-1"}
    assert site.central.named("M") is None


async def test_token_is_exchanged_again_after_a_minute_and_lists_read_after_five(site: Site) -> None:
    await site.central.refresh()
    await site.central.refresh()
    assert len(site.asked) == 4
    site.token.write_text("second")
    await site.clock.sleep(61)
    await site.central.refresh()
    assert (site.exchanged, site.asked.count("ListPolicies")) == (["first", "second"], 1)
    await site.clock.sleep(300)
    await site.central.refresh()
    assert site.asked.count("ListPolicies") == 2


async def test_forgotten_lists_are_read_anew_but_not_twice_a_second(site: Site) -> None:
    await site.central.refresh()
    site.central.forget()
    await site.central.refresh()
    assert site.asked.count("ListPolicies") == 1
    await site.clock.sleep(1)
    site.central.forget()
    await site.central.refresh()
    assert site.asked.count("ListPolicies") == 2


async def test_all_pages_of_policies_are_read(site: Site) -> None:
    site.policies = [ListPolicy(id=str(number), name=f"N{number}") for number in range(2001)]
    await site.central.refresh()
    found = site.central.named("N2000")
    assert found is not None
    assert (found.id, site.asked.count("ListPolicies")) == ("2000", 3)


async def test_central_without_notifiers_has_none(site: Site) -> None:
    site.errors["GetNotifiers"] = failure(grpc.StatusCode.UNIMPLEMENTED)
    await site.central.refresh()
    assert site.central.names.notifiers == {}


async def test_names_follow_what_is_written(site: Site) -> None:
    await site.central.refresh()
    made = await site.central.create(Policy(name="A"))
    await site.central.update(Policy(id=made.id, name="B"))
    assert site.central.named("A") is None
    found = site.central.named("B")
    assert found is not None
    assert found.id == "new"
    await site.central.delete(Policy(id=made.id, name="B"))
    assert site.central.named("B") is None


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "InvalidArgument", Invalid),
        (grpc.StatusCode.ALREADY_EXISTS, "AlreadyExists", AlreadyExists),
        (grpc.StatusCode.NOT_FOUND, "NotFound", NotFound),
        (grpc.StatusCode.PERMISSION_DENIED, "PermissionDenied", NotAuthorized),
        (grpc.StatusCode.UNAUTHENTICATED, "Unauthenticated", NoCredentials),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DeadlineExceeded", Unavailable),
        (grpc.StatusCode.CANCELLED, "Canceled", Unavailable),
    ],
)
async def test_error_has_upstreams_words(
    site: Site, code: grpc.StatusCode, name: str, kind: type[RoxError]
) -> None:
    site.errors = {method: failure(code) for method in ("PostPolicy", "PutPolicy", "DeletePolicy")}
    policy = Policy(id="p", name="N")
    with pytest.raises(kind) as post:
        await site.central.create(policy)
    with pytest.raises(kind) as put:
        await site.central.update(policy)
    with pytest.raises(kind) as delete:
        await site.central.delete(policy)
    end = f": rpc error: code = {name} desc = no"
    assert [error.value.message for error in (post, put, delete)] == [
        f"Failed to POST policy 'N': Failed to create policy \"\"{end}",
        f'Failed to PUT policy: Failed to update policy "N"{end}',
        f'Failed to DELETE policy "N" in central: Failed to delete policy: p{end}',
    ]


async def test_policy_that_is_not_there_is_none(site: Site) -> None:
    found = await site.central.get("p")
    assert found is not None
    assert found.id == "p"
    site.errors["GetPolicy"] = failure(grpc.StatusCode.NOT_FOUND)
    assert await site.central.get("p") is None


async def test_call_without_credentials_makes_the_next_refresh_log_in(site: Site) -> None:
    await site.central.refresh()
    site.errors["GetPolicy"] = failure(grpc.StatusCode.UNAUTHENTICATED)
    with pytest.raises(NoCredentials):
        await site.central.get("p")
    await site.central.refresh()
    assert len(site.exchanged) == 2


async def test_token_that_cannot_be_read_or_exchanged_is_said(site: Site) -> None:
    site.errors["ExchangeAuthMachineToMachineToken"] = failure(grpc.StatusCode.UNAUTHENTICATED, "bad token")
    with pytest.raises(NoCredentials, match=r"Failed to exchange token: .* desc = bad token"):
        await site.central.refresh()
    site.token.unlink()
    with pytest.raises(Unavailable, match="error reading service account token file"):
        await site.central.refresh()
