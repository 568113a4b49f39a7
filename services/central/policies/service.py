"""`v1.PolicyService`: the policies of this installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol
from uuid import uuid4

from pyrox.clock import Clock
from pyrox.errors import Internal, Invalid, NotFound
from pyrox.pb.api.v1 import common_pb2, empty_pb2, policy_service_pb2, search_service_pb2
from pyrox.pb.storage.policy_pb2 import ExportPoliciesResponse, Policy
from pyrox.policy.errors import error_list
from pyrox.policy.quoting import quote
from pyrox.policy.validate import ValidateOptions
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.policies.dryjobs import DryRunJobs
from services.central.policies.exchange import INVALID, Importer, export
from services.central.policies.from_search import FromSearch
from services.central.policies.managed import refuse_others, set_source
from services.central.policies.mitre import mitre_vectors
from services.central.policies.rules import check
from services.central.policies.store import PolicyStore

_READ = Permissions(read=("WorkflowAdministration",))
_WRITE = Permissions(write=("WorkflowAdministration",))
_SAVING = ValidateOptions(refuse_from=True)
_NOT_RETRIEVED = (
    "Some policies could not be retrieved. "
    "Check the error details for a list of policies that could not be found"
)


class Effects(Protocol):
    """What changed policies mean beyond the database."""

    async def policy_changed(self, policy: Policy | None, policy_id: str) -> None:
        """A policy was written, or removed when it is None."""

    async def reassess(self) -> None:
        """Judge everything again."""


class DryRuns(Protocol):
    """Evaluates a policy without storing anything."""

    async def run(self, policy: Policy, call: Call, found: policy_service_pb2.DryRunResponse) -> None:
        """Add what the policy finds."""


class PolicyService:
    """`v1.PolicyService`."""

    SERVICE: ClassVar[str] = "v1.PolicyService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetPolicy": _READ,
        "GetPolicyMitreVectors": _READ,
        "ListPolicies": _READ,
        "PostPolicy": _WRITE,
        "PutPolicy": _WRITE,
        "PatchPolicy": _WRITE,
        "DeletePolicy": _WRITE,
        "EnableDisablePolicyNotification": _WRITE,
        "ReassessPolicies": _READ,
        "DryRunPolicy": _WRITE,
        "SubmitDryRunPolicyJob": _WRITE,
        "QueryDryRunJobStatus": _READ,
        "CancelDryRunJob": _WRITE,
        "GetPolicyCategories": _READ,
        "ExportPolicies": _READ,
        "PolicyFromSearch": _READ,
        "ImportPolicies": _WRITE,
    }

    def __init__(
        self,
        *,
        store: PolicyStore,
        importer: Importer,
        effects: Effects,
        dry_run: DryRuns,
        search: FromSearch,
        clock: Clock,
    ) -> None:
        self._store = store
        self._importer = importer
        self._effects = effects
        self._dry_run = dry_run
        self._jobs = DryRunJobs()
        self._search = search
        self._clock = clock

    async def GetPolicy(self, request: common_pb2.ResourceByID, _: Call) -> Policy:
        """One policy."""
        return await self._known(request.id)

    async def GetPolicyMitreVectors(
        self, request: policy_service_pb2.GetPolicyMitreVectorsRequest, _: Call
    ) -> policy_service_pb2.GetPolicyMitreVectorsResponse:
        """The policy's attack vectors with names and descriptions."""
        policy = await self._known(request.id)
        vectors = mitre_vectors(policy)
        return policy_service_pb2.GetPolicyMitreVectorsResponse(
            policy=None if request.options.exclude_policy else policy, vectors=vectors
        )

    async def ListPolicies(
        self, request: search_service_pb2.RawQuery, _: Call
    ) -> policy_service_pb2.ListPoliciesResponse:
        """A page of policies."""
        found = await self._store.digests(request.query, request.pagination)
        return policy_service_pb2.ListPoliciesResponse(policies=found)

    async def GetPolicyCategories(
        self, _: empty_pb2.Empty, __: Call
    ) -> policy_service_pb2.PolicyCategoriesResponse:
        """All categories that policies have, by name."""
        return policy_service_pb2.PolicyCategoriesResponse(categories=await self._store.categories())

    async def PostPolicy(self, request: policy_service_pb2.PostPolicyRequest, call: Call) -> Policy:
        """Add a policy under a new id."""
        policy = Policy()
        policy.CopyFrom(request.policy)
        if policy.id:
            raise Invalid.because("Id field should be empty when posting a new policy")
        strict = ValidateOptions(strict_environment=request.enable_strict_validation, refuse_from=True)
        check(policy, options=strict, notifiers=())
        policy.id = str(uuid4())
        policy.is_default = policy.criteria_locked = policy.mitre_vectors_locked = False
        set_source(policy, call)
        await self._write(policy)
        return policy

    async def PutPolicy(self, request: Policy, call: Call) -> empty_pb2.Empty:
        """Replace a policy."""
        if not request.id:
            raise Invalid.because("id must be specified")
        known = await self._known(request.id)
        refuse_others(known, call)
        check(request, options=_SAVING, notifiers=known.notifiers)
        request.is_default = known.is_default
        set_source(request, call)
        await self._write(request)
        return empty_pb2.Empty()

    async def PatchPolicy(
        self, request: policy_service_pb2.PatchPolicyRequest, call: Call
    ) -> empty_pb2.Empty:
        """Switch a policy on or off."""
        policy = await self._store.get(request.id)
        if policy is None:
            raise NotFound.because(f"Policy with id '{request.id}' not found")
        refuse_others(policy, call)
        if request.WhichOneof("set_disabled"):
            policy.disabled = request.disabled
        await self._write(policy)
        return empty_pb2.Empty()

    async def EnableDisablePolicyNotification(
        self, request: policy_service_pb2.EnableDisablePolicyNotificationRequest, call: Call
    ) -> empty_pb2.Empty:
        """Add notifiers to a policy or take them away."""
        if not request.policy_id:
            raise Invalid.because("Policy ID must be specified")
        if not request.disable and not request.notifier_ids:
            raise Invalid.because("Notifier IDs must be specified")
        policy = await self._store.get(request.policy_id)
        if policy is None:
            raise NotFound.because(f"Policy {quote(request.policy_id)} not found")
        refuse_others(policy, call)
        asked = set(request.notifier_ids)
        if request.disable:
            if not policy.notifiers:
                return empty_pb2.Empty()
            policy.notifiers[:] = [one for one in policy.notifiers if one not in asked]
        await self._write(policy)
        # This Central holds no notifiers, so only those of the policy itself can be meant.
        unknown = [one for one in request.notifier_ids if one not in policy.notifiers]
        if unknown and not request.disable:
            problems = [f"notifier with id: {one} not found" for one in unknown]
            raise Internal(error_list("unable to use all requested notifiers", problems))
        return empty_pb2.Empty()

    async def DryRunPolicy(self, request: Policy, call: Call) -> policy_service_pb2.DryRunResponse:
        """What the policy would find on the deployments that the caller may see."""
        await self._check_dry(request)
        found = policy_service_pb2.DryRunResponse()
        await self._dry_run.run(request, call, found)
        return found

    async def SubmitDryRunPolicyJob(self, request: Policy, call: Call) -> policy_service_pb2.JobId:
        """Begin a dry run whose result is asked for later."""
        await self._check_dry(request)
        job_id = self._jobs.start(call, lambda found: self._dry_run.run(request, call, found))
        return policy_service_pb2.JobId(job_id=job_id)

    async def QueryDryRunJobStatus(
        self, request: policy_service_pb2.JobId, call: Call
    ) -> policy_service_pb2.DryRunJobStatusResponse:
        """Whether the dry run still goes on, and what it found so far."""
        return await self._jobs.status(request.job_id, call)

    async def CancelDryRunJob(self, request: policy_service_pb2.JobId, call: Call) -> empty_pb2.Empty:
        """End a dry run."""
        await self._jobs.cancel(request.job_id, call)
        return empty_pb2.Empty()

    async def DeletePolicy(self, request: common_pb2.ResourceByID, call: Call) -> empty_pb2.Empty:
        """Remove a policy; removing one that does not exist is no error."""
        if not request.id:
            raise Invalid.because("A policy id must be specified to delete a Policy")
        known = await self._store.get(request.id)
        if known is None:
            return empty_pb2.Empty()
        if known.is_default:
            raise Invalid.because(
                "A default policy cannot be deleted. (You can disable a default policy, but not delete it.)"
            )
        refuse_others(known, call)
        await self._store.delete(request.id)
        await self._effects.policy_changed(None, request.id)
        return empty_pb2.Empty()

    async def ReassessPolicies(self, _: empty_pb2.Empty, __: Call) -> empty_pb2.Empty:
        """Judge all deployments again, with images fetched anew."""
        await self._effects.reassess()
        return empty_pb2.Empty()

    async def ExportPolicies(
        self, request: policy_service_pb2.ExportPoliciesRequest, _: Call
    ) -> ExportPoliciesResponse:
        """The named policies as a document that another Central takes."""
        found = [(policy_id, await self._store.get(policy_id)) for policy_id in request.policy_ids]
        missing = [policy_id for policy_id, policy in found if policy is None]
        if missing:
            raise Invalid(_NOT_RETRIEVED, details=[_not_found(missing)])
        return export([policy for _id, policy in found if policy is not None])

    async def PolicyFromSearch(
        self, request: policy_service_pb2.PolicyFromSearchRequest, call: Call
    ) -> policy_service_pb2.PolicyFromSearchResponse:
        """A policy that reports what a search finds; not stored."""
        return await self._search.policy(request.search_params, call)

    async def ImportPolicies(
        self, request: policy_service_pb2.ImportPoliciesRequest, _: Call
    ) -> policy_service_pb2.ImportPoliciesResponse:
        """Take policies of a document in, each by itself."""
        answer = policy_service_pb2.ImportPoliciesResponse(all_succeeded=True)
        for policy in request.policies:
            taken = await self._importer.take(policy, overwrite=request.metadata.overwrite)
            answer.responses.append(taken)
            answer.all_succeeded = answer.all_succeeded and taken.succeeded
            if taken.succeeded:
                await self._effects.policy_changed(taken.policy, taken.policy.id)
        # As upstream: what is no valid policy is told first.
        answer.responses.sort(key=lambda taken: not any(error.type == INVALID for error in taken.errors))
        return answer

    async def _known(self, policy_id: str) -> Policy:
        found = await self._store.get(policy_id)
        if found is None:
            raise NotFound.because(f"policy with ID '{policy_id}' does not exist")
        return found

    async def _check_dry(self, policy: Policy) -> None:
        """Refuse what could not be saved, as upstream does; FROM in a Dockerfile line passes."""
        known = await self._store.get(policy.id) if policy.id else None
        check(policy, options=ValidateOptions(), notifiers=known.notifiers if known is not None else ())

    async def _write(self, policy: Policy) -> None:
        policy.last_updated.FromDatetime(self._clock.now())
        await self._store.put(policy)
        await self._effects.policy_changed(policy, policy.id)


def _not_found(policy_ids: Sequence[str]) -> policy_service_pb2.PolicyOperationErrorList:
    errors = [
        policy_service_pb2.PolicyOperationError(
            policy_id=one, error=policy_service_pb2.PolicyError(error="not found")
        )
        for one in policy_ids
    ]
    return policy_service_pb2.PolicyOperationErrorList(errors=errors)
