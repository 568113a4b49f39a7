"""The parts of the official Kubernetes client that are used, without the rest of it.

Called once per client by `pyrox.k8s.client`. The package's own `__init__` imports its
whole synchronous half (requests, oauthlib, urllib3), which costs each process 9 MiB and
is never called; so the package is entered by its sub-packages only.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from typing import Any

_PACKAGES = ("kubernetes", "kubernetes.aio")


@dataclass(frozen=True, slots=True)
class Official:
    """What the client is made from."""

    api_client: Any
    configuration: Any
    load_kube_config: Any
    load_incluster_config: Any
    config_error: type[Exception]


def load() -> Official:
    """Import the parts."""
    for name in _PACKAGES:
        if name not in sys.modules:
            spec = importlib.util.find_spec(name)
            if spec is None:
                raise ImportError(f"{name} is not installed")
            sys.modules[name] = importlib.util.module_from_spec(spec)
    config = "kubernetes.aio.config"
    error: type[Exception] = _member(f"{config}.config_exception", "ConfigException")
    return Official(
        api_client=_member("kubernetes.aio.client.api_client", "ApiClient"),
        configuration=_member("kubernetes.aio.client.configuration", "Configuration"),
        load_kube_config=_member(f"{config}.kube_config", "load_kube_config"),
        load_incluster_config=_member(f"{config}.incluster_config", "load_incluster_config"),
        config_error=error,
    )


def _member(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
