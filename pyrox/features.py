"""Every feature flag: default and removal condition.

Central reports them at `/v1/featureflags`; processes read one with `enabled`. A flag
is removed when its condition holds and no released peer looks at it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyrox.env import Setting, boolean


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature flag as upstream names it."""

    env_var: str
    name: str
    default: bool
    remove_when: str

    def enabled(self, environment: Mapping[str, str]) -> bool:
        """Whether the flag is on in this environment."""
        return Setting(self.env_var, boolean, self.default, self.name).read(environment)


FLATTEN_IMAGE_DATA = Flag(
    "ROX_FLATTEN_IMAGE_DATA",
    "Images are keyed by name and digest",
    default=True,
    remove_when="no Sensor below 4.9",
)
INIT_CONTAINER_SUPPORT = Flag(
    "ROX_INIT_CONTAINER_SUPPORT",
    "Init containers are part of a deployment",
    default=True,
    remove_when="no Sensor below 4.11",
)
SCANNER_V4 = Flag(
    "ROX_SCANNER_V4", "Scanner V4 is installed", default=True, remove_when="never: installs without it exist"
)

AUTO_LOCK_PROCESS_BASELINES = Flag(
    "ROX_AUTO_LOCK_PROCESS_BASELINES",
    "Process baselines can be locked once they are learned",
    default=True,
    remove_when="never: administrators may switch it off",
)

ALL: tuple[Flag, ...] = (AUTO_LOCK_PROCESS_BASELINES, FLATTEN_IMAGE_DATA, INIT_CONTAINER_SUPPORT, SCANNER_V4)
