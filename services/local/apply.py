"""`apply FILE`: create or change objects of the simulated cluster, in kubectl's words.

For machines without kubectl. It must not know what the objects mean.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

from pyrox.errors import Invalid, Unavailable
from services.local.simulated.resources import Resource, of_manifest

_SECONDS = 30.0
_MAX_FILE = 1024 * 1024
Say = Callable[[str], None]


class Cluster:
    """The API server of a kubeconfig that this installation wrote."""

    def __init__(self, kubeconfig: Path) -> None:
        """Raises `Invalid` when the file cannot be read."""
        try:
            config = json.loads(kubeconfig.read_bytes())
            cluster = config["clusters"][0]["cluster"]
            self._server = str(cluster["server"])
            self._context = ssl.create_default_context(cafile=cluster["certificate-authority"])
            self._token = str(config["users"][0]["user"]["token"])
        except (OSError, ValueError, KeyError, IndexError) as err:
            raise Invalid(f"{kubeconfig}: no simulated cluster; start it with `make up`: {err}") from err

    def apply(self, manifest: dict[str, Any], file: Path, say: Say) -> bool:
        """Create the object, or merge the manifest into it; whether it was accepted."""
        resource = of_manifest(str(manifest.get("apiVersion")), str(manifest.get("kind")))
        metadata = manifest.get("metadata")
        if resource is None or not isinstance(metadata, dict) or not metadata.get("name"):
            raise Invalid(f"{file}: expected an object with apiVersion, kind and metadata.name that is known")
        collection, name = _collection(resource, metadata), str(metadata["name"])
        with httpx.Client(
            base_url=self._server,
            verify=self._context,
            headers={"authorization": f"Bearer {self._token}"},
            timeout=_SECONDS,
            trust_env=False,
        ) as client:
            answer, verb = client.post(collection, json=manifest), "created"
            if answer.status_code == httpx.codes.CONFLICT:
                form = {"content-type": "application/merge-patch+json"}
                answer = client.patch(f"{collection}/{name}", content=json.dumps(manifest), headers=form)
                verb = "configured"
        if answer.is_success:
            group = f".{resource.group}" if resource.group else ""
            say(f"{resource.kind.name.lower()}{group}/{name} {verb}")
            return True
        say(_refusal(answer, file))
        return False


def manifests(file: Path) -> Iterator[dict[str, Any]]:
    """The documents of a YAML file. Raises `Invalid`."""
    raw = file.read_bytes()
    if len(raw) > _MAX_FILE:
        raise Invalid(f"{file} is larger than {_MAX_FILE} bytes")
    try:
        documents = list(yaml.safe_load_all(raw))
    except yaml.YAMLError as err:
        raise Invalid(f"{file} is not YAML: {err}") from err
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise Invalid(f"{file}: a document is no object")
        yield document


def _collection(resource: Resource, metadata: dict[str, Any]) -> str:
    kind = resource.kind
    return (
        kind.in_namespace(str(metadata.get("namespace") or "default")) if resource.namespaced else kind.path
    )


def _refusal(answer: httpx.Response, file: Path) -> str:
    try:
        status = answer.json()
        reason = f" ({status['reason']})" if status.get("reason") else ""
        return f'Error from server{reason}: error when creating "{file}": {status["message"]}'
    except (ValueError, KeyError, TypeError) as err:
        raise Unavailable(f"the API server answered with status {answer.status_code}") from err
