"""How far a transfer is: bytes, speed and what is left, told to the user now and then.

Used by `central backup` and `central db restore`.
"""

from __future__ import annotations

from roxctl.app import App

# On a terminal once a second; in a log once a minute, as upstream's progress bar.
_WATCHED_SECONDS, _LOGGED_SECONDS = 1.0, 60.0
_STEP = 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Progress:
    """One transfer; `total` is 0 when nobody knows it."""

    def __init__(self, app: App, name: str, *, total: int, done: int = 0) -> None:
        self._app = app
        self._name = name
        self._total = total
        self._already = done
        self.done = done
        self._began = self._told = app.timer.monotonic()
        self._pause = _WATCHED_SECONDS if app.console.interactive else _LOGGED_SECONDS

    def add(self, count: int) -> None:
        """So many bytes more."""
        self.done += count
        now = self._app.timer.monotonic()
        if now - self._told >= self._pause:
            self._told = now
            self._app.console.progress(self._line(now), last=False)

    def end(self) -> None:
        """The last line."""
        self._app.console.progress(self._line(self._app.timer.monotonic()), last=True)

    def _line(self, now: float) -> str:
        speed = (self.done - self._already) / max(now - self._began, 0.001)
        of = f" / {size(self._total)}" if self._total else ""
        left = int((self._total - self.done) / speed) if speed and self._total > self.done else 0
        eta = f" ETA {left // 3600:02}:{left % 3600 // 60:02}:{left % 60:02}" if left else ""
        return f"{size(self.done)}{of}  {size(speed)}/s  {self._name}{eta}"


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit in _UNITS[:-1]:
        if count < _STEP:
            return f"{count:.1f} {unit}"
        count /= _STEP
    return f"{count:.1f} {_UNITS[-1]}"
