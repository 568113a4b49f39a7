"""Kinds of the Kubernetes API by path. Used by watches and writers; knows no meaning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of one API version."""

    name: str
    api_version: str
    plural: str
    optional: bool = False
    """A server without the kind counts as having no objects of it."""
    only_in: str = ""
    """The one namespace whose objects count; all when empty."""

    @property
    def path(self) -> str:
        """The path of the collection over all namespaces, or over the one that counts."""
        return self.in_namespace(self.only_in) if self.only_in else f"{self._root}/{self.plural}"

    def in_namespace(self, namespace: str, name: str = "") -> str:
        """The path of the namespace's collection, or of one object in it."""
        base = f"{self._root}/namespaces/{namespace}/{self.plural}"
        return f"{base}/{name}" if name else base

    @property
    def _root(self) -> str:
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}"


NAMESPACE = Kind("Namespace", "v1", "namespaces")
SECRET = Kind("Secret", "v1", "secrets")
SERVICE_ACCOUNT = Kind("ServiceAccount", "v1", "serviceaccounts")
ROLE = Kind("Role", "rbac.authorization.k8s.io/v1", "roles")
CLUSTER_ROLE = Kind("ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles")
ROLE_BINDING = Kind("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings")
CLUSTER_ROLE_BINDING = Kind("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings")
POD = Kind("Pod", "v1", "pods")
NETWORK_POLICY = Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies")
NODE = Kind("Node", "v1", "nodes")
SERVICE = Kind("Service", "v1", "services")
JOB = Kind("Job", "batch/v1", "jobs")
REPLICA_SET = Kind("ReplicaSet", "apps/v1", "replicasets")
REPLICATION_CONTROLLER = Kind("ReplicationController", "v1", "replicationcontrollers")
DAEMON_SET = Kind("DaemonSet", "apps/v1", "daemonsets")
DEPLOYMENT = Kind("Deployment", "apps/v1", "deployments")
STATEFUL_SET = Kind("StatefulSet", "apps/v1", "statefulsets")
CRON_JOB = Kind("CronJob", "batch/v1", "cronjobs", optional=True)
DEPLOYMENT_CONFIG = Kind("DeploymentConfig", "apps.openshift.io/v1", "deploymentconfigs", optional=True)
CONFIG_MAP = Kind("ConfigMap", "v1", "configmaps")
EVENT = Kind("Event", "v1", "events")
SECURITY_POLICY = Kind("SecurityPolicy", "config.stackrox.io/v1alpha1", "securitypolicies")
