"""AdmissionReview documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.alert_pb2 import Alert
from services.admission import review
from tests.unit.services.admission.builders import PRIVILEGED
from tests.unit.services.admission.builders import review as asked


def document(**request: Any) -> bytes:
    body: dict[str, Any] = {
        "uid": "u1",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"resource": "deployments"},
        "name": "web",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "bob", "groups": ["a", "b"]},
        "object": {"kind": "Deployment"},
    }
    body.update(request)
    whole = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": body}
    return json.dumps(whole).encode()


def alert(*messages: str) -> Alert:
    return Alert(policy=PRIVILEGED, violations=[Alert.Violation(message=text) for text in messages])


def test_read_gives_every_field_of_the_request() -> None:
    found = review.read(document(subResource="scale", dryRun=True, oldObject={"kind": "Old"}))
    assert (found.uid, found.operation, found.kind, found.resource) == (
        "u1",
        "CREATE",
        "Deployment",
        "deployments",
    )
    assert (found.subresource, found.name, found.namespace) == ("scale", "web", "shop")
    assert (found.username, found.groups, found.dry_run) == ("bob", ("a", "b"), True)
    assert (found.object, found.old_object) == ({"kind": "Deployment"}, {"kind": "Old"})


def test_read_keeps_the_version_for_the_answer() -> None:
    body = document().replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1")
    answer = json.loads(review.allowed(review.read(body)))
    assert answer["apiVersion"] == "admission.k8s.io/v1beta1"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"{bad",
            "json parse error: invalid character 'b' looking for beginning of object key string",
        ),
        (b"{}", "decoding v1 admission review: expected AdmissionReview of"),
        (b"[]", "decoding v1 admission review: couldn't get version/kind; json parse error: not an object"),
        (
            b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
            "invalid admission review, nil request",
        ),
        (b'{"kind":"AdmissionReview","apiVersion":"v1","request":{"uid":"1"}}', "expected AdmissionReview"),
    ],
)
def test_read_of_a_bad_body_says_what_is_wrong(body: bytes, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        review.read(body)
    assert message in caught.value.message


def test_read_refuses_a_body_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "MAX_BYTES", 10)
    with pytest.raises(Invalid, match="longer than 10 bytes"):
        review.read(document())


def test_values_of_a_wrong_kind_read_as_nothing() -> None:
    found = review.read(document(userInfo=["x"], object="text", name=7))
    assert (found.username, dict(found.object), found.name) == ("", {}, "")


def test_allowed_has_upstreams_bytes() -> None:
    assert review.allowed(asked()) == (
        b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",'
        b'"response":{"uid":"u1","allowed":true}}'
    )


def test_denied_carries_status_reason_and_message() -> None:
    response = json.loads(review.denied(asked(), "no"))["response"]
    assert response == {
        "uid": "u1",
        "allowed": False,
        "status": {
            "metadata": {},
            "status": "Failure",
            "message": "no",
            "reason": "Failed currently enforced policies from StackRox",
        },
    }


def test_denial_text_lists_policies_and_the_way_round_them() -> None:
    text = review.denial_text([alert("one", "two")], skipped=0, bypass_disabled=False)
    assert text == (
        "\nThe attempted operation violated one or more enforced policies, described below:\n\n"
        "Policy: privileged\n- Description:\n    ↳ About privileged\n- Rationale:\n    ↳ Because\n"
        "- Remediation:\n    ↳ Do not\n- Violations:\n    - one\n    - two\n\n\n"
        'In case of emergency, add the annotation {"admission.stackrox.io/break-glass": "ticket-1234"} '
        "to your deployment with an updated ticket number\n\n"
    )


@pytest.mark.parametrize(
    ("skipped", "words"), [(1, "1 additional policy depends"), (3, "3 additional policies depend")]
)
def test_denial_text_counts_what_was_not_looked_at(skipped: int, words: str) -> None:
    text = review.denial_text([alert("one")], skipped=skipped, bypass_disabled=True)
    assert f"{words} on image enrichment results" in text
    assert "break-glass" not in text


def test_denial_text_wraps_at_eighty_bytes_with_a_hanging_indent() -> None:
    long = alert("one")
    long.policy.description = "word " * 30
    lines = review.denial_text([long], skipped=0, bypass_disabled=True).splitlines()
    first = next(line for line in lines if "↳ word" in line)
    assert len(first.removeprefix("    ↳ ")) == 79
    assert lines[lines.index(first) + 1].startswith("      word")
