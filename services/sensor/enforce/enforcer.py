"""Enforcement in the cluster: scale to zero, unsatisfiable node constraint, kill pod.

Detectors hand over alerts, Central may ask too; this component acts on the Kubernetes
API and leaves a Warning event on the object. It must not decide whether to enforce,
except that the break-glass annotation is always respected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyrox import log
from pyrox.clock import Clock
from pyrox.errors import Invalid, NotFound, RoxError
from pyrox.k8s import kinds
from pyrox.k8s.client import APPLY_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Json, KubeClient
from pyrox.k8s.kinds import Kind
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.policy_pb2 import EnforcementAction
from pyrox.policy.enforcement import bypassed
from pyrox.service import BoundedQueue

_LOG = log.get(__name__)
_SCALABLE = {
    "Deployment": kinds.DEPLOYMENT,
    "ReplicaSet": kinds.REPLICA_SET,
    "ReplicationController": kinds.REPLICATION_CONTROLLER,
    "StatefulSet": kinds.STATEFUL_SET,
    "DeploymentConfig": kinds.DEPLOYMENT_CONFIG,
}
_TEMPLATED = {**_SCALABLE, "DaemonSet": kinds.DAEMON_SET, "Job": kinds.JOB, "CronJob": kinds.CRON_JOB}
BLOCKED_LABEL = "BlockedByStackRox"
_FIELD_MANAGER = "StackRox"
_EVENT_REASON = "StackRox enforcement"
_ATTEMPTS = 3
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do."""

    action: EnforcementAction.ValueType
    kind: str
    namespace: str
    name: str
    alert_id: str
    policy_name: str
    pod: str = ""


class Enforcer:
    """The component that acts on the cluster."""

    name = "enforcer"

    def __init__(self, *, client: KubeClient, queue: BoundedQueue[Order], clock: Clock) -> None:
        self._client = client
        self._queue = queue
        self._clock = clock

    def enforce(self, deployment: Deployment, alerts: Sequence[Alert]) -> None:
        """Queue what the alerts ask for, unless the deployment breaks the glass."""
        wanted = [alert for alert in alerts if alert.HasField("enforcement")]
        if not wanted:
            return
        if bypassed(deployment.annotations):
            _LOG.info("enforcement skipped: break-glass annotation", deployment=deployment.name)
            return
        done: set[int] = set()
        for alert in wanted:
            if alert.enforcement.action not in done:
                done.add(alert.enforcement.action)
                self._queue.offer(_order(deployment, alert))

    def on_enforcement(self, message: MsgToSensor) -> None:
        """Central asks for an enforcement."""
        asked = message.enforcement
        in_pod = asked.HasField("container_instance")
        place = asked.container_instance.deployment_enforcement if in_pod else asked.deployment
        self._queue.offer(
            Order(
                action=asked.enforcement,
                kind=place.deployment_type,
                namespace=place.namespace,
                name=place.deployment_name,
                alert_id=place.alert_id,
                policy_name=place.policy_name,
                pod=asked.container_instance.pod_id if in_pod else "",
            )
        )

    async def run(self, ready: Callable[[], None]) -> None:
        """Act on orders until cancelled; one that fails is tried a few times and logged."""
        ready()
        while True:
            order = await self._queue.get()
            await self._try(order)

    async def _try(self, order: Order) -> None:
        name = EnforcementAction.Name(order.action)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._act(order)
                _LOG.info("enforced", action=name, namespace=order.namespace, object=order.pod or order.name)
                await self._record(order)
            except NotFound:
                _LOG.info("nothing to enforce on", action=name, object=order.pod or order.name)
            except RoxError as error:
                _LOG.warning("enforcement failed", action=name, attempt=attempt, error=error.message)
                await self._clock.sleep(_PAUSE * attempt)
                continue
            return

    async def _act(self, order: Order) -> None:
        match order.action:
            case EnforcementAction.SCALE_TO_ZERO_ENFORCEMENT:
                await self._scale(order)
            case EnforcementAction.UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT:
                await self._constrain(order)
            case EnforcementAction.KILL_POD_ENFORCEMENT:
                await self._client.delete(kinds.POD.in_namespace(order.namespace, order.pod), grace_seconds=0)
            case _:
                raise Invalid(f"enforcement {order.action} is not done by Sensor")

    async def _scale(self, order: Order) -> None:
        if order.kind == "CronJob":
            body = _skeleton(kinds.CRON_JOB, order.name) | {"spec": {"suspend": True}}
            query = {"fieldManager": _FIELD_MANAGER, "force": "true"}
            path = kinds.CRON_JOB.in_namespace(order.namespace, order.name)
            await self._client.patch(path, body, form=APPLY_PATCH, query=query)
            return
        kind = _kind(order, _SCALABLE)
        path = f"{kind.in_namespace(order.namespace, order.name)}/scale"
        await self._client.patch(path, {"spec": {"replicas": 0}}, form=MERGE_PATCH)

    async def _constrain(self, order: Order) -> None:
        kind = _kind(order, _TEMPLATED)
        spec: Json = {"template": {"spec": {"nodeSelector": {BLOCKED_LABEL: order.alert_id}}}}
        if kind is kinds.CRON_JOB:
            spec = {"jobTemplate": {"spec": spec}}
        path = kind.in_namespace(order.namespace, order.name)
        form = MERGE_PATCH if kind is kinds.DEPLOYMENT_CONFIG else STRATEGIC_PATCH
        await self._client.patch(path, {"spec": spec}, form=form)

    async def _record(self, order: Order) -> None:
        """Leave a Warning event; without it the enforcement still counts."""
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        kind, name = ("Pod", order.pod) if order.pod else (order.kind, order.name)
        event: Json = {
            "metadata": {"generateName": f"{name}.", "namespace": order.namespace},
            "involvedObject": {"kind": kind, "name": name, "namespace": order.namespace},
            "type": "Warning",
            "reason": _EVENT_REASON,
            "message": f'Enforced by policy "{order.policy_name}"',
            "source": {"component": "sensor"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._client.create(kinds.EVENT.in_namespace(order.namespace), event)
        except RoxError as error:
            _LOG.warning("enforcement event not written", error=error.message)


def _order(deployment: Deployment, alert: Alert) -> Order:
    processes = alert.process_violation.processes
    return Order(
        action=alert.enforcement.action,
        kind=deployment.type,
        namespace=deployment.namespace,
        name=deployment.name,
        alert_id=alert.id,
        policy_name=alert.policy.name,
        pod=processes[0].pod_id if processes else "",
    )


def _kind(order: Order, known: dict[str, Kind]) -> Kind:
    kind = known.get(order.kind)
    if kind is None:
        raise Invalid(f"{order.kind} {order.namespace}/{order.name} cannot be changed this way")
    return kind


def _skeleton(kind: Kind, name: str) -> Json:
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}}
