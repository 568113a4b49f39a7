"""Where a local installation keeps what it writes: one directory, `.local` in the checkout.

Every module of `services.local` takes a `Places` instead of joining paths itself. It
must not read or write anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
MARK = "PYROX_LOCAL"
"""Environment variable that every process of an installation carries: its directory."""
MARK_NAME = "PYROX_LOCAL_PROCESS"


@dataclass(frozen=True, slots=True)
class Places:
    """The directory of one installation."""

    state: Path

    @classmethod
    def default(cls) -> Places:
        """The installation of this checkout."""
        return cls(CHECKOUT / ".local")

    @property
    def run(self) -> Path:
        """Process ids, lock and status; gone after `down`."""
        return self.state / "run"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.state / "run" / "lock"

    @property
    def board(self) -> Path:
        """The status that the supervisor writes."""
        return self.state / "run" / "status.json"

    @property
    def secrets(self) -> Path:
        """Keys, certificates and passwords, one directory per process as a pod mounts them."""
        return self.state / "secrets"

    @property
    def admin_password(self) -> Path:
        """The portal's first password."""
        return self.state / "admin-password"

    @property
    def kubeconfig(self) -> Path:
        """Leads to the simulated cluster."""
        return self.state / "kubeconfig"

    @property
    def definitions(self) -> Path:
        """The starter advisories as a bundle."""
        return self.state / "definitions" / "vulnerabilities.zip"

    def log(self, name: str) -> Path:
        """What a process wrote."""
        return self.state / "logs" / f"{name}.log"

    def pid(self, name: str) -> Path:
        """The process's id and start time."""
        return self.run / f"{name}.pid"

    def config(self, name: str) -> Path:
        """Configuration files of a process."""
        return self.state / "config" / name
