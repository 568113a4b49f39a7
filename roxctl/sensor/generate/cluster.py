"""What the two forms of `sensor generate` share: flags, registration, the bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from roxctl.app import App
from roxctl.cli import refuse_missing, retry_timeout, switch, timeout
from roxctl.errors import CliError, code_of, quoted

if TYPE_CHECKING:
    from pyrox.pb.storage import cluster_pb2
    from roxctl.central_client import Central

F = TypeVar("F", bound=Callable[..., Any])
_METHODS = {"default": "UNSET_COLLECTION", "none": "NO_COLLECTION", "core_bpf": "CORE_BPF"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the flags ask for."""

    name: str
    central: str
    output_dir: str
    main_image_repository: str
    collector_image_repository: str
    collection_method: str
    continue_if_exists: bool
    create_upgrader_sa: bool
    istio_support: str
    disable_tolerations: bool
    enable_pod_security_policies: bool
    enforcement: bool
    disable_bypass: bool
    fail_on_error: bool
    auto_lock_process_baselines: bool
    seconds: float
    try_seconds: float


def flags(function: F) -> F:
    """Decorator: all flags of `Wanted`."""
    made: Any = function
    for add in reversed(_FLAGS):
        made = add(made)
    return made  # type: ignore[no-any-return]  # click keeps the function's type


_FLAGS: tuple[Callable[[Any], Any], ...] = (
    click.option("--name", default="", help="Name of the cluster."),
    click.option("--central", default="central.stackrox:443", show_default=True,
                 help="Address of Central as the cluster's services see it."),
    click.option("--output-dir", default="", help="Folder for the files; the cluster's name by default."),
    click.option("--main-image-repository", default="", help="Repository of the main image."),
    click.option("--collector-image-repository", default="", help="Repository of the collector image."),
    click.option("--collection-method", type=click.Choice(list(_METHODS), case_sensitive=False),
                 default="default", show_default=True, help="How processes and connections are observed."),
    switch("--continue-if-exists", help="Take the files of the cluster when it is registered already."),
    switch("--create-upgrader-sa", default=True, help="Let Central upgrade the services in the cluster."),
    click.option("--istio-support", default="", help="Version of Istio to support."),
    switch("--disable-tolerations", help="Leave tainted nodes out."),
    switch("--enable-pod-security-policies", help="Make PodSecurityPolicies (Kubernetes before 1.25)."),
    switch("--admission-controller-enforcement", "enforcement", default=True,
           help="Refuse what breaks enforced policies."),
    switch("--admission-controller-disable-bypass", "disable_bypass",
           help="Ignore the break-glass annotation."),
    switch("--admission-controller-fail-on-error", "fail_on_error",
           help="Refuse when the admission controller does not answer."),
    switch("--auto-lock-process-baselines", help="Lock process baselines by themselves."),
    timeout("5m"),
    retry_timeout(),
)  # fmt: skip


def run(app: App, wanted: Wanted, kind: str, *, disable_audit_logs: bool) -> None:
    """Register the cluster of this `storage.ClusterType` and unpack its bundle. Raises `CliError`."""
    if not wanted.name:
        refuse_missing("name")
    from roxctl.sensor import bundle  # noqa: PLC0415 - only here

    with app.central() as central:
        cluster_id = _registered(central, wanted, kind, disable_audit_logs)
    parameters: dict[str, object] = {
        "id": cluster_id,
        "createUpgraderSA": wanted.create_upgrader_sa,
        "disablePodSecurityPolicies": not wanted.enable_pod_security_policies,
    }
    if wanted.istio_support:
        parameters["istioVersion"] = wanted.istio_support
    bundle.download(app, parameters, wanted.output_dir, wanted.seconds)


def _registered(central: Central, wanted: Wanted, kind: str, disable_audit_logs: bool) -> str:
    from pyrox.pb.api.v1 import cluster_service_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import
    from pyrox.pb.api.v1 import empty_pb2  # noqa: PLC0415 - protobuf is slow to import

    limits = {"seconds": wanted.seconds, "try_seconds": wanted.try_seconds}
    defaults = central.call(
        "/v1.ClustersService/GetClusterDefaultValues", empty_pb2.Empty(), pb.ClusterDefaultsResponse, **limits
    )
    cluster = _cluster(wanted, kind, disable_audit_logs)
    cluster.main_image = cluster.main_image or defaults.main_image_repository
    try:
        answer = central.call("/v1.ClustersService/PostCluster", cluster, pb.ClusterResponse, **limits)
    except CliError as error:
        if code_of(error) != "AlreadyExists" or not wanted.continue_if_exists:
            raise error.wrap("error creating cluster") from error
    else:
        return answer.cluster.id
    request = pb.GetClustersRequest(query=f'Cluster:"{wanted.name}"')
    try:
        known = central.call("/v1.ClustersService/GetClusters", request, pb.ClustersList, **limits)
    except CliError as error:
        raise error.wrap("error getting clusters") from error
    for found in known.clusters:
        if found.name.lower() == wanted.name.lower():
            return found.id
    raise CliError(f"error finding preexisting cluster with name {quoted(wanted.name)}")


def _cluster(wanted: Wanted, kind: str, disable_audit_logs: bool) -> cluster_pb2.Cluster:
    from pyrox.pb.storage import cluster_pb2 as pb  # noqa: PLC0415 - protobuf is slow to import

    cluster = pb.Cluster(
        name=wanted.name,
        type=pb.ClusterType.Value(kind),
        main_image=wanted.main_image_repository,
        collector_image=wanted.collector_image_repository,
        central_api_endpoint=wanted.central,
        collection_method=pb.CollectionMethod.Value(_METHODS[wanted.collection_method.lower()]),
        admission_controller=True,
        admission_controller_updates=True,
        admission_controller_events=True,
        admission_controller_fail_on_error=wanted.fail_on_error,
        tolerations_config=pb.TolerationsConfig(disabled=wanted.disable_tolerations),
    )
    cluster.dynamic_config.disable_audit_logs = disable_audit_logs
    cluster.dynamic_config.auto_lock_process_baselines_config.enabled = wanted.auto_lock_process_baselines
    admission = cluster.dynamic_config.admission_controller_config
    admission.enabled = admission.enforce_on_updates = wanted.enforcement
    admission.scan_inline = True
    admission.disable_bypass = wanted.disable_bypass
    return cluster
