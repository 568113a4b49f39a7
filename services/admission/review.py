"""AdmissionReview documents: read from hostile bytes, answered in the API server's form.

Pure. The webhook calls it; decisions are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from pyrox.errors import Invalid
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.policy.enforcement import BREAK_GLASS_ANNOTATION
from pyrox.rpc.codec.syntax import first_value
from pyrox.workload import objects
from pyrox.workload.objects import Object

API_VERSIONS = ("admission.k8s.io/v1", "admission.k8s.io/v1beta1")
KIND = "AdmissionReview"
# The API server's own limit of a request is 3 MiB; a review holds two objects.
MAX_BYTES = 16 << 20
REASON = "Failed currently enforced policies from StackRox"
_WIDTH = 80
_BYPASS_HINT = (
    f'In case of emergency, add the annotation {{"{BREAK_GLASS_ANNOTATION}": "ticket-1234"}} '
    "to your deployment with an updated ticket number"
)
_PREFIX = "decoding v1 admission review: "


@dataclass(frozen=True, slots=True)
class Review:
    """One request of the API server."""

    api_version: str
    uid: str
    operation: str
    kind: str
    resource: str
    subresource: str
    name: str
    namespace: str
    username: str
    groups: tuple[str, ...] = ()
    dry_run: bool = False
    object: Object = field(default_factory=dict)
    old_object: Object = field(default_factory=dict)


def read(body: bytes) -> Review:
    """The review in a body. Raises `Invalid` in the words that upstream answers with."""
    document = _document(body)
    version = objects.text(document, "apiVersion")
    if version not in API_VERSIONS or objects.text(document, "kind") != KIND:
        raise Invalid(f"{_PREFIX}expected {KIND} of {' or '.join(API_VERSIONS)}")
    request = objects.child(document, "request")
    if not request:
        raise Invalid("invalid admission review, nil request")
    user = objects.child(request, "userInfo")
    return Review(
        api_version=version,
        uid=objects.text(request, "uid"),
        operation=objects.text(request, "operation"),
        kind=objects.text(objects.child(request, "kind"), "kind"),
        resource=objects.text(objects.child(request, "resource"), "resource"),
        subresource=objects.text(request, "subResource"),
        name=objects.text(request, "name"),
        namespace=objects.text(request, "namespace"),
        username=objects.text(user, "username"),
        groups=tuple(objects.texts(user, "groups")),
        dry_run=objects.flag(request, "dryRun"),
        object=objects.child(request, "object"),
        old_object=objects.child(request, "oldObject"),
    )


def _document(body: bytes) -> Object:
    if len(body) > MAX_BYTES:
        raise Invalid(f"{_PREFIX}longer than {MAX_BYTES} bytes")
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError as err:
        raise Invalid(f"{_PREFIX}couldn't get version/kind; json parse error: {_fault(body, err)}") from err
    if not isinstance(document, Mapping):
        raise Invalid(f"{_PREFIX}couldn't get version/kind; json parse error: not an object")
    return document


def _fault(body: bytes, error: orjson.JSONDecodeError) -> str:
    """Where the body is wrong, in Go's words; the parser's own when Go would have taken it."""
    try:
        first_value(body)
    except Invalid as fault:
        return fault.message
    return str(error)


def allowed(review: Review) -> bytes:
    """The answer that lets the request pass."""
    return _answer(review, {"uid": review.uid, "allowed": True})


def denied(review: Review, message: str) -> bytes:
    """The answer that refuses the request."""
    status = {"metadata": {}, "status": "Failure", "message": message, "reason": REASON}
    return _answer(review, {"uid": review.uid, "allowed": False, "status": status})


def _answer(review: Review, response: Mapping[str, object]) -> bytes:
    return orjson.dumps({"kind": KIND, "apiVersion": review.api_version, "response": response})


def denial_text(alerts: Sequence[Alert], *, skipped: int, bypass_disabled: bool) -> str:
    """What the user of kubectl reads.

    `skipped` is the number of policies that were not looked at, since they need images.
    """
    parts = ["\nThe attempted operation violated one or more enforced policies, described below:\n\n"]
    parts += [_policy_block(alert) for alert in alerts]
    if skipped:
        policies = "policy depends" if skipped == 1 else "policies depend"
        parts.append(
            f"\n{skipped} additional {policies} on image enrichment results and will be evaluated only after "
            "the above violations are addressed.\n"
        )
    if not bypass_disabled:
        parts.append(f"\n{_BYPASS_HINT}")
    return "".join(parts) + "\n\n"


def _policy_block(alert: Alert) -> str:
    policy = alert.policy
    lines = [f"Policy: {policy.name}"]
    for title, text in (
        ("Description", policy.description),
        ("Rationale", policy.rationale),
        ("Remediation", policy.remediation),
    ):
        lines += [f"- {title}:", f"    ↳ {_wrapped(text)}"]
    lines.append("- Violations:")
    lines += [f"    - {violation.message}" for violation in alert.violations]
    return "\n".join(lines) + "\n\n"


def _wrapped(text: str) -> str:
    """The words in lines of at most 80 bytes (upstream pkg/stringutils/wrap.go)."""
    lines: list[str] = []
    length = 0
    for word in text.split():
        size = len(word.encode())
        if lines and length + 1 + size <= _WIDTH:
            lines[-1] += f" {word}"
            length += 1 + size
        else:
            lines.append(word)
            length = size
    return "\n      ".join(lines)
