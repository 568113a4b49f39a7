"""Where a policy applies: its scopes and exclusions.

Called by `pyrox.policy.evaluate` and `pyrox.policy.sets`. It must not know criteria.

A policy applies when it has no scope or any scope fits, and no exclusion that is still
valid fits. At build time only image exclusions count, by prefix of the image's name; an
exclusion that names an image and no deployment says nothing about deployments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.policy_pb2 import Exclusion, Policy
from pyrox.pb.storage.scope_pb2 import Scope
from pyrox.policy import regex
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    ImageSubject,
    KubeEventSubject,
    NodeEventSubject,
    Subject,
)


@dataclass(frozen=True, slots=True)
class PlaceLabels:
    """The labels of the subject's cluster and namespace, which no message carries."""

    cluster: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] = field(default_factory=dict)


NO_LABELS = PlaceLabels()


@dataclass(frozen=True, slots=True)
class _LabelTest:
    key: regex.Test
    value: regex.Test

    def fits(self, labels: Mapping[str, str]) -> bool:
        return any(self.key(key) and self.value(value) for key, value in labels.items())


@dataclass(frozen=True, slots=True)
class _Place:
    """A compiled storage.Scope; a None part fits everything."""

    cluster: str
    namespace: regex.Test | None
    label: _LabelTest | None
    cluster_label: _LabelTest | None
    namespace_label: _LabelTest | None

    def fits_deployment(self, deployment: Deployment, places: PlaceLabels) -> bool:
        return (
            self._fits_place(deployment.cluster_id, deployment.namespace, places)
            and (self.namespace is None or self.namespace(deployment.namespace))
            and (self.label is None or self.label.fits(deployment.labels))
        )

    def fits_event(self, event: KubernetesEvent, places: PlaceLabels) -> bool:
        # Events on objects of the whole cluster have no namespace, and any namespace fits them.
        space = event.object.namespace
        return self._fits_place(event.object.cluster_id, space, places) and (
            not space or self.namespace is None or self.namespace(space)
        )

    def _fits_place(self, cluster: str, _namespace: str, places: PlaceLabels) -> bool:
        return (
            (not self.cluster or self.cluster == cluster)
            and (self.cluster_label is None or self.cluster_label.fits(places.cluster))
            and (self.namespace_label is None or self.namespace_label.fits(places.namespace))
        )


@dataclass(frozen=True, slots=True)
class _Exclusion:
    image_prefix: str
    has_deployment: bool
    name: regex.Test | None
    place: _Place | None
    expires: datetime | None

    def valid(self, now: datetime) -> bool:
        return self.expires is None or self.expires >= now

    def fits_deployment(self, deployment: Deployment, places: PlaceLabels) -> bool:
        return (
            self.has_deployment
            and (self.name is None or self.name(deployment.name))
            and (self.place is None or self.place.fits_deployment(deployment, places))
        )

    def fits_event(self, event: KubernetesEvent, places: PlaceLabels) -> bool:
        return self.has_deployment and (self.place is None or self.place.fits_event(event, places))


@dataclass(frozen=True, slots=True)
class CompiledScope:
    """All scopes and exclusions of one policy."""

    places: tuple[_Place, ...]
    exclusions: tuple[_Exclusion, ...]

    @property
    def uses_place_labels(self) -> bool:
        """Whether the labels of clusters or namespaces are asked about."""
        return any(place.cluster_label or place.namespace_label for place in self.places)

    def expired_between(self, after: datetime, until: datetime) -> bool:
        """Whether an exclusion was valid at the first moment and is not at the second."""
        return any(one.valid(after) and not one.valid(until) for one in self.exclusions)

    def applies_to(self, subject: Subject, now: datetime, places: PlaceLabels = NO_LABELS) -> bool:
        """Whether the policy speaks about the subject."""
        if not (self.places or self.exclusions) or isinstance(subject, NodeEventSubject):
            return True
        if isinstance(subject, ImageSubject):
            return not self._image_excluded(subject.image.name.full_name, now)
        deployment = _deployment_of(subject)
        if deployment is not None:
            return self.applies_to_deployment(deployment, now, places)
        return isinstance(subject, AuditEventSubject | KubeEventSubject) and self._event(
            subject.event, now, places
        )

    def applies_to_deployment(
        self, deployment: Deployment, now: datetime, places: PlaceLabels = NO_LABELS
    ) -> bool:
        """Whether the policy speaks about the deployment."""
        if self.places and not any(place.fits_deployment(deployment, places) for place in self.places):
            return False
        return not any(one.fits_deployment(deployment, places) and one.valid(now) for one in self.exclusions)

    def _event(self, event: KubernetesEvent, now: datetime, places: PlaceLabels) -> bool:
        if self.places and not any(place.fits_event(event, places) for place in self.places):
            return False
        return not any(one.fits_event(event, places) and one.valid(now) for one in self.exclusions)

    def _image_excluded(self, full_name: str, now: datetime) -> bool:
        return any(
            one.image_prefix and full_name.startswith(one.image_prefix) and one.valid(now)
            for one in self.exclusions
        )


def _deployment_of(subject: Subject) -> Deployment | None:
    if isinstance(subject, DeploymentSubject):
        return subject.deployment
    if isinstance(subject, AuditEventSubject | ImageSubject | NodeEventSubject):
        return None
    return None if subject.on is None else subject.on.deployment


def compile_scope(policy: Policy) -> CompiledScope:
    """The policy's compiled scopes and exclusions; raises `PolicyInvalid` on a bad expression."""
    try:
        places = tuple(_place(one) for one in policy.scope)
        exclusions = tuple(_exclusion(one) for one in policy.exclusions)
    except regex.BadPattern as error:
        raise PolicyInvalid(
            f"policy {policy.name!r}: a scope or exclusion has a bad expression: {error}"
        ) from error
    return CompiledScope(places, exclusions)


def _exclusion(exclusion: Exclusion) -> _Exclusion:
    deployment = exclusion.deployment
    expires = exclusion.expiration.ToDatetime(tzinfo=UTC) if exclusion.HasField("expiration") else None
    return _Exclusion(
        exclusion.image.name,
        exclusion.HasField("deployment"),
        regex.whole(deployment.name) if deployment.name else None,
        _place(deployment.scope) if deployment.HasField("scope") else None,
        expires,
    )


def _place(scope: Scope) -> _Place:
    return _Place(
        scope.cluster,
        regex.whole(scope.namespace) if scope.namespace else None,
        _label(scope.label) if scope.HasField("label") else None,
        _label(scope.cluster_label) if scope.HasField("cluster_label") else None,
        _label(scope.namespace_label) if scope.HasField("namespace_label") else None,
    )


def _label(label: Scope.Label) -> _LabelTest:
    return _LabelTest(_side(label.key), _side(label.value))


def _side(expression: str) -> regex.Test:
    return regex.whole(expression) if expression else _anything


def _anything(_text: str) -> bool:
    return True
