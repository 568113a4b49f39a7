"""Which namespaces belong to the platform rather than to the users: a compiled rule set."""

from __future__ import annotations

import re2

from pyrox.errors import Invalid
from pyrox.pb.storage.config_pb2 import PlatformComponentConfig


class PlatformNamespaces:
    """The rules of one configuration, compiled. Replaced when the configuration changes."""

    def __init__(self, config: PlatformComponentConfig) -> None:
        self._patterns = tuple(_compile(rule) for rule in config.rules if rule.namespace_rule.regex)
        self._known: dict[str, bool] = {}

    def is_platform(self, namespace: str) -> bool:
        """Whether any rule finds its pattern in the namespace's name."""
        if namespace not in self._known:
            self._known[namespace] = any(pattern.search(namespace) is not None for pattern in self._patterns)
        return self._known[namespace]


def _compile(rule: PlatformComponentConfig.Rule) -> re2._Regexp:
    try:
        return re2.compile(rule.namespace_rule.regex)
    except re2.error as err:
        raise Invalid.of(f"platform component rule {rule.name!r}: {err}") from err
