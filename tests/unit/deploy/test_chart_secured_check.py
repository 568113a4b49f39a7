"""The script that `helm test` runs in a pod of the secured cluster."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from services.admission import review
from tests.support.charts import SECURED


@pytest.fixture(scope="module")
def check() -> ModuleType:
    found = importlib.util.spec_from_file_location("chart_check", SECURED / "files" / "check.py")
    assert found is not None
    assert found.loader is not None
    made = importlib.util.module_from_spec(found)
    found.loader.exec_module(made)
    return made


@pytest.mark.parametrize(
    ("path", "operation", "kind"), [("/validate", "CREATE", "Pod"), ("/events", "CONNECT", "PodExecOptions")]
)
def test_review_is_one_that_admission_can_read(
    check: ModuleType, path: str, operation: str, kind: str
) -> None:
    read = review.read(json.dumps(check.review(path)).encode())
    assert (read.operation, read.kind, read.dry_run, read.namespace) == (operation, kind, True, "default")


def test_without_any_secret_the_reason_says_what_to_apply(check: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(check.NotYet, match="apply an init bundle"):
        check.authorities(tmp_path)


def test_every_secret_with_a_ca_is_trusted(check: ModuleType, tmp_path: Path) -> None:
    for name in ("sensor-tls.pem", "service-ca.pem"):
        (tmp_path / name).write_text(name)
    assert check.authorities(tmp_path) == "sensor-tls.pem\nservice-ca.pem"


def test_webhook_without_a_ca_fails(check: ModuleType) -> None:
    client: dict[str, Any] = {"service": {"name": "admission-control", "namespace": "stackrox"}}
    with pytest.raises(check.NotYet, match="has no caBundle"):
        check.review_through(client, "policyeval.stackrox.io")


@pytest.mark.parametrize(("uid", "refused"), [("", True), ("705ab4f5-6393-11e8-b7cc-42010a800002", False)])
def test_answer_must_belong_to_the_request(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, uid: str, refused: bool
) -> None:
    asked: list[str] = []

    def answer(url: str, *_: object, **__: object) -> bytes:
        asked.append(url)
        return json.dumps({"response": {"uid": uid, "allowed": True}}).encode()

    monkeypatch.setattr(check, "ask", answer)
    monkeypatch.setattr(check.ssl, "create_default_context", lambda **_: None)
    service = {"name": "admission-control", "namespace": "stackrox", "path": "/validate", "port": 443}
    client = {"caBundle": base64.b64encode(b"PEM").decode(), "service": service}
    failed = False
    try:
        check.review_through(client, "policyeval.stackrox.io")
    except check.NotYet:
        failed = True
    assert failed is refused
    assert asked == ["https://admission-control.stackrox.svc:443/validate"]
