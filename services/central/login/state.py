"""The state that a login by redirects carries: plain, a test, or a command line's callback.

`services.central.routes.sso` attaches it to the first redirect and reads it from the
last. Markers and messages are upstream's (`pkg/auth/authproviders/idputil/state.go`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qs, quote, urlencode, urlsplit

_TEST = "e003ba41-9cc1-48ee-b6a9-2dd7c21da92e"
_CALLBACK = "2ed17ca6-4b3c-4279-8317-f26f8ba01c52"
_NO_BOTH = "cannot use test mode and roxctl authorize in conjunction"
_ONLY_LOCAL = "roxctl authorization is only allowed for localhost as callback target"
_NOT_LOCAL = "roxctl authorization has to specify localhost / 127.0.0.1 as callback URL"
_NO_URL = "invalid callback URL for roxctl authorization"
_NO_HTTP = "roxctl authorization callback URL must use http or https"
# A token goes there, so nothing that a browser could read as another host passes:
# no user name, no backslash, no other spelling of an address.
_LOCAL = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_PATH_SAFE = "/:@!$&'()*+,;=~-._%"
_MAX_FIELDS = 64


class Mode(Enum):
    """What a login is for."""

    LOGIN = "login"
    TEST = "test"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class Callback:
    """Where a command line listens for its token: an address of the user's own machine."""

    base: str
    query: str

    def with_query(self, fields: Mapping[str, str]) -> str:
        """The URL with these fields beside its own."""
        known = parse_qs(self.query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        return f"{self.base}?{urlencode(sorted({**known, **fields}.items()), doseq=True)}"


def attached(state: str, *, test: bool, callback: str) -> str:
    """The state to send along. Raises `ValueError` when both modes, or a foreign host, are asked for."""
    if test and callback:
        raise ValueError(_NO_BOTH)
    if test:
        return f"{_TEST}#{state}"
    if callback:
        if _LOCAL.fullmatch(_host(callback)) is None:
            raise ValueError(_ONLY_LOCAL)
        return f"{_CALLBACK}#{callback}"
    return state


def mode_of(state: str) -> tuple[Mode, str]:
    """What the login is for, and the state without its marker."""
    marker, _, rest = state.partition("#")
    if marker == _TEST:
        return Mode.TEST, rest
    if marker == _CALLBACK:
        return Mode.CALLBACK, rest
    return Mode.LOGIN, rest if not marker and "#" in state else state


def callback_of(url: str) -> Callback:
    """The callback that a token may be sent to. Raises `ValueError` with upstream's message."""
    try:
        parts = urlsplit(url)
        parse_qs(parts.query, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise ValueError(_NO_URL) from error
    if parts.scheme not in {"http", "https"}:
        raise ValueError(_NO_HTTP)
    if _LOCAL.fullmatch(parts.netloc) is None:
        raise ValueError(_NOT_LOCAL)
    return Callback(f"{parts.scheme}://{parts.netloc}{quote(parts.path, safe=_PATH_SAFE)}", parts.query)


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
