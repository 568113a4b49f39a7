"""`v1.NetworkPolicyService`: network policies as they are; graphs and changes are not served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pyrox.errors import Invalid, NotFound
from pyrox.pb.api.v1 import common_pb2, network_policy_service_pb2
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.rpc.authz import UNSERVED, Permissions, Rule
from pyrox.rpc.call import Call
from services.central.network_policies.store import NetworkPolicyStore
from services.central.network_policies.yaml import render

_READ = Permissions(read=("NetworkPolicy",))
_UNSERVED = (
    "GetNetworkGraph",
    "GetNetworkGraphEpoch",
    "ApplyNetworkPolicy",
    "GetUndoModification",
    "SimulateNetworkGraph",
    "SendNetworkPolicyYAML",
    "GenerateNetworkPolicies",
    "GetBaselineGeneratedNetworkPolicyForDeployment",
    "GetAllowedPeersFromCurrentPolicyForDeployment",
    "ApplyNetworkPolicyYamlForDeployment",
    "GetUndoModificationForDeployment",
    "GetDiffFlowsBetweenPolicyAndBaselineForDeployment",
    "GetDiffFlowsFromUndoModificationForDeployment",
)


class NetworkPolicyService:
    """`v1.NetworkPolicyService`."""

    SERVICE: ClassVar[str] = "v1.NetworkPolicyService"
    AUTHZ: ClassVar[Mapping[str, Rule]] = {
        "GetNetworkPolicy": _READ,
        "GetNetworkPolicies": _READ,
        **dict.fromkeys(_UNSERVED, UNSERVED),
    }

    def __init__(self, *, store: NetworkPolicyStore) -> None:
        self._store = store

    async def GetNetworkPolicy(self, request: common_pb2.ResourceByID, call: Call) -> NetworkPolicy:
        """One network policy with its manifest."""
        found = await self._store.get(request.id, scope=call.scope("NetworkPolicy"))
        if found is None:
            raise NotFound.because(f"network policy with id '{request.id}' does not exist")
        found.yaml = render(found)
        return found

    async def GetNetworkPolicies(
        self, request: network_policy_service_pb2.GetNetworkPoliciesRequest, call: Call
    ) -> network_policy_service_pb2.NetworkPoliciesResponse:
        """The network policies of a cluster or a namespace, each with its manifest."""
        if request.deployment_query:
            raise Invalid.because("deployment_query is not served; ask by cluster_id and namespace")
        found = await self._store.of_place(
            request.cluster_id, request.namespace, scope=call.scope("NetworkPolicy")
        )
        for policy in found:
            policy.yaml = render(policy)
        return network_policy_service_pb2.NetworkPoliciesResponse(network_policies=found)
