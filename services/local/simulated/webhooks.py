"""Validating webhooks: who is asked about a write, and what their answer means.

The API asks here before it stores anything, as an API server does: real HTTPS calls to
the registered services. It must not know what a webhook checks.
"""

from __future__ import annotations

import base64
import ssl
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from pyrox import log
from pyrox.k8s import kinds
from services.local.simulated.resources import WEBHOOKS, Address
from services.local.simulated.store import Json, Store

_LOG = log.get(__name__)
_DEFAULT_SECONDS = 10
_MAX_ANSWER = 3 * 1024 * 1024
USER = {
    "username": "simulated-admin",
    "uid": "simulated",
    "groups": ["system:masters", "system:authenticated"],
}


@dataclass(frozen=True, slots=True)
class Write:
    """A request that webhooks may refuse."""

    operation: str
    """CREATE, UPDATE, DELETE or CONNECT."""
    address: Address
    name: str
    object: Json | None
    old: Json | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a write does not happen."""

    code: int
    message: str
    reason: str = ""


class Webhooks:
    """Asks the webhooks that are registered in the store."""

    def __init__(self, *, store: Store, services: Mapping[str, str]) -> None:
        """`services` maps `namespace/name` to the `host:port` where that service is."""
        self._store = store
        self._services = dict(services)
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def refusal(self, write: Write) -> Refusal | None:
        """The first refusal, or None when the write may happen."""
        for configuration in self._store.list(WEBHOOKS):
            for hook in configuration.get("webhooks") or []:
                if self._wanted(hook, write):
                    refused = await self._ask(hook, write)
                    if refused is not None:
                        return refused
        return None

    def _wanted(self, hook: Json, write: Write) -> bool:
        if not any(_covers(rule, write) for rule in hook.get("rules") or []):
            return False
        namespace = self._store.get(kinds.NAMESPACE, "", write.address.namespace)
        labels = dict(namespace["metadata"].get("labels") or {}) if namespace else {}
        return selects(hook.get("namespaceSelector") or {}, labels)

    async def _ask(self, hook: Json, write: Write) -> Refusal | None:
        name = str(hook.get("name"))
        try:
            answer = await self._call(hook, _review(write))
            response = answer["response"]
            allowed = response["allowed"]
        except (httpx.HTTPError, ssl.SSLError, ValueError, KeyError, TypeError) as err:
            cause = str(err) or type(err).__name__
            if hook.get("failurePolicy", "Fail") == "Ignore":
                _LOG.warning("webhook failed open", webhook=name, error=cause)
                return None
            return Refusal(500, f'failed calling webhook "{name}": {cause}', "InternalError")
        return None if allowed is True else _refused(name, response.get("status") or {})

    async def _call(self, hook: Json, review: Json) -> Any:
        client_config = hook["clientConfig"]
        url, server_name = self._place(client_config)
        seconds = int(hook.get("timeoutSeconds") or _DEFAULT_SECONDS)
        context = self._context(str(client_config.get("caBundle") or ""))
        async with (
            httpx.AsyncClient(verify=context, timeout=seconds, trust_env=False) as client,
            client.stream(
                "POST",
                url,
                params={"timeout": f"{seconds}s"},
                json=review,
                extensions={"sni_hostname": server_name} if server_name else {},
            ) as response,
        ):
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MAX_ANSWER:
                    raise ValueError("the answer is too long")
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"status {response.status_code}: {body[:200].decode('utf-8', 'replace')}")
        return httpx.Response(200, content=body).json()

    def _place(self, client_config: Json) -> tuple[str, str]:
        """Where to call, and the name to expect in the certificate."""
        if "url" in client_config:
            return str(client_config["url"]), ""
        service = client_config["service"]
        key = f"{service['namespace']}/{service['name']}"
        if key not in self._services:
            raise ValueError(f"service {key} has no endpoints")
        path = str(service.get("path") or "/")
        return f"https://{self._services[key]}{path}", f"{service['name']}.{service['namespace']}.svc"

    def _context(self, bundle: str) -> ssl.SSLContext:
        if bundle not in self._contexts:
            pem = base64.b64decode(bundle).decode() if bundle else None
            self._contexts[bundle] = ssl.create_default_context(cadata=pem)
        return self._contexts[bundle]


def _covers(rule: Json, write: Write) -> bool:
    address = write.address
    resource = address.resource
    plural = resource.kind.plural + (f"/{address.subresource}" if address.subresource else "")
    return (
        _listed(rule.get("operations"), write.operation)
        and _listed(rule.get("apiGroups"), resource.group)
        and _listed(rule.get("apiVersions"), resource.version)
        and any(_names(str(pattern), plural) for pattern in rule.get("resources") or [])
    )


def _listed(values: Sequence[str] | None, value: str) -> bool:
    return values is not None and ("*" in values or value in values)


def _names(pattern: str, plural: str) -> bool:
    """`*` is every resource, `*/*` every subresource too, `pods/*` the subresources of pods."""
    if pattern in ("*/*", plural):
        return True
    if pattern == "*":
        return "/" not in plural
    return pattern.endswith("/*") and plural.startswith(pattern[:-1])


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches."""
    exact = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or []
    )


def _holds(expression: Json, labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def _review(write: Write) -> Json:
    address, resource = write.address, write.address.resource
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind.name}
    place = {"group": resource.group, "version": resource.version, "resource": resource.kind.plural}
    if address.subresource == "scale":
        kind = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    request: Json = {
        "uid": str(uuid.uuid4()),
        "kind": kind,
        "resource": place,
        "requestKind": kind,
        "requestResource": place,
        "name": write.name,
        "namespace": address.namespace,
        "operation": write.operation,
        "userInfo": USER,
        "object": write.object,
        "oldObject": write.old,
        "dryRun": write.dry_run,
        "options": None,
    }
    if address.subresource:
        request["subResource"] = request["requestSubResource"] = address.subresource
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def _refused(webhook: str, status: Json) -> Refusal:
    """The words of an API server (apiserver's webhook errors)."""
    text = f'admission webhook "{webhook}" denied the request'
    message, reason = str(status.get("message") or ""), str(status.get("reason") or "")
    detail = f": {message or reason}" if message or reason else " without explanation"
    return Refusal(int(status.get("code") or 400), text + detail, reason)
