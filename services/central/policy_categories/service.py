"""`v1.PolicyCategoryService`: the names under which policies are grouped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar
from uuid import uuid4

from pyrox.errors import Internal, Invalid, NotFound
from pyrox.pb.api.v1 import common_pb2, empty_pb2, policy_category_service_pb2, search_service_pb2
from pyrox.pb.storage.policy_category_pb2 import PolicyCategory
from pyrox.rpc.authz import Permissions, Rule
from pyrox.rpc.call import Call
from services.central.policies.store import PolicyStore
from services.central.policy_categories.store import CategoryStore

_READ = Permissions(read=("WorkflowAdministration",))
_WRITE = Permissions(write=("WorkflowAdministration",))
# Upstream central/policycategory/service.
_NAME = re.compile(r"[^\n\r$]{5,128}")
_BAD_NAME = (
    "policy category must have a name between 5 and 128 characters long with no new lines or dollar signs"
)


class PolicyCategoryService:
    """`v1.PolicyCategoryService`."""

    SERVICE: ClassVar[str] = "v1.PolicyCategoryService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetPolicyCategory": _READ,
        "GetPolicyCategories": _READ,
        "PostPolicyCategory": _WRITE,
        "RenamePolicyCategory": _WRITE,
        "DeletePolicyCategory": _WRITE,
    }

    def __init__(
        self, *, store: CategoryStore, policies: PolicyStore, new_id: Callable[[], object] = uuid4
    ) -> None:
        self._store = store
        self._policies = policies
        self._new_id = new_id

    async def GetPolicyCategory(
        self, request: common_pb2.ResourceByID, call: Call
    ) -> policy_category_service_pb2.PolicyCategory:
        """One category."""
        if not request.id:
            raise Invalid.because("Policy category ID must be provided")
        found = await self._store.get(request.id, scope=call.scope("WorkflowAdministration"))
        if found is None:
            raise NotFound.because(f"policy with ID '\"{request.id}\"' does not exist")
        return _shown(found)

    async def GetPolicyCategories(
        self, request: search_service_pb2.RawQuery, call: Call
    ) -> policy_category_service_pb2.GetPolicyCategoriesResponse:
        """Categories by name."""
        scope = call.scope("WorkflowAdministration")
        found = await self._store.find(request.query, request.pagination, scope=scope)
        return policy_category_service_pb2.GetPolicyCategoriesResponse(
            categories=[_shown(category) for category in found]
        )

    async def PostPolicyCategory(
        self, request: policy_category_service_pb2.PostPolicyCategoryRequest, _: Call
    ) -> policy_category_service_pb2.PolicyCategory:
        """Add a category."""
        if not request.HasField("policyCategory"):
            raise Internal("empty request, policy category not specified")
        name = _checked(request.policyCategory.name)
        category = PolicyCategory(id=str(self._new_id()), name=name)
        await self._store.put(category)
        return _shown(category)

    async def RenamePolicyCategory(
        self, request: policy_category_service_pb2.RenamePolicyCategoryRequest, call: Call
    ) -> policy_category_service_pb2.PolicyCategory:
        """Rename a category, also in the policies that have it; default ones keep their names."""
        name = _checked(request.new_category_name)
        category = await self._changeable(request.id, call)
        old, category.name = category.name, name
        await self._store.put(category)
        await self._rewrite_policies(old, name)
        return _shown(category)

    async def DeletePolicyCategory(
        self, request: policy_category_service_pb2.DeletePolicyCategoryRequest, call: Call
    ) -> empty_pb2.Empty:
        """Remove a category, also from the policies that have it; default ones stay."""
        category = await self._changeable(request.id, call)
        await self._store.delete(category.id)
        await self._rewrite_policies(category.name, "")
        return empty_pb2.Empty()

    async def _changeable(self, category_id: str, call: Call) -> PolicyCategory:
        found = await self._store.get(category_id, scope=call.scope("WorkflowAdministration"))
        if found is None:
            raise NotFound.because(f"policy category with id '{category_id}' does not exist")
        if found.isDefault:
            raise Invalid.because(f"policy category {category_id} is a default category, cannot be changed")
        return found

    async def _rewrite_policies(self, old: str, new: str) -> None:
        """Replace the name in all policies that have it; the empty name removes it."""
        changed = [policy for policy in await self._policies.all_policies() if old in policy.categories]
        for policy in changed:
            kept = [new if name == old else name for name in policy.categories]
            policy.categories[:] = [name for name in dict.fromkeys(kept) if name]
        if changed:
            await self._policies.put(*changed)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid.because(_BAD_NAME)
    return name


def _shown(category: PolicyCategory) -> policy_category_service_pb2.PolicyCategory:
    return policy_category_service_pb2.PolicyCategory(
        id=category.id, name=category.name, isDefault=category.isDefault
    )
