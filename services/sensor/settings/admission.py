"""What the admission controller is told: policies, cluster config, versions.

Changed by Central's messages; read by the streams to Admission and by the writer of the
ConfigMap. It must not know how either travels.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.clock import Clock
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import ImageKey, MsgToSensor
from pyrox.pb.internalapi.sensor.admission_control_pb2 import AdmissionControlSettings
from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.cluster_pb2 import DynamicClusterConfig
from pyrox.policy.enforcement import has_deploy_enforcement
from pyrox.policy.evaluate import CompiledPolicy
from pyrox.policy.fields import Kind
from services.sensor.detect.policies import Policies

_KUBE_EVENTS = frozenset({Kind.KUBE, Kind.KUBE_OR_AUDIT})


class AdmissionSettings:
    """The newest settings; None until Central sent the cluster's config."""

    def __init__(self, *, policies: Policies, clock: Clock, central_endpoint: str) -> None:
        self._policies = policies
        self._clock = clock
        self._central_endpoint = central_endpoint
        self._config: DynamicClusterConfig | None = None
        self._listeners: list[Callable[[], None]] = []
        self._forgotten: list[Callable[[list[ImageKey]], None]] = []
        self.cluster_id = ""
        self.image_ids = True
        self.cache_version = ""
        self.current: AdmissionControlSettings | None = None
        policies.listen(self.renew)

    def listen(
        self, on_change: Callable[[], None], on_forget: Callable[[list[ImageKey]], None] | None = None
    ) -> Callable[[], None]:
        """Tell of new settings and of images to forget; call the result to stop."""
        self._listeners.append(on_change)
        if on_forget is not None:
            self._forgotten.append(on_forget)

        def stop() -> None:
            self._listeners.remove(on_change)
            if on_forget is not None:
                self._forgotten.remove(on_forget)

        return stop

    def on_cluster_config(self, message: MsgToSensor) -> None:
        """Central sent the cluster's config."""
        self._config = DynamicClusterConfig()
        self._config.CopyFrom(message.cluster_config.config)
        self.renew()

    def forget_images(self, keys: list[ImageKey]) -> None:
        """Admission must ask for these images again."""
        for listener in self._forgotten:
            listener(keys)

    def renew(self) -> None:
        """Make the settings anew, with a new time, even when nothing in them changed."""
        if self._config is None:
            return
        stamp = Timestamp()
        stamp.FromDatetime(self._clock.now())
        settings = AdmissionControlSettings(
            cluster_config=self._config,
            timestamp=stamp,
            cache_version=self.cache_version,
            central_endpoint=self._central_endpoint,
            cluster_id=self.cluster_id,
            flatten_image_data=self.image_ids,
        )
        enabled = [one for one in self._policies.current.policies if not one.policy.disabled]
        settings.enforced_deploy_time_policies.SetInParent()
        settings.runtime_policies.SetInParent()
        settings.enforced_deploy_time_policies.policies.extend(
            one.policy for one in enabled if _is_enforced(one)
        )
        settings.runtime_policies.policies.extend(one.policy for one in enabled if _is_on_requests(one))
        self.current = settings
        for listener in tuple(self._listeners):
            listener()


def _is_enforced(one: CompiledPolicy) -> bool:
    return one.has_stage(policy_pb2.DEPLOY) and has_deploy_enforcement(one.policy)


def _is_on_requests(one: CompiledPolicy) -> bool:
    policy = one.policy
    if not one.has_stage(policy_pb2.RUNTIME) or policy.event_source != policy_pb2.DEPLOYMENT_EVENT:
        return False
    return bool(one.kinds & _KUBE_EVENTS)
