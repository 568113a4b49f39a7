"""Central's REST interface as the administrator of this installation.

The enrolment and the command `policy` use it. It must not know what is asked.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from pyrox.errors import Unavailable
from services.local.credentials import ADMIN
from services.local.places import Places

Json = dict[str, Any]
_SECONDS = 60.0


class Central:
    """One open connection."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **query: str) -> Json:
        """The JSON at the path. Raises `Unavailable`."""
        return self._read("GET", path, params=query)

    def post(self, path: str, body: Json) -> Json:
        """The answer to a new object. Raises `Unavailable`."""
        return self._read("POST", path, json=body)

    def patch(self, path: str, body: Json) -> Json:
        """The answer to a change. Raises `Unavailable`."""
        return self._read("PATCH", path, json=body)

    def _read(self, method: str, path: str, **how: Any) -> Json:
        try:
            response = self._client.request(method, path, **how)
        except httpx.HTTPError as err:
            raise Unavailable(f"Central: {method} {path}: {str(err) or type(err).__name__}") from err
        try:
            parsed = response.json()
        except ValueError:
            parsed = None
        if response.is_error or not isinstance(parsed, dict):
            raise Unavailable(
                f"Central: {method} {path}: status {response.status_code}: {response.text[:300]}"
            )
        return parsed


@contextmanager
def opened(places: Places, endpoint: str) -> Iterator[Central]:
    """Central at `host:port`, asked as the administrator."""
    context = ssl.create_default_context(cafile=places.secrets / "ca" / "ca.pem")
    with httpx.Client(
        base_url=f"https://{endpoint}",
        auth=(ADMIN, places.admin_password.read_text().strip()),
        verify=context,
        timeout=_SECONDS,
        trust_env=False,
    ) as client:
        yield Central(client)
