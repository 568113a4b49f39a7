"""The commands that `up` prints at its end, to be typed word for word.

A test runs them as they stand. Pure text from an installation.
"""

from __future__ import annotations

import shlex

from services.local.launch import Installation

ROXCTL = ".venv/bin/roxctl"
LOCAL = ".venv/bin/python -m services local"


def commands_to_try(installation: Installation) -> str:
    """Where the portal is, where the password lies, what to try."""
    places = installation.places
    central = installation.options.table()["central"]
    endpoint = f"{central.address}:{central.ports['api']}"
    password = shlex.quote(str(places.admin_password))
    return "\n".join(
        [
            f"portal     https://{endpoint}",
            f"login      admin, password in {password}",
        ]
    )
