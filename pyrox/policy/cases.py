"""Policies tested without a cluster: one recorded case in, the engine's answer out.

Called by the policy test command and by conformance tests. It must not read files. A case
is a JSON object with a policy, the kind of event, the objects it concerns, the present
moment and, if it has one, the expected outcome; docs/how-to/add-a-policy-criterion.md
describes the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from pyrox.errors import Invalid
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.file_access_pb2 import FileAccess
from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.kube_event_pb2 import KubernetesEvent
from pyrox.pb.storage.network_flow_pb2 import L4Protocol, NetworkEntityInfo
from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy.compile import CompileOptions
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.fields import CVE_FIX_TIMESTAMP, SENSITIVE_FILE_ACTIVITY
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    FlowEnd,
    ImageSubject,
    KubeEventSubject,
    NetworkFlow,
    NetworkFlowSubject,
    NetworkPoliciesApplied,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from pyrox.policy.verdict import Verdict
from pyrox.policy.views import RootView

_NANOS = 1_000_000_000
_DEPTH = 100
_MALFORMED = (
    json_format.ParseError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
_M = TypeVar("_M", bound=Message)
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The engine's answer; `passed` is None when the case expects nothing."""

    case_id: str
    verdict: Verdict
    explanation: dict[str, Any]
    passed: bool | None

    def to_json(self) -> dict[str, Any]:
        """The line that the policy test command writes."""
        line = {"id": self.case_id, **outcome(self.verdict), "explanation": self.explanation}
        if self.passed is not None:
            line["pass"] = self.passed
        return line


def run_case(case: Json) -> CaseResult:
    """Evaluate one case; raises `Invalid` naming the case and the part that is wrong."""
    case_id = str(case.get("id", ""))
    try:
        now = _nanoseconds(str(case["now"]))
        subject = read_subject(case)
        policy = _read(case["policy"], Policy(), strict=True)
    except KeyError as error:
        raise Invalid(f"case {case_id!r}: {error.args[0]} is missing") from error
    except _MALFORMED as error:
        raise Invalid(f"case {case_id!r}: {error}") from error
    compiled = compile_policy(policy, options=_options(case.get("flags") or {}))
    verdict = compiled.judge(RootView(subject), now)
    explanation = compiled.explain_at(subject, now).to_json()
    expected = case.get("expect")
    passed = None if expected is None else agrees(verdict, expected)
    return CaseResult(case_id, verdict, explanation, passed)


def outcome(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON values, in the form of a case's `expect`."""
    process = verdict.process_violation
    return {
        "matched": verdict.matched,
        "violations": [json_format.MessageToDict(violation) for violation in verdict.violations],
        "processViolation": None
        if process is None
        else {"message": process.message, "processes": len(process.processes)},
        "error": verdict.error,
    }


def agrees(verdict: Verdict, expected: Json) -> bool:
    """Whether the verdict is the expected one.

    Pairs of attributes of network policies are compared as a set, and the times on such
    violations not at all, since they are those of the evaluation.
    """
    ours = outcome(verdict)
    process = expected.get("processViolation") or {}
    return (
        ours["matched"] == expected.get("matched", False)
        and ours["error"] == (expected.get("error") or "")
        and (ours["processViolation"] or {}).get("message", "") == process.get("message", "")
        and list(map(_comparable, ours["violations"]))
        == list(map(_comparable, expected.get("violations") or []))
    )


def _comparable(violation: Json) -> Json:
    attributes = (violation.get("keyValueAttrs") or {}).get("attrs") or []
    if not attributes or attributes[0].get("key") != "Policy ID":
        kept = dict(violation)
        if kept.get("type") == Alert.Violation.Type.Name(Alert.Violation.NETWORK_POLICY):
            kept.pop("time", None)
        return kept
    values = [attribute.get("value", "") for attribute in attributes]
    kept = {key: value for key, value in violation.items() if key not in {"time", "keyValueAttrs"}}
    return kept | {"policies": sorted(zip(values[::2], values[1::2], strict=False))}


def read_subject(case: Json) -> Subject:
    """The objects of the case as the engine takes them."""
    reader = _READERS.get(str(case["kind"]))
    if reader is None:
        raise ValueError(f"kind {case['kind']!r} is none of {', '.join(sorted(_READERS))}")
    return reader(case)


def _options(flags: Json) -> CompileOptions:
    return CompileOptions(
        evaluation_filter=bool(flags.get("ROX_EVALUATION_FILTER", True)),
        cve_fix_timestamp=bool(flags.get(CVE_FIX_TIMESTAMP, True)),
        sensitive_file_activity=bool(flags.get(SENSITIVE_FILE_ACTIVITY, True)),
    )


def _nanoseconds(text: str) -> int:
    stamp = Timestamp()
    stamp.FromJsonString(text)
    return stamp.seconds * _NANOS + stamp.nanos


def _read(value: Json, message: _M, *, strict: bool = False) -> _M:
    return json_format.ParseDict(
        dict(value), message, ignore_unknown_fields=not strict, max_recursion_depth=_DEPTH
    )


def _deployment(case: Json) -> DeploymentSubject:
    applied = case.get("networkPoliciesApplied")
    policies = None
    if applied is not None:
        policies = NetworkPoliciesApplied(
            bool(applied.get("hasIngressNetworkPolicy")),
            bool(applied.get("hasEgressNetworkPolicy")),
            applied.get("policies") or {},
        )
    images = [None if one is None else _read(one, Image()) for one in case.get("images") or []]
    return DeploymentSubject(_read(case["deployment"], Deployment()), images, policies)


def _image(case: Json) -> Subject:
    return ImageSubject(_read(case["image"], Image()))


def _process(case: Json) -> Subject:
    process = _read(case["process"], ProcessIndicator())
    return ProcessSubject(_deployment(case), process, bool(case.get("processNotInBaseline")))


def _flow(case: Json) -> Subject:
    flow = case["networkFlow"]
    last_seen = None
    if flow.get("lastSeenTimestamp"):
        last_seen = Timestamp()
        last_seen.FromJsonString(flow["lastSeenTimestamp"])
    made = NetworkFlow(
        _flow_end(flow, "src"),
        _flow_end(flow, "dst"),
        int(flow.get("dstPort", 0)),
        L4Protocol.Value(flow.get("l4Protocol", "L4_PROTOCOL_UNKNOWN")),
        bool(flow.get("notInNetworkBaseline")),
        last_seen,
    )
    return NetworkFlowSubject(_deployment(case), made)


def _flow_end(flow: Json, side: str) -> FlowEnd:
    return FlowEnd(
        flow.get(f"{side}EntityName", ""),
        NetworkEntityInfo.Type.Value(flow.get(f"{side}EntityType", "UNKNOWN_TYPE")),
        flow.get(f"{side}DeploymentNamespace", ""),
        flow.get(f"{side}DeploymentType", ""),
    )


def _kube_event(case: Json) -> Subject:
    on = _deployment(case) if case.get("deployment") is not None else None
    return KubeEventSubject(_read(case["kubeEvent"], KubernetesEvent()), on)


def _audit_event(case: Json) -> Subject:
    return AuditEventSubject(_read(case["auditEvent"], KubernetesEvent()))


def _file_access(case: Json) -> Subject:
    return FileAccessSubject(_deployment(case), _read(case["fileAccess"], FileAccess()))


def _node_event(case: Json) -> Subject:
    return NodeEventSubject(_read(case.get("node") or {}, Node()), _read(case["fileAccess"], FileAccess()))


_READERS: dict[str, Callable[[Json], Subject]] = {
    "deployment": _deployment,
    "image": _image,
    "process": _process,
    "networkFlow": _flow,
    "kubeEvent": _kube_event,
    "auditEvent": _audit_event,
    "fileAccess": _file_access,
    "nodeEvent": _node_event,
}
