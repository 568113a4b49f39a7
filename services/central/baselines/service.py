"""`v1.ProcessBaselineService`: baselines shown, edited, locked and emptied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from pyrox.errors import Invalid, NotFound
from pyrox.pb.api.v1 import process_baseline_service_pb2
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.process_baseline_pb2 import ProcessBaseline
from pyrox.policy.quoting import quote
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Access, Scope
from services.central.baselines import rules
from services.central.baselines.store import BaselineStore, Outcome

_RESOURCE = "DeploymentExtension"
_READ = Permissions(read=(_RESOURCE,))
_WRITE = Permissions(write=(_RESOURCE,))
_Updated = process_baseline_service_pb2.UpdateProcessBaselinesResponse
_Bulk = process_baseline_service_pb2.BulkProcessBaselinesRequest
_BulkDone = process_baseline_service_pb2.BulkUpdateProcessBaselinesResponse


class Deployments(Protocol):
    """The deployments that there are."""

    async def get(self, key: str, *, scope: Scope) -> Deployment | None:
        """One deployment, or None when it does not exist or lies outside the scope."""


class ProcessBaselineService:
    """`v1.ProcessBaselineService`."""

    SERVICE: ClassVar[str] = "v1.ProcessBaselineService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetProcessBaseline": _READ,
        "UpdateProcessBaselines": _WRITE,
        "LockProcessBaselines": _WRITE,
        "BulkLockProcessBaselines": _WRITE,
        "BulkUnlockProcessBaselines": _WRITE,
        "DeleteProcessBaselines": _WRITE,
    }

    def __init__(self, *, store: BaselineStore, deployments: Deployments) -> None:
        self._store = store
        self._deployments = deployments

    async def GetProcessBaseline(
        self, request: process_baseline_service_pb2.GetProcessBaselineRequest, call: Call
    ) -> ProcessBaseline:
        """The baseline of a container; a missing one is made of what was seen so far.

        It is kept when the caller may write, and otherwise only shown.
        """
        key = request.key
        if not (key.deployment_id and key.container_name and key.cluster_id and key.namespace):
            raise Invalid.because("invalid key: must specify both deployment id and container name")
        scope = call.scope(_RESOURCE)
        found = await self._store.get(key, scope=scope)
        if found is not None:
            return found
        deployment = await self._deployments.get(key.deployment_id, scope=scope)
        if deployment is None:
            raise NotFound.because(f"deployment with id '{quote(key.deployment_id)}' does not exist")
        if (deployment.cluster_id, deployment.namespace) != (key.cluster_id, key.namespace):
            raise NotFound.because(f"No process baseline with key {rules.key_text(key)} found")
        may_write = call.scope(_RESOURCE, Access.READ_WRITE_ACCESS).allows(key.cluster_id, key.namespace)
        return await self._store.create(key, store=may_write)

    async def UpdateProcessBaselines(
        self, request: process_baseline_service_pb2.UpdateProcessBaselinesRequest, call: Call
    ) -> _Updated:
        """Add and remove executables of some baselines."""
        outcome = await self._store.edit(
            request.keys,
            rules.checked_names(item.process_name for item in request.add_elements),
            rules.checked_names(item.process_name for item in request.remove_elements),
            scope=call.scope(_RESOURCE, Access.READ_WRITE_ACCESS),
        )
        return _answer(outcome)

    async def LockProcessBaselines(
        self, request: process_baseline_service_pb2.LockProcessBaselinesRequest, call: Call
    ) -> _Updated:
        """Lock some baselines, or unlock them."""
        scope = call.scope(_RESOURCE, Access.READ_WRITE_ACCESS)
        return _answer(await self._store.lock(request.keys, locked=request.locked, scope=scope))

    async def BulkLockProcessBaselines(self, request: _Bulk, call: Call) -> _BulkDone:
        """Lock all baselines of a cluster, or of some of its namespaces."""
        return await self._bulk(request, call, locked=True)

    async def BulkUnlockProcessBaselines(self, request: _Bulk, call: Call) -> _BulkDone:
        """Unlock them."""
        return await self._bulk(request, call, locked=False)

    async def DeleteProcessBaselines(
        self, request: process_baseline_service_pb2.DeleteProcessBaselinesRequest, call: Call
    ) -> process_baseline_service_pb2.DeleteProcessBaselinesResponse:
        """Let all that match learn anew; without `confirm` only say how many there are."""
        if not request.query:
            raise Invalid.because("query string must be nonempty")
        scope = call.scope(_RESOURCE, Access.READ_WRITE_ACCESS)
        work = self._store.clear if request.confirm else self._store.count
        return process_baseline_service_pb2.DeleteProcessBaselinesResponse(
            num_deleted=await work(request.query, scope=scope), dry_run=not request.confirm
        )

    async def _bulk(self, request: _Bulk, call: Call, *, locked: bool) -> _BulkDone:
        if not request.cluster_id:
            raise Invalid.because("no cluster ID specified")
        scope = call.scope(_RESOURCE, Access.READ_WRITE_ACCESS)
        keys = await self._store.keys_in(request.cluster_id, request.namespaces, scope=scope)
        await self._store.lock(keys, locked=locked, scope=scope)
        return _BulkDone(success=True)


def _answer(outcome: Outcome) -> _Updated:
    answer = _Updated(baselines=outcome.changed)
    for key, error in outcome.failed:
        answer.errors.add(error=error, key=key)
    return answer
