"""Why there is an alert: which criterion met which value on which object.

The explanation route calls it. An alert keeps its policy and its sentences but, as in
upstream's messages, no reasons; so the policy is matched again against what is stored now,
and what has changed since is said. docs/protocols/alert-explanation.md has the JSON form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

from pyrox.clock import Clock
from pyrox.errors import NotFound
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import ContainerImage, Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.network_policy_pb2 import NetworkPolicy
from pyrox.pb.storage.policy_pb2 import LifecycleStage
from pyrox.policy.causes import causes_of
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.evaluate import CompiledPolicy, compile_policy, nanoseconds
from pyrox.policy.eventmessages import process_message
from pyrox.policy.subject import DeploymentSubject, ProcessSubject
from pyrox.rpc.call import Call
from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.alerts.evidence import Evidence, evidence_of, kept_deployment, number_name
from services.central.policies.dryrun import applied

Json = dict[str, Any]
# A whole tree is large; events of one alert mostly differ in one value.
MAX_TREES = 10
STORED, KEPT = "STORED", "ALERT"
_GONE = "The deployment is not known any more; this explains only what the alert itself keeps of it."
_HIDDEN = "You may not read this deployment; this explains only what the alert itself keeps of it."
_CHANGED = "Objects, or the moment, have changed since: not all violations can be led back to values of now."
_UNKNOWN_POLICY = "The policy as the alert keeps it cannot be evaluated: {}"


class Alerts(Protocol):
    """Where alerts are read."""

    async def get(self, alert_id: str, *, scope: Scope) -> Alert | None:
        """One alert, in any state."""


class Deployments(Protocol):
    """Where deployments are read."""

    async def get(self, key: str, *, scope: Scope) -> Deployment | None:
        """One deployment."""


class Images(Protocol):
    """Where images are read."""

    async def get(self, sha: str, *, scope: Scope) -> Image | None:
        """One image by its digest."""


class NetworkPolicies(Protocol):
    """Where network policies are read."""

    async def of_place(self, cluster_id: str, namespace: str, *, scope: Scope) -> list[NetworkPolicy]:
        """Those of a cluster and a namespace."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """The workload of an alert, where it comes from, and what is to be said about that."""

    on: DeploymentSubject
    basis: str
    notes: tuple[str, ...] = ()


class Explainer:
    """Explains alerts to whoever may read them."""

    def __init__(
        self,
        *,
        alerts: Alerts,
        deployments: Deployments,
        images: Images,
        network_policies: NetworkPolicies,
        clock: Clock,
    ) -> None:
        self._alerts = alerts
        self._deployments = deployments
        self._images = images
        self._network_policies = network_policies
        self._clock = clock

    async def explain(self, alert_id: str, call: Call, *, offset: int, limit: int) -> Json:
        """The explanation in its stable form; raises `NotFound` for an alert that the caller cannot see."""
        alert = await self._alerts.get(alert_id, scope=call.scope("Alert"))
        if alert is None:
            raise NotFound.because(f"alert with id '{alert_id}' does not exist")
        scene = await self._scene(alert, call)
        now = self._clock.now()
        page = range(offset, offset + limit)
        # An image of thousands of parts takes its time.
        made = await asyncio.to_thread(_explain, alert, scene, page, nanoseconds(now))
        return {"alertId": alert.id, "explainedAt": _rfc3339(now.astimezone(UTC).isoformat()), **made}

    async def _scene(self, alert: Alert, call: Call) -> _Scene:
        if not alert.HasField("deployment"):
            return _Scene(DeploymentSubject(Deployment()), KEPT)
        scope = call.scope("Deployment")
        found = await self._deployments.get(alert.deployment.id, scope=scope)
        if found is None:
            hidden = not scope.allows(alert.cluster_id, alert.namespace)
            kept = kept_deployment(alert)
            on = DeploymentSubject(kept, [_bare(one.image) for one in kept.containers])
            return _Scene(on, KEPT, (_HIDDEN if hidden else _GONE,))
        notes: dict[str, None] = {}
        images = [await self._image(one.image, call.scope("Image"), notes) for one in found.containers]
        # What selects a deployment belongs to the deployment, which the caller may see.
        of_place = await self._network_policies.of_place(found.cluster_id, found.namespace, scope=EVERYTHING)
        return _Scene(DeploymentSubject(found, images, applied(found, of_place)), STORED, tuple(notes))

    async def _image(self, named: ContainerImage, scope: Scope, notes: dict[str, None]) -> Image:
        found = await self._images.get(named.id, scope=scope) if named.id else None
        if found is None:
            notes[f"Of the image {named.name.full_name} only the name is known to you."] = None
            return _bare(named)
        # The same content may run under several names, and policies ask for the one that runs.
        found.name.CopyFrom(named.name)
        return found


def _bare(named: ContainerImage) -> Image:
    return Image(id=named.id, name=named.name)


def _rfc3339(text: str) -> str:
    return text.replace("+00:00", "Z")


def _explain(alert: Alert, scene: _Scene, page: range, now: int) -> Json:
    said = _Said(alert)
    head = {
        "policyId": alert.policy.id,
        "policyName": alert.policy.name,
        "lifecycleStage": number_name(LifecycleStage.items(), alert.lifecycle_stage),
        "basis": scene.basis,
    }
    notes = list(scene.notes)
    evidence = evidence_of(alert, scene.on)
    try:
        compiled = compile_policy(alert.policy)
    except PolicyInvalid as error:
        # Policies of other versions may ask for what this engine does not know.
        notes.append(_UNKNOWN_POLICY.format(error.message))
        evidence, trees = [], []
    else:
        said.trace(compiled, evidence, now, page)
        trees = [_tree(compiled, one, now) for one in evidence[:MAX_TREES]]
    violations = said.violations(page)
    if scene.basis == STORED and not all(one["reproduced"] for one in violations):
        notes.append(_CHANGED)
    return {
        **head,
        "notes": notes,
        "matched": any(tree["matched"] for tree in trees),
        "totalViolations": len(said.sentences),
        "violations": violations,
        "evaluations": trees,
        "omittedEvaluations": len(evidence) - len(trees),
    }


def _tree(compiled: CompiledPolicy, evidence: Evidence, now: int) -> Json:
    return {"subject": evidence.to_json(), **compiled.explain_at(evidence.subject, now).to_json()}


@dataclass(frozen=True, slots=True)
class _Sentence:
    kind: str
    type: str
    message: str


class _Said:
    """What the alert says, the violation of its processes first, with the causes found so far."""

    def __init__(self, alert: Alert) -> None:
        self.sentences = [
            _Sentence("VIOLATION", number_name(Alert.Violation.Type.items(), one.type), one.message)
            for one in alert.violations
        ]
        if alert.HasField("process_violation"):
            self.sentences.insert(0, _Sentence("PROCESS", "PROCESS", alert.process_violation.message))
        self._causes: dict[str, list[Json]] = {}

    def trace(self, compiled: CompiledPolicy, evidence: Sequence[Evidence], now: int, page: range) -> None:
        """Lead the sentences of the page back to each subject."""
        shown = self.sentences[page.start : page.stop]
        wanted = {one.message for one in shown}
        whole = next((one.message for one in shown if one.kind == "PROCESS"), None)
        for one in evidence:
            own = process_message([one.subject.process]) if isinstance(one.subject, ProcessSubject) else ""
            asked = wanted if whole is None or not own else wanted | {own}
            for message, causes in causes_of(compiled, one.subject, now, asked).items():
                # The alert's sentence is about all of its processes together.
                about = whole if whole is not None and message == own else message
                known = self._causes.setdefault(about, [])
                known.extend({"subject": one.to_json(), **cause.to_json()} for cause in causes)

    def violations(self, page: range) -> list[Json]:
        """The sentences of the page in their order."""
        return [
            {
                "index": at,
                "kind": one.kind,
                "type": one.type,
                "message": one.message,
                "reproduced": one.message in self._causes,
                "causes": self._causes.get(one.message, []),
            }
            for at, one in enumerate(self.sentences)
            if at in page
        ]
