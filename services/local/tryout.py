"""The commands that `up` prints at its end, to be typed word for word.

A test runs them as they stand. Pure text from an installation.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from services.local.launch import Installation
from services.local.places import CHECKOUT

EXAMPLES = Path("deploy/local/examples")
IMAGE = "shop/cart:latest"
POLICY = "Latest tag"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One command to try."""

    about: str
    command: str
    code: int = 0
    """The exit code that it ends with."""


def attempts(installation: Installation) -> list[Attempt]:
    """The commands, for a shell in the checkout."""
    places, table = installation.places, installation.options.table()
    python = _short(Path(sys.executable))
    roxctl = _short(Path(sys.executable).with_name("roxctl"))
    central, simulated = table["central"], table["simulated"]
    endpoint = f"{central.address}:{central.ports['api']}"
    registry = f"{simulated.address}:{simulated.ports['registry']}"
    ca = _short(places.secrets / "ca" / "ca.pem")
    password = f'-p "$(cat {_short(places.admin_password)})"'
    local = f"{python} -m services local"
    flags = installation.options.shared_flags()
    check = f"{roxctl} image check --image {registry}/{IMAGE} -e {endpoint} --ca {ca} {password}"
    found = [Attempt("check an image as CI does; it breaks an enforced policy and exits 1", check, 1)]
    if installation.options.kubeconfig is None:
        apply = f"{local} apply{flags}"
        found += [
            Attempt(
                "apply a privileged workload; Admission refuses it", f"{apply} {EXAMPLES}/privileged.yaml", 1
            ),
            Attempt("apply it without the privilege", f"{apply} {EXAMPLES}/modest.yaml"),
        ]
    found += [
        Attempt("switch a policy off; its violations go", f'{local} policy{flags} "{POLICY}" off'),
        Attempt("and on again", f'{local} policy{flags} "{POLICY}" on'),
    ]
    return found


def commands_to_try(installation: Installation) -> str:
    """Where the portal is, where the password lies, what to try; empty for a table without them."""
    names = {process.name for process in installation.options.table().processes}
    if not names >= {"central", "simulated"}:
        return ""
    central = installation.options.table()["central"]
    lines = [
        f"portal    https://{central.address}:{central.ports['api']}",
        f"login     admin, password in {_short(installation.places.admin_password)}",
        "",
        "to try, word for word:",
    ]
    for attempt in attempts(installation):
        lines += ["", f"# {attempt.about}", attempt.command]
    if installation.options.kubeconfig is None:
        lines += ["", f"kubectl   export KUBECONFIG={_short(installation.places.kubeconfig)}"]
    return "\n".join(lines)


def _short(path: Path) -> str:
    """The path as seen from the checkout, ready for a shell."""
    relative = os.path.relpath(path, CHECKOUT)
    return shlex.quote(str(path) if relative.startswith("..") else relative)
