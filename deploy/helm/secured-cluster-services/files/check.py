"""What `helm test` runs in a pod: is Sensor connected to Central, do reviews get an answer.

The chart hands it to the interpreter of the image main as text, so it uses nothing but
the standard library. It must not change anything in the cluster.
"""  # noqa: INP001 - a file of the chart, no package

from __future__ import annotations

import argparse
import base64
import json
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CONFIGURATION = "apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/stackrox"
_TIMEOUT = 15.0
_PAUSE = 3.0
_UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
Json = dict[str, Any]


class NotYet(Exception):
    """The check failed; the text says why."""


def authorities(directory: Path) -> str:
    """The service CA from whichever of the cluster's secrets holds it."""
    found = [path.read_text() for path in sorted(directory.glob("*.pem"))]
    if not found:
        raise NotYet("no secret holds the service CA: apply an init bundle or a cluster registration secret")
    return "\n".join(found)


def ask(url: str, trust: ssl.SSLContext, *, body: Json | None = None, token: str = "") -> bytes:
    """The answer's body."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - https only
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=trust) as answer:  # noqa: S310 - as above
            return bytes(answer.read())
    except OSError as err:
        raise NotYet(f"{url}: {err}") from err


def sensor(flags: argparse.Namespace) -> str:
    """Sensor has a stream to Central."""
    trust = ssl.create_default_context(cadata=authorities(flags.ca))
    # An init bundle's certificate names the namespace stackrox only.
    trust.check_hostname = False
    ask(f"https://sensor-webhook.{flags.namespace}.svc/connected", trust)
    return "Sensor is connected to Central"


def webhook(_: argparse.Namespace) -> str:
    """Reviews are answered to whoever trusts what the API server trusts."""
    server = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
    token = (_ACCOUNT / "token").read_text()
    configuration = json.loads(ask(f"https://kubernetes.default.svc/{_CONFIGURATION}", server, token=token))
    for hook in configuration["webhooks"]:
        review_through(hook["clientConfig"], hook["name"])
    return f"{len(configuration['webhooks'])} webhooks answer"


def review_through(client: Json, name: str) -> None:
    """Send one dry run as the API server would. Raises `NotYet`."""
    bundle = base64.b64decode(client.get("caBundle") or "").decode()
    if not bundle:
        raise NotYet(f"webhook {name} has no caBundle")
    service = client["service"]
    url = f"https://{service['name']}.{service['namespace']}.svc:{service.get('port', 443)}{service['path']}"
    answer = json.loads(ask(url, ssl.create_default_context(cadata=bundle), body=review(service["path"])))
    if answer.get("response", {}).get("uid") != _UID:
        raise NotYet(f"{url}: the answer belongs to another request: {answer}")


def review(path: str) -> Json:
    """A dry run of a harmless request of the kind that the path takes."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helm-test", "namespace": "default"},
        "spec": {"containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10"}]},
    }
    options = {"apiVersion": "v1", "kind": "PodExecOptions", "container": "pause", "command": ["true"]}
    connects = path == "/events"
    request = {
        "uid": _UID,
        "kind": {"group": "", "version": "v1", "kind": "PodExecOptions" if connects else "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "subResource": "exec" if connects else "",
        "name": "helm-test",
        "namespace": "default",
        "operation": "CONNECT" if connects else "CREATE",
        "userInfo": {"username": "helm-test"},
        "object": options if connects else pod,
        "dryRun": True,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def main() -> int:
    """Try until it holds or the time is up; 1 with the reason then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", choices=["sensor", "webhook"])
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--ca", type=Path, default=Path("/run/secrets/stackrox.io/ca"))
    parser.add_argument("--seconds", type=float, default=60.0)
    flags = parser.parse_args()
    checks: dict[str, Callable[[argparse.Namespace], str]] = {"sensor": sensor, "webhook": webhook}
    attempts = max(1, int(flags.seconds / _PAUSE))
    for attempt in range(attempts):
        try:
            sys.stdout.write(f"{checks[flags.check](flags)}\n")
        except NotYet as reason:
            sys.stderr.write(f"{reason}\n")
            if attempt + 1 < attempts:
                time.sleep(_PAUSE)
            continue
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
