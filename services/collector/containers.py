"""Which container a cgroup belongs to. Pure; used for kernel records and for /proc.

It must not know where the names come from.
"""

from __future__ import annotations

from collections.abc import Iterable

_ID_LENGTH = 64
# Upstream's Sensor and Central know containers by the first twelve digits.
_SHORT_LENGTH = 12
_HEX = frozenset("0123456789abcdefABCDEF")
_BEFORE_ID = frozenset("/-:")
_SCOPE = ".scope"
# The monitor of a CRI-O or Podman container has a cgroup of its own, named after the container.
_MONITOR = "-conmon"


def container_id(cgroup: str) -> str:
    """The container's short id, or an empty text when the path is not of a container.

    Knows `<driver>-<id>.scope` of the systemd driver (docker, cri-containerd, crio,
    libpod), plain `<id>` of the cgroupfs driver, and `<slice>:<driver>:<id>`; groups that a
    container made below its own count as the container's.
    """
    parts = cgroup.split("/")
    for part in reversed(parts):
        found = _id_in(part, rooted=len(parts) > 1)
        if found is not None:
            return found
    return ""


def container_of_file(lines: Iterable[str]) -> str:
    """The container that the lines of a `/proc/<pid>/cgroup` tell of; empty for none."""
    for line in lines:
        # `number:controllers:path`; the path may have colons.
        fields = line.rstrip("\n").split(":", 2)
        if len(fields) == 3 and (found := container_id(fields[2])):
            return found
    return ""


def _id_in(name: str, *, rooted: bool) -> str | None:
    """The id that one cgroup's name ends in; empty for a monitor's; None when there is none."""
    scope = name.rfind(_SCOPE)
    if scope >= 0:
        name = name[:scope]
    digits, before = name[-_ID_LENGTH:], name[:-_ID_LENGTH]
    if len(digits) < _ID_LENGTH or not _HEX.issuperset(digits):
        return None
    if not before:
        return digits[:_SHORT_LENGTH] if rooted else None
    if before[-1] not in _BEFORE_ID:
        return None
    return "" if before[:-1].endswith(_MONITOR) else digits[:_SHORT_LENGTH]
