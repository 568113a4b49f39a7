"""Settings turned into what a review needs: compiled policies in two phases, and switches.

Made anew whenever settings change; a running review keeps the one it began with.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyrox import log
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from pyrox.policy.evaluate import CompiledPolicy
from pyrox.policy.fields import Kind
from pyrox.policy.sets import PolicySet, enforced_at_deploy

_LOG = log.get(__name__)
_EVENT_KINDS = frozenset({Kind.KUBE, Kind.KUBE_OR_AUDIT})


@dataclass(frozen=True, slots=True)
class Ruling:
    """Everything a review is decided by."""

    deploy: PolicySet
    """All policies on workloads that were sent."""
    runtime: PolicySet
    """All policies on requests that were sent."""
    on_spec: PolicySet
    """Policies that look at the workload alone."""
    on_images: PolicySet
    """Policies that need what images hold."""
    on_events: PolicySet
    """Policies on requests to pods that look at the request alone."""
    on_pods: PolicySet
    """Policies on requests to pods that also look at the pod's deployment."""
    enforce_creates: bool
    enforce_updates: bool
    bypass_disabled: bool
    scan_inline: bool
    timeout_seconds: int
    central_endpoint: str
    cluster_id: str
    image_ids: bool
    registry_override: str

    def judges(self, operation: str) -> bool:
        """Whether requests of this operation are judged at deploy time."""
        return {"CREATE": self.enforce_creates, "UPDATE": self.enforce_updates}.get(operation, False)


def ruling_of(settings: AdmissionControlSettings, before: Ruling | None = None) -> Ruling:
    """Compile the settings; a policy that cannot be compiled is logged and left out.

    Policies that did not change are taken over from the ruling `before`.
    """
    config = settings.cluster_config.admission_controller_config
    known = (before.deploy, before.runtime) if before is not None else (None, None)
    deploy = PolicySet.of(settings.enforced_deploy_time_policies.policies, before=known[0])
    runtime = PolicySet.of(settings.runtime_policies.policies, before=known[1])
    for problem in (*deploy.problems, *runtime.problems):
        _LOG.error("policy left out", policy=problem.policy_name, problem=problem.message)
    on_spec, on_images = enforced_at_deploy(deploy, inline_scan=config.scan_inline)
    return Ruling(
        deploy=deploy,
        runtime=runtime,
        on_spec=on_spec,
        on_images=on_images,
        on_events=runtime.where(_is_event_only),
        on_pods=runtime.where(lambda one: not _is_event_only(one)),
        enforce_creates=config.enabled,
        enforce_updates=config.enforce_on_updates,
        bypass_disabled=config.disable_bypass,
        scan_inline=config.scan_inline,
        timeout_seconds=config.timeout_seconds,
        central_endpoint=settings.central_endpoint,
        cluster_id=settings.cluster_id,
        image_ids=settings.flatten_image_data,
        registry_override=settings.cluster_config.registry_override,
    )


def _is_event_only(one: CompiledPolicy) -> bool:
    return one.kinds <= _EVENT_KINDS
