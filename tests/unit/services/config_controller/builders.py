"""A Central and an API server in memory, as far as the controller uses them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from pyrox.errors import Invalid, NotFound, RoxError, Unavailable
from pyrox.k8s.errors import Conflict
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, ListPolicy, Policy
from pyrox.policy.resource import Names

PATH = "/apis/config.stackrox.io/v1alpha1/namespaces/stackrox/securitypolicies"


class FakeCentral:
    """Policies by id; what was asked of it; how it fails."""

    def __init__(self) -> None:
        self.names = Names(clusters={"prod": "id-of-prod"})
        self.policies: dict[str, Policy] = {}
        self.calls: list[str] = []
        self.failures: dict[str, RoxError] = {}
        self.forgotten = 0
        self.stale: set[str] = set()
        """Names that the lists do not show although Central has them."""

    def add(self, name: str, **fields: Any) -> Policy:
        policy = Policy(id=f"id-{len(self.policies)}", name=name, **fields)
        self.policies[policy.id] = policy
        return policy

    async def refresh(self) -> None:
        self._call("refresh")

    def forget(self) -> None:
        self.forgotten += 1

    def named(self, name: str) -> ListPolicy | None:
        for one in self.policies.values():
            if one.name == name and name not in self.stale:
                return ListPolicy(id=one.id, name=name, is_default=one.is_default, source=one.source)
        return None

    async def get(self, policy_id: str) -> Policy | None:
        found = self.policies.get(policy_id)
        return None if found is None else copy.deepcopy(found)

    async def create(self, policy: Policy) -> Policy:
        self._call(f"create {policy.name}")
        assert not policy.id
        made = copy.deepcopy(policy)
        made.id = f"id-{len(self.policies)}"
        self.policies[made.id] = made
        return copy.deepcopy(made)

    async def update(self, policy: Policy) -> None:
        self._call(f"update {policy.name}")
        self.policies[policy.id] = copy.deepcopy(policy)

    async def delete(self, policy: Policy) -> None:
        self._call(f"delete {policy.name}")
        del self.policies[policy.id]

    @property
    def writes(self) -> list[str]:
        """Calls that change something, in order."""
        return [call for call in self.calls if call != "refresh"]

    def _call(self, what: str) -> None:
        self.calls.append(what)
        if failure := self.failures.get(what.split(" ", maxsplit=1)[0]):
            raise failure


class FakeApi:
    """Resources by name, with versions, patches and finalizers as the API server has them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.patches: list[dict[str, Any]] = []
        self._version = 0

    def add(self, name: str, spec: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
        self._version += 1
        made: dict[str, Any] = {
            "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1, **metadata},
            "spec": {"policyName": name, **spec},
        }
        made["metadata"]["resourceVersion"] = str(self._version)
        self.objects[name] = made
        return made

    async def get(self, path: str) -> dict[str, Any]:
        return copy.deepcopy(self._found(path))

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        found = self._found(path.removesuffix("/status"))
        metadata = body["metadata"]
        if metadata["resourceVersion"] != found["metadata"]["resourceVersion"]:
            raise Conflict
        self.patches.append(copy.deepcopy(body))
        self._version += 1
        if path.endswith("/status"):
            found["status"] = {**found.get("status", {}), **copy.deepcopy(body["status"])}
        else:
            found["metadata"]["finalizers"] = list(metadata["finalizers"])
        found["metadata"]["resourceVersion"] = str(self._version)
        if found["metadata"].get("deletionTimestamp") and not found["metadata"].get("finalizers"):
            del self.objects[found["metadata"]["name"]]
        return copy.deepcopy(found)

    def _found(self, path: str) -> dict[str, Any]:
        name = path.removeprefix(f"{PATH}/")
        if name not in self.objects:
            raise NotFound(path)
        return self.objects[name]


def refused() -> Invalid:
    return Invalid("policy invalid error")


def away() -> Unavailable:
    return Unavailable("Central is away")


class Channel:
    """A gRPC channel that answers by functions, one a method."""

    def __init__(self, methods: Mapping[str, Callable[[Any, Mapping[str, str]], Any]]) -> None:
        self._methods = methods
        self.asked: list[str] = []

    def unary_unary(self, path: str, **_: Any) -> Callable[..., Any]:
        async def call(request: Any, *, timeout: float, metadata: Any = ()) -> Any:  # noqa: ASYNC109 - gRPC's form
            assert timeout > 0
            self.asked.append(path.rpartition("/")[2])
            return self._methods[self.asked[-1]](request, dict(metadata))

        return call


DECLARED = {"source": DECLARATIVE}
