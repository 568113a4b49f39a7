"""The filter that keeps a busy container from flooding Central with like processes.

Pure; used by the process pipeline. Per container it keeps a tree: path of the program,
then its arguments one by one. How often one leaf passes, how many branches a level has
and how many programs a container has are bounded (upstream pkg/process/filter).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FilterLimits:
    """The bounds; the defaults are upstream's."""

    exact_matches: int = 5
    fan_out: tuple[int, ...] = (8, 6, 4, 2)
    programs: int = 5000


DEFAULT = FilterLimits()
_LONG = 128
MODES = {
    "aggressive": FilterLimits(1, (), 1000),
    "default": DEFAULT,
    "minimal": FilterLimits(100, (20, 15, 10, 5), 20000),
}


@dataclass(slots=True)
class _Level:
    hits: int = 0
    children: dict[str, _Level] = field(default_factory=dict)


class ProcessFilter:
    """Decides which processes are news."""

    def __init__(self, limits: FilterLimits = DEFAULT) -> None:
        self._limits = limits
        self._containers: dict[str, dict[str, _Level]] = {}
        self._of_deployment: dict[str, set[str]] = {}

    def admit(self, deployment_id: str, container_id: str, path: str, arguments: str) -> bool:
        """Whether the process may pass; counts it when it does."""
        self._of_deployment.setdefault(deployment_id, set()).add(container_id)
        programs = self._containers.setdefault(container_id, {})
        key = _short(path)
        level = programs.get(key)
        if level is None:
            if len(programs) >= self._limits.programs:
                return False
            level = programs[key] = _Level()
        return self._sift(level, arguments.split(" ") if arguments else ())

    def forget_deployment(self, deployment_id: str) -> None:
        """The deployment is gone."""
        for container_id in self._of_deployment.pop(deployment_id, ()):
            self._containers.pop(container_id, None)

    def _sift(self, level: _Level, arguments: Sequence[str]) -> bool:
        for text, width in zip(arguments, self._limits.fan_out, strict=False):
            argument = _short(text)
            child = level.children.get(argument)
            if child is None:
                if len(level.children) >= width:
                    return False
                child = level.children[argument] = _Level()
            level = child
        if level.hits >= self._limits.exact_matches:
            return False
        level.hits += 1
        return True


def _short(text: str) -> str:
    """The text, or for a long one its digest: what is remembered has a bound."""
    if len(text) <= _LONG:
        return text
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
