"""One run of the command line: its streams, flags and environment, and what is made of them.

`main.py` makes it, every command receives it. It imports network code only when a
command asks for Central, so that help and version answer at once.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from roxctl import auth, settings
from roxctl.config import Login, Store
from roxctl.console import Console
from roxctl.errors import CliError, InvalidArguments

if TYPE_CHECKING:
    from pyrox.clock import SystemClock
    from roxctl.central_client import Central, Timer
    from roxctl.rest import Rest


class SystemTimer:
    """The machine's clock."""

    @cached_property
    def _clock(self) -> SystemClock:
        from pyrox.clock import SystemClock  # noqa: PLC0415 - asyncio is slow to import

        return SystemClock()

    def now(self) -> datetime:
        """The current moment."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class App:
    """What a command may use."""

    def __init__(self, *, console: Console, environment: Mapping[str, str], timer: Timer) -> None:
        self.console = console
        self.environment = environment
        self.timer = timer
        self.flags: dict[str, object] = {}
        """Global flags that were given, wherever on the command line they stood."""
        self.command = ""
        """The words of the command, such as `image check`."""

    @property
    def values(self) -> settings.Values:
        """Flags and environment."""
        return settings.Values(self.flags, self.environment)

    @contextmanager
    def central(self) -> Iterator[Central]:
        """A connection to Central with this run's credentials. Raises `CliError`."""
        from roxctl.central_client import Central  # noqa: PLC0415 - protobuf is slow to import

        found = self._settings()
        client = Central(
            settings=found,
            authorization=self._authorization(found),
            headers=tuple(self._headers().items()),
            timer=self.timer,
        )
        try:
            yield client
        finally:
            client.close()

    def rest(self, *, retries: int | None = None, pause: float | None = None) -> Rest:
        """Plain HTTP with this run's credentials. Raises `CliError`.

        A command with flags of its own for it says how often to try again, and after how
        many seconds.
        """
        found = self._settings()
        authorization = self._authorization(found)
        extra = {"authorization": authorization} if authorization else {}
        return self._rest(found, extra, retries=retries, pause=pause)

    def _settings(self) -> settings.Settings:
        found = settings.read(self.values)
        return replace(found, proxied=_proxied(found))

    def _rest(
        self,
        found: settings.Settings,
        extra: Mapping[str, str],
        *,
        retries: int | None = None,
        pause: float | None = None,
    ) -> Rest:
        from roxctl.rest import Rest  # noqa: PLC0415 - httpx is slow to import

        headers = {**self._headers(), **extra}
        tries = self.http_retries() if retries is None else retries
        return Rest(settings=found, headers=headers, timer=self.timer, retries=tries, pause=pause)

    def http_retries(self) -> int:
        """How often a plain HTTP request that failed is made again. Raises `CliError`."""
        from roxctl.rest import DEFAULT_RETRIES  # noqa: PLC0415 - httpx is slow to import

        raw = self.environment.get("ROX_CLIENT_MAX_RETRIES", "") or str(DEFAULT_RETRIES)
        if not raw.isdecimal() or int(raw) > 100:
            raise InvalidArguments(f"ROX_CLIENT_MAX_RETRIES={raw!r}: give a number up to 100")
        return int(raw)

    def _headers(self) -> dict[str, str]:
        """Headers that say which command asks."""
        headers = {"rh-roxctl-command": self.command}
        where = self.environment.get("ROX_EXECUTION_ENV", "")
        if where.isascii() and where.isprintable() and where:
            headers["rh-execution-environment"] = where
        return headers

    def _authorization(self, found: settings.Settings) -> str:
        given = auth.authorization(self.values)
        if given is not None:
            return given
        store = Store(self.environment)
        login = store.login(found.endpoint)
        if login is None:
            return ""
        if login.needs_refresh(self.timer.now()):
            login = self._refreshed(found, login)
            store.save(found.endpoint, login)
        return auth.bearer(login.access_token)

    def _refreshed(self, found: settings.Settings, login: Login) -> Login:
        import json  # noqa: PLC0415 - rarely needed

        cookie = {"cookie": f"RoxRefreshToken={login.refresh_token}"}
        try:
            answer = self._rest(found, cookie).request("GET", "/sso/session/tokenrefresh", seconds=60)
            content = json.loads(answer.body)
            token, expiry = str(content["token"]), str(content["expiry"])
        except (CliError, ValueError, KeyError, TypeError) as err:
            raise CliError(
                f"could not renew the stored login: {err}; run `roxctl central login` again"
            ) from err
        return Login(
            access_token=token,
            issued_at=login.issued_at,
            expires_at=expiry,
            refresh_token=login.refresh_token,
        )


def _proxied(found: settings.Settings) -> bool:
    """Whether the environment puts an HTTP proxy between this client and Central."""
    scheme = "http" if found.plaintext else "https"
    proxies = urllib.request.getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not urllib.request.proxy_bypass(found.host)
