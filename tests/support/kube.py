"""A real control plane (API server, etcd, controllers; no node) for tests, from the shared scripts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Five ports from here on; away from the scripts' own default, so that one started by hand is left alone.
PORT = 17443
_START_SECONDS = 300


def kubectl() -> Path:
    """The client that the scripts built; there once a control plane was started."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("KUBE_NODE_CACHE") or Path(cache) / "kube-node") / "bin" / "kubectl"


@contextmanager
def control_plane(scripts: Path, directory: Path, *, port: int = PORT) -> Iterator[Path]:
    """Start it, yield the path of its kubeconfig, stop it and remove its data."""
    environment = {**os.environ, "KUBE_NODE_STATE": str(directory / "state"), "KUBE_NODE_PORT": str(port)}
    started = subprocess.run(
        [scripts / "up", "--control-plane-only"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_START_SECONDS,
        check=False,
    )
    try:
        assert started.returncode == 0, started.stderr
        yield Path(started.stdout.strip().splitlines()[-1])
    finally:
        subprocess.run(
            [scripts / "down", "--control-plane-only", "--purge"],
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
