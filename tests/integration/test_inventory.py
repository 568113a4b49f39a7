"""What Sensors reported, as users read it: through the servicers, on a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from google.protobuf.message import Message

from pyrox.clock import SystemClock
from pyrox.errors import AlreadyExists, Invalid, NotFound
from pyrox.pb.api.v1 import (
    common_pb2,
    deployment_service_pb2,
    empty_pb2,
    namespace_service_pb2,
    network_policy_service_pb2,
    node_service_pb2,
    pagination_pb2,
    pod_service_pb2,
    policy_category_service_pb2,
    process_service_pb2,
    search_service_pb2,
    vuln_mgmt_service_pb2,
)
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.pb.storage.process_baseline_pb2 import (
    ContainerNameAndBaselineStatus,
    ProcessBaseline,
    ProcessBaselineResults,
)
from pyrox.pb.storage.rbac_pb2 import K8sRole, K8sRoleBinding, SubjectKind
from pyrox.pg.pool import Pool
from pyrox.policy.defaults import load_categories
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.methods import Servicer
from pyrox.rpc.scope import FullGrants
from services.central.baselines.store import BaselineStore
from services.central.db import tables
from services.central.db.store import ProtoStore
from services.central.policies.store import PolicyStore
from services.central.policy_categories.service import PolicyCategoryService
from services.central.policy_categories.store import CategoryStore
from services.central.readers import read_servicers
from tests.support.fleet import BLUE, RED, Fleet

pytestmark = pytest.mark.needs("postgres")
ADMIN = Call(method="/test", identity=Identity(uid="admin", grants=FullGrants()))
NOWHERE = "00000000-0000-4000-8000-000000000000"
RawQuery = search_service_pb2.RawQuery
ById = common_pb2.ResourceByID


@pytest.fixture
async def site(central_pool: Pool) -> dict[str, Servicer]:
    """The servicers over a fleet, by service."""
    fleet = Fleet(central_pool)
    await fleet.clear()
    await fleet.write()
    clock = SystemClock()
    baselines = BaselineStore(pool=central_pool, clock=clock, learning=timedelta(hours=1))
    return {servicer.SERVICE: servicer for servicer in read_servicers(central_pool, clock, baselines)}


async def ask(site: dict[str, Servicer], method: str, request: Message) -> object:
    service, _, name = method.partition("/")
    return await getattr(site[service], name)(request, ADMIN)


async def export(site: dict[str, Servicer], method: str, request: Message) -> list[object]:
    service, _, name = method.partition("/")
    return [one async for one in getattr(site[service], name)(request, ADMIN)]


async def test_deployments_are_listed_counted_and_shown(site: dict[str, Servicer]) -> None:
    listed = await ask(site, "v1.DeploymentService/ListDeployments", RawQuery(query="Cluster:alpha"))
    assert isinstance(listed, deployment_service_pb2.ListDeploymentsResponse)
    assert sorted(one.name for one in listed.deployments) == ["blue-web", "red-web"]
    counted = await ask(site, "v1.DeploymentService/CountDeployments", RawQuery())
    assert counted == deployment_service_pb2.CountDeploymentsResponse(count=3)
    shown = await ask(site, "v1.DeploymentService/GetDeployment", ById(id=RED.id("deployment")))
    assert shown.containers[0].image.id == RED.digest  # type: ignore[attr-defined]  # a deployment
    with pytest.raises(NotFound, match=rf"^deployment with id '{NOWHERE}' does not exist: not found$"):
        await ask(site, "v1.DeploymentService/GetDeployment", ById(id=NOWHERE))


async def test_deployments_are_sorted_and_paged(site: dict[str, Servicer]) -> None:
    sort = pagination_pb2.SortOption(field="Deployment", reversed=True)
    page = pagination_pb2.Pagination(limit=2, offset=1, sort_option=sort)
    listed = await ask(site, "v1.DeploymentService/ListDeployments", RawQuery(pagination=page))
    assert isinstance(listed, deployment_service_pb2.ListDeploymentsResponse)
    assert [one.name for one in listed.deployments] == ["green-web", "blue-web"]


async def test_labels_have_all_values_sorted(site: dict[str, Servicer]) -> None:
    labels = await ask(site, "v1.DeploymentService/GetLabels", empty_pb2.Empty())
    assert isinstance(labels, deployment_service_pb2.DeploymentLabelsResponse)
    assert list(labels.labels["team"].values) == ["blue", "green", "red"]
    assert list(labels.values) == ["blue", "green", "red"]


def baseline(container: str, *, locked: bool) -> ProcessBaseline:
    made = ProcessBaseline(id=f"b-{container}")
    made.key.deployment_id, made.key.container_name = RED.id("deployment"), container
    made.key.cluster_id, made.key.namespace = RED.cluster_id, RED.name
    made.elements.add().element.process_name = "/bin/expected"
    if locked:
        made.user_locked_timestamp.GetCurrentTime()
        made.user_locked_timestamp.seconds -= 60
    return made


async def test_process_baselines_stand_beside_deployments(
    site: dict[str, Servicer], central_pool: Pool
) -> None:
    store = ProtoStore(pool=central_pool, table=tables.PROCESS_BASELINES)
    await store.upsert_many([baseline("red-container", locked=True), baseline("other", locked=False)])
    status = ContainerNameAndBaselineStatus
    results = ProcessBaselineResults(
        deployment_id=RED.id("deployment"), cluster_id=RED.cluster_id, namespace=RED.name
    )
    results.baseline_statuses.add(
        container_name="red-container", baseline_status=status.LOCKED, anomalous_processes_executed=True
    )
    await ProtoStore(pool=central_pool, table=tables.PROCESS_BASELINE_RESULTS).upsert(results)
    answer = await ask(
        site, "v1.DeploymentService/ListDeploymentsWithProcessInfo", RawQuery(query="Namespace:red")
    )
    assert isinstance(answer, deployment_service_pb2.ListDeploymentsWithProcessInfoResponse)
    assert list(answer.deployments[0].baseline_statuses) == list(results.baseline_statuses)
    request = process_service_pb2.GetProcessesByDeploymentRequest(deployment_id=RED.id("deployment"))
    grouped = await ask(site, "v1.ProcessService/GetGroupedProcessByDeploymentAndContainer", request)
    assert isinstance(grouped, process_service_pb2.GetGroupedProcessesWithContainerResponse)
    assert [(g.name, g.container_name, g.suspicious) for g in grouped.groups] == [
        ("/bin/red-tool", "red-container", True)
    ]


async def test_processes_of_a_deployment_need_its_id(site: dict[str, Servicer]) -> None:
    request = process_service_pb2.GetProcessesByDeploymentRequest(deployment_id=RED.id("deployment"))
    found = await ask(site, "v1.ProcessService/GetProcessesByDeployment", request)
    assert [one.signal.name for one in found.processes] == ["red-tool"]  # type: ignore[attr-defined]
    grouped = await ask(site, "v1.ProcessService/GetGroupedProcessByDeployment", request)
    assert grouped.groups[0].times_executed == 1  # type: ignore[attr-defined]  # one container
    with pytest.raises(Invalid, match=r"^Deployment ID must be specified when retrieving processes"):
        await ask(
            site,
            "v1.ProcessService/GetProcessesByDeployment",
            process_service_pb2.GetProcessesByDeploymentRequest(),
        )


async def test_namespaces_know_what_they_hold(site: dict[str, Servicer]) -> None:
    request = namespace_service_pb2.GetNamespaceRequest(query=RawQuery(query="Cluster:alpha"))
    answer = await ask(site, "v1.NamespaceService/GetNamespaces", request)
    assert isinstance(answer, namespace_service_pb2.GetNamespacesResponse)
    held = [
        (n.metadata.name, n.num_deployments, n.num_secrets, n.num_network_policies) for n in answer.namespaces
    ]
    assert held == [("blue", 1, 1, 1), ("red", 1, 1, 1)]
    one = await ask(site, "v1.NamespaceService/GetNamespace", ById(id=RED.id("namespace")))
    assert one.num_deployments == 1  # type: ignore[attr-defined]  # a namespace
    with pytest.raises(Invalid, match=rf"^Namespace '{NOWHERE}' not found: invalid arguments$"):
        await ask(site, "v1.NamespaceService/GetNamespace", ById(id=NOWHERE))
    with pytest.raises(Invalid, match="ID cannot be empty"):
        await ask(site, "v1.NamespaceService/GetNamespace", ById())


async def test_node_is_found_in_its_cluster_only(site: dict[str, Servicer]) -> None:
    listed = await ask(
        site, "v1.NodeService/ListNodes", node_service_pb2.ListNodesRequest(cluster_id=RED.cluster_id)
    )
    assert isinstance(listed, node_service_pb2.ListNodesResponse)
    (node,) = listed.nodes
    request = node_service_pb2.GetNodeRequest(cluster_id=RED.cluster_id, node_id=node.id)
    assert await ask(site, "v1.NodeService/GetNode", request) == node
    request.cluster_id = NOWHERE
    with pytest.raises(NotFound, match=rf'^node "{node.id}" in cluster "{NOWHERE}" does not exist'):
        await ask(site, "v1.NodeService/GetNode", request)


async def test_secret_names_the_deployments_that_mount_it(site: dict[str, Servicer]) -> None:
    secret = await ask(site, "v1.SecretService/GetSecret", ById(id=RED.id("secret")))
    users = secret.relationship.deployment_relationships  # type: ignore[attr-defined]  # a secret
    assert [(one.id, one.name) for one in users] == [(RED.id("deployment"), "red-web")]
    listed = await ask(site, "v1.SecretService/ListSecrets", RawQuery(query="Secret:red"))
    assert [one.name for one in listed.secrets] == ["red-secret"]  # type: ignore[attr-defined]  # a list


async def test_service_account_has_cluster_and_namespace_roles(
    site: dict[str, Servicer], central_pool: Pool
) -> None:
    admin = K8sRole(id=NOWHERE, name="admin", cluster_role=True, cluster_id=RED.cluster_id)
    binding = K8sRoleBinding(
        id=NOWHERE, name="wide", cluster_role=True, cluster_id=RED.cluster_id, role_id=NOWHERE
    )
    binding.subjects.add(kind=SubjectKind.SERVICE_ACCOUNT, name="red-account", namespace="red")
    # Of the same name in another namespace: somebody else.
    binding.subjects.add(kind=SubjectKind.SERVICE_ACCOUNT, name="blue-account", namespace="elsewhere")
    await ProtoStore(pool=central_pool, table=tables.K8S_ROLES).upsert(admin)
    await ProtoStore(pool=central_pool, table=tables.ROLE_BINDINGS).upsert(binding)
    answer = await ask(site, "v1.ServiceAccountService/GetServiceAccount", ById(id=RED.id("account")))
    found = answer.sa_and_role  # type: ignore[attr-defined]  # an account
    assert [role.name for role in found.cluster_roles] == ["admin"]
    assert [(one.namespace, [role.name for role in one.roles]) for one in found.scoped_roles] == [
        ("red", ["red-role"])
    ]
    assert [one.name for one in found.deployment_relationships] == ["red-web"]
    other = await ask(site, "v1.ServiceAccountService/GetServiceAccount", ById(id=BLUE.id("account")))
    assert not other.sa_and_role.cluster_roles  # type: ignore[attr-defined]  # an account


async def test_subjects_are_users_and_groups_with_their_roles(site: dict[str, Servicer]) -> None:
    listed = await ask(site, "v1.RbacService/ListSubjects", RawQuery(query="Namespace:red,blue"))
    subjects = listed.subject_and_roles  # type: ignore[attr-defined]  # a list
    assert [(one.subject.name, [role.name for role in one.roles]) for one in subjects] == [
        ("blue-user", ["blue-role"]),
        ("red-user", ["red-role"]),
    ]
    one = await ask(site, "v1.RbacService/GetSubject", ById(id="red-user"))
    assert one.scoped_roles[0].roles[0].name == "red-role"  # type: ignore[attr-defined]  # a subject
    with pytest.raises(NotFound, match="Subject not found: red-account"):
        await ask(site, "v1.RbacService/GetSubject", ById(id="red-account"))


@pytest.mark.parametrize(
    ("method", "kind"), [("GetRole", "k8s role"), ("GetRoleBinding", "k8s role binding")]
)
async def test_unknown_role_is_named_in_upstreams_quotes(
    site: dict[str, Servicer], method: str, kind: str
) -> None:
    with pytest.raises(NotFound) as refused:
        await ask(site, f"v1.RbacService/{method}", ById(id=NOWHERE))
    assert refused.value.message == f"{kind} with id '\"{NOWHERE}\"' does not exist: not found"


async def test_network_policies_of_a_namespace_come_with_yaml(site: dict[str, Servicer]) -> None:
    request = network_policy_service_pb2.GetNetworkPoliciesRequest(cluster_id=RED.cluster_id, namespace="red")
    listed = await ask(site, "v1.NetworkPolicyService/GetNetworkPolicies", request)
    (policy,) = listed.network_policies  # type: ignore[attr-defined]  # a list
    assert policy.name == "red-policy"
    assert "kind: NetworkPolicy" in policy.yaml
    request.deployment_query = "Deployment:x"
    with pytest.raises(Invalid, match="deployment_query is not served"):
        await ask(site, "v1.NetworkPolicyService/GetNetworkPolicies", request)


async def test_workloads_are_exported_with_images_and_pods(site: dict[str, Servicer]) -> None:
    request = vuln_mgmt_service_pb2.VulnMgmtExportWorkloadsRequest(query="Namespace:red")
    (workload,) = await export(site, "v1.VulnMgmtService/VulnMgmtExportWorkloads", request)
    assert isinstance(workload, vuln_mgmt_service_pb2.VulnMgmtExportWorkloadsResponse)
    assert (workload.deployment.name, workload.live_pods) == ("red-web", 1)
    assert [image.id for image in workload.images] == [RED.digest]


async def test_pods_are_exported_one_by_one(site: dict[str, Servicer]) -> None:
    found = await export(site, "v1.PodService/ExportPods", pod_service_pb2.ExportPodRequest())
    assert sorted(one.pod.name for one in found) == ["blue-pod", "green-pod", "red-pod"]  # type: ignore[attr-defined]
    with pytest.raises(Invalid, match="has no pair of the form"):
        await export(site, "v1.PodService/ExportPods", pod_service_pb2.ExportPodRequest(query="nonsense"))


@pytest.fixture
async def categories(central_pool: Pool) -> PolicyCategoryService:
    await central_pool.execute("TRUNCATE policy_categories, policies CASCADE")
    store = CategoryStore(pool=central_pool)
    await store.ensure_defaults(load_categories())
    return PolicyCategoryService(store=store, policies=PolicyStore(pool=central_pool))


async def test_category_lives_from_post_to_delete(
    categories: PolicyCategoryService, central_pool: Pool
) -> None:
    policies = PolicyStore(pool=central_pool)
    wanted = policy_category_service_pb2.PolicyCategory(name="Our rules")
    posted = await categories.PostPolicyCategory(
        policy_category_service_pb2.PostPolicyCategoryRequest(policyCategory=wanted), ADMIN
    )
    await policies.put(Policy(id="p", name="P", categories=["Our rules", "Kubernetes"]))
    renamed = policy_category_service_pb2.RenamePolicyCategoryRequest(
        id=posted.id, new_category_name="Your rules"
    )
    assert (await categories.RenamePolicyCategory(renamed, ADMIN)).name == "Your rules"
    policy = await policies.get("p")
    assert policy is not None
    assert sorted(policy.categories) == ["Kubernetes", "Your rules"]
    gone = policy_category_service_pb2.DeletePolicyCategoryRequest(id=posted.id)
    await categories.DeletePolicyCategory(gone, ADMIN)
    policy = await policies.get("p")
    assert policy is not None
    assert list(policy.categories) == ["Kubernetes"]
    assert len((await categories.GetPolicyCategories(RawQuery(), ADMIN)).categories) == 15


async def test_category_names_are_checked_and_defaults_stay(categories: PolicyCategoryService) -> None:
    post = policy_category_service_pb2.PostPolicyCategoryRequest()
    for name in ("tiny", "with\nline", "$ money", "x" * 129):
        post.policyCategory.name = name
        with pytest.raises(Invalid, match="between 5 and 128 characters"):
            await categories.PostPolicyCategory(post, ADMIN)
    post.policyCategory.name = "Kubernetes"
    with pytest.raises(AlreadyExists):
        await categories.PostPolicyCategory(post, ADMIN)
    default = load_categories()[0].id
    with pytest.raises(Invalid, match="is a default category"):
        await categories.DeletePolicyCategory(
            policy_category_service_pb2.DeletePolicyCategoryRequest(id=default), ADMIN
        )
    with pytest.raises(NotFound, match=r"^policy with ID '\"nosuch\"' does not exist: not found$"):
        await categories.GetPolicyCategory(ById(id="nosuch"), replace(ADMIN))
