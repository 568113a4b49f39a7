"""Processes by executable and arguments, as the API groups them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pyrox.pb.api.v1.process_service_pb2 import (
    ProcessGroup,
    ProcessNameAndContainerNameGroup,
    ProcessNameGroup,
)
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator


def by_name(indicators: Iterable[ProcessIndicator]) -> list[ProcessNameGroup]:
    """One group per executable path; executed counts the containers that ran it."""
    found: dict[str, list[ProcessIndicator]] = defaultdict(list)
    for indicator in indicators:
        found[indicator.signal.exec_file_path].append(indicator)
    return [
        ProcessNameGroup(
            name=name, times_executed=_containers(found[name]), groups=_by_arguments(found[name])
        )
        for name in sorted(found)
    ]


def by_name_and_container(
    indicators: Iterable[ProcessIndicator], expected: Mapping[str, frozenset[str]]
) -> list[ProcessNameAndContainerNameGroup]:
    """The same per container; suspicious is what a locked baseline of the container does not name."""
    found: dict[tuple[str, str], list[ProcessIndicator]] = defaultdict(list)
    for indicator in indicators:
        # What has no executable no baseline can hold, so that upstream leaves it out here.
        if indicator.signal.exec_file_path:
            found[indicator.signal.exec_file_path, indicator.container_name].append(indicator)
    return [
        ProcessNameAndContainerNameGroup(
            name=name,
            container_name=container,
            times_executed=_containers(found[name, container]),
            groups=_by_arguments(found[name, container]),
            suspicious=container in expected and name not in expected[container],
        )
        for name, container in sorted(found)
    ]


def _containers(indicators: Sequence[ProcessIndicator]) -> int:
    return len({indicator.signal.container_id for indicator in indicators})


def _by_arguments(indicators: Iterable[ProcessIndicator]) -> list[ProcessGroup]:
    found: dict[str, list[ProcessIndicator]] = defaultdict(list)
    for indicator in indicators:
        found[indicator.signal.args].append(indicator)
    return [
        ProcessGroup(args=args, signals=sorted(found[args], key=lambda one: one.signal.time.ToNanoseconds()))
        for args in sorted(found)
    ]
