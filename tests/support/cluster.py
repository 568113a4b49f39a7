"""A cluster of `KUBECONFIG`, driven as its operator does: with kubectl and helm.

The end-to-end tests ask here. It knows neither charts nor Central.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Json = dict[str, Any]
_LISTENING = re.compile(r"127\.0\.0\.1:(\d+)")


def run(
    *command: str, stdin: str = "", check: bool = True, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """One command to its end; one that must succeed fails with what it printed."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0 or not check, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done


def kubectl(
    *words: str, stdin: str = "", check: bool = True, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """`kubectl` with these words."""
    return run("kubectl", *words, stdin=stdin, check=check, seconds=seconds)


def helm(*words: str, check: bool = True, seconds: float = 400) -> subprocess.CompletedProcess[str]:
    """`helm` with these words."""
    return run("helm", *words, check=check, seconds=seconds)


def got(*words: str) -> Any:
    """What `kubectl get` gives as JSON."""
    return json.loads(kubectl("get", *words, "-o", "json").stdout)


def items(*words: str) -> list[Json]:
    """The objects of a list."""
    found: list[Json] = got(*words)["items"]
    return found


def apply(*objects: Json, check: bool = True) -> subprocess.CompletedProcess[str]:
    """`kubectl apply` of these objects."""
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return kubectl("apply", "-f", "-", stdin=body, check=check)


def eventually(ask: Callable[[], T], *, seconds: float, what: str, pause: float = 0.3) -> T:
    """The first answer that is true; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(pause)
    return answer


@contextmanager
def listening(*command: str) -> Iterator[int]:
    """A command that prints the loopback port that it chose; ended with the block."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = _LISTENING.search(line)
        assert port is not None, f"{' '.join(command)}: {line}"
        yield int(port.group(1))
    finally:
        process.kill()
        process.communicate()


def forwarded(namespace: str, target: str, port: int) -> Any:
    """A loopback port that leads to a port of a Service or Pod."""
    return listening("kubectl", "port-forward", "-n", namespace, "--address", "127.0.0.1", target, f":{port}")


def api_proxy() -> Any:
    """A loopback port that speaks to the API server with the operator's rights."""
    return listening("kubectl", "proxy", "--port=0")


def pods(namespace: str, selector: str = "") -> list[Json]:
    """The pods of a namespace that are not being deleted."""
    words: Sequence[str] = ("-l", selector) if selector else ()
    found = items("pods", "-n", namespace, *words)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def ready(pod: Json) -> bool:
    """Whether the pod is ready to serve."""
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def rolled_out(namespace: str, name: str, *, seconds: float = 240) -> None:
    """Wait until all pods of a Deployment are of its latest form, and ready.

    `kubectl rollout status` also waits for `minReadySeconds` more.
    """
    what = f"deployment {name} is rolled out"
    eventually(
        lambda: _rolled_out(got("deployment", name, "-n", namespace)), seconds=seconds, what=what, pause=1
    )


def _rolled_out(found: Json) -> bool:
    wanted, status = found["spec"]["replicas"], found.get("status", {})
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
    seen: int = status.get("observedGeneration", 0)
    return seen >= found["metadata"]["generation"] and counts == [wanted] * 3


def gone(namespace: str, name: str, *, seconds: float = 180) -> None:
    """Wait until no pod of a workload is left, one that is being deleted neither."""
    words = ("pods", "-n", namespace, "-l", f"app={name}")
    eventually(lambda: not items(*words), seconds=seconds, what=f"the pods of {name} are gone", pause=1)


def scale(namespace: str, name: str, replicas: int) -> None:
    """Give a Deployment so many pods; with none, wait until they are gone."""
    kubectl("scale", f"deployment/{name}", "-n", namespace, f"--replicas={replicas}")
    if not replicas:
        gone(namespace, name)


def deployment(namespace: str, name: str, image: str, *, privileged: bool = False) -> Json:
    """A Deployment of one sleeping pod."""
    labels = {"app": name}
    container: Json = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", "while true; do sleep 5; done"],
        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}},
    }
    if privileged:
        container["securityContext"] = {"privileged": True}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
            },
        },
    }


def namespace(name: str) -> Json:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
