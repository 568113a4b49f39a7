"""The part of Central's composition root that makes what only shows what is stored.

`services.central.app` calls it once. Adding a read domain: its servicer here.
"""

from __future__ import annotations

from pyrox.clock import Clock
from pyrox.pg.pool import Pool
from pyrox.rpc.methods import Servicer
from services.central.alerts.explanation import Explainer
from services.central.alerts.store import AlertStore
from services.central.baselines.service import ProcessBaselineService
from services.central.baselines.store import BaselineStore
from services.central.deployments.service import DeploymentService
from services.central.deployments.store import DeploymentStore
from services.central.exports import Exports
from services.central.images.store import ImageStore
from services.central.namespaces.service import NamespaceService
from services.central.namespaces.store import NamespaceStore
from services.central.network_policies.service import NetworkPolicyService
from services.central.network_policies.store import NetworkPolicyStore
from services.central.nodes.service import NodeService
from services.central.nodes.store import NodeStore
from services.central.pods.service import PodService
from services.central.pods.store import PodStore
from services.central.policies.dryrun import DryRun
from services.central.processes.service import ProcessService
from services.central.processes.store import ProcessStore
from services.central.rbac.service import RbacService
from services.central.rbac.store import BindingStore, RoleStore
from services.central.risk.reader import RiskReader
from services.central.search.service import SearchService
from services.central.search.store import SearchStore
from services.central.secrets.service import SecretService
from services.central.secrets.store import SecretStore
from services.central.service_accounts.service import ServiceAccountService
from services.central.service_accounts.store import ServiceAccountStore
from services.central.vulns.service import VulnMgmtService
from services.central.vulns.store import WorkloadStore


def dry_run(pool: Pool, clock: Clock) -> DryRun:
    """Evaluates a policy on what Sensors reported."""
    return DryRun(
        deployments=DeploymentStore(pool=pool),
        images=ImageStore(pool=pool, clock=clock),
        network_policies=NetworkPolicyStore(pool=pool),
        clock=clock,
    )


def explainer(pool: Pool, clock: Clock) -> Explainer:
    """Says why there is an alert."""
    return Explainer(
        alerts=AlertStore(pool=pool),
        deployments=DeploymentStore(pool=pool),
        images=ImageStore(pool=pool, clock=clock),
        network_policies=NetworkPolicyStore(pool=pool),
        clock=clock,
    )


def read_servicers(pool: Pool, clock: Clock, baselines: BaselineStore) -> list[Servicer]:
    """Servicers of the kinds that Sensors report and users only read."""
    deployments = DeploymentStore(pool=pool)
    exports = Exports(pool=pool, clock=clock)
    return [
        DeploymentService(
            store=deployments, baselines=baselines, risks=RiskReader(pool=pool), exports=exports
        ),
        NamespaceService(store=NamespaceStore(pool=pool)),
        NetworkPolicyService(store=NetworkPolicyStore(pool=pool)),
        NodeService(store=NodeStore(pool=pool), exports=exports),
        PodService(store=PodStore(pool=pool), exports=exports),
        ProcessBaselineService(store=baselines, deployments=deployments),
        ProcessService(store=ProcessStore(pool=pool), baselines=baselines),
        RbacService(roles=RoleStore(pool=pool), bindings=BindingStore(pool=pool)),
        SearchService(store=SearchStore(pool=pool)),
        SecretService(store=SecretStore(pool=pool)),
        ServiceAccountService(store=ServiceAccountStore(pool=pool)),
        VulnMgmtService(store=WorkloadStore(pool=pool), exports=exports),
    ]
