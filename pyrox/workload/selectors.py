"""Label selectors: to storage messages, and matching.

Used by workloads, services and network policies, and by Sensor's store. It must not
know kinds.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyrox.pb.storage.labels_pb2 import LabelSelector
from pyrox.workload import objects
from pyrox.workload.objects import Object

_OPERATORS = {
    "In": LabelSelector.IN,
    "NotIn": LabelSelector.NOT_IN,
    "Exists": LabelSelector.EXISTS,
    "DoesNotExist": LabelSelector.NOT_EXISTS,
}


def to_selector(value: Object) -> LabelSelector:
    """A `metav1.LabelSelector`."""
    return LabelSelector(
        match_labels=objects.string_map(value, "matchLabels"),
        requirements=[
            LabelSelector.Requirement(
                key=objects.text(item, "key"),
                op=_OPERATORS.get(objects.text(item, "operator"), LabelSelector.UNKNOWN),
                values=objects.texts(item, "values"),
            )
            for item in objects.children(value, "matchExpressions")
        ],
    )


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether the selector selects an object with these labels; an empty one selects all."""
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(_holds(requirement, labels) for requirement in selector.requirements)


def _holds(requirement: LabelSelector.Requirement, labels: Mapping[str, str]) -> bool:
    present = requirement.key in labels
    match requirement.op:
        case LabelSelector.IN:
            return present and labels[requirement.key] in requirement.values
        case LabelSelector.NOT_IN:
            return not present or labels[requirement.key] not in requirement.values
        case LabelSelector.EXISTS:
            return present
        case LabelSelector.NOT_EXISTS:
            return not present
        case _:
            return False


def matches_map(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a service's plain selector selects the labels; an empty one selects nothing."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
