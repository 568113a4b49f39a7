"""The stored logins: `roxctl-config.yaml`, with an access token for each Central.

`app.py` falls back to it when no credentials are given. Format and place are upstream's
(roxctl/common/config): `centrals` keyed `host:port`, each with `access`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from roxctl.errors import CliError, quoted

FILE_NAME = "roxctl-config.yaml"
_MAX_BYTES = 1 << 20
_REFRESH_BEFORE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Login:
    """The tokens for one Central."""

    access_token: str
    issued_at: str = ""
    expires_at: str = ""
    refresh_token: str = ""

    def needs_refresh(self, now: datetime) -> bool:
        """Whether the access token ends within half a minute and can be renewed."""
        if not self.refresh_token or not self.expires_at:
            return False
        try:
            return datetime.fromisoformat(self.expires_at) - now < _REFRESH_BEFORE
        except (ValueError, TypeError):
            return True


class Store:
    """The file with all logins of this user."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.path = _directory(environment) / FILE_NAME

    def login(self, endpoint: str) -> Login | None:
        """The stored login of this Central, if any. Raises `CliError` for a broken file."""
        access = _dictionary(_dictionary(self._read().get("centrals")).get(endpoint)).get("access")
        fields = {key: str(value) for key, value in _dictionary(access).items()}
        if not fields.get("accessToken"):
            return None
        return Login(
            access_token=fields["accessToken"],
            issued_at=fields.get("issuedAt", ""),
            expires_at=fields.get("expiresAt", ""),
            refresh_token=fields.get("refreshToken", ""),
        )

    def save(self, endpoint: str, login: Login) -> None:
        """Replace the login of this Central; the others stay. Only the owner may read the file."""
        import yaml  # noqa: PLC0415 - costs start-up time that most commands need not pay

        content = self._read()
        access = {"accessToken": login.access_token, "issuedAt": login.issued_at,
                  "expiresAt": login.expires_at, "refreshToken": login.refresh_token}  # fmt: skip
        content["centrals"] = {**_dictionary(content.get("centrals")), endpoint: {"access": access}}
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump(content, file)
        fresh.replace(self.path)

    def _read(self) -> dict[str, Any]:
        if not self.path.exists():
            return {}
        import yaml  # noqa: PLC0415 - costs start-up time that most commands need not pay

        try:
            with self.path.open(encoding="utf-8") as file:
                content = yaml.load(file.read(_MAX_BYTES), Loader=yaml.BaseLoader)  # noqa: S506 - texts only, no objects
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
            raise CliError(f"could not read stored logins from {quoted(str(self.path))}: {err}") from err
        return _dictionary(content)


def _dictionary(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _directory(environment: Mapping[str, str]) -> Path:
    for variable in ("ROX_CONFIG_DIR", "XDG_RUNTIME_DIR"):
        if environment.get(variable):
            return Path(environment[variable])
    return Path.home() / ".roxctl"
