"""Structured logs: a constant message plus fields, one line each on standard error.

`setup` is called once by each `main.py`; every other module takes `get(__name__)` at
the top. Values of fields named like secrets are masked here, so that a careless call
cannot leak one.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal, TextIO, cast


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports in the block find no such module, unless it is loaded already."""
    # None is what the import system itself takes for "not there".
    modules: dict[str, Any] = sys.modules
    hidden = module not in modules
    if hidden:
        modules[module] = None
    try:
        yield
    finally:
        if hidden:
            del modules[module]


# structlog.dev loads rich wherever it is installed: 7 MiB in each process, for coloured
# tracebacks that no log of ours has.
with _hidden("rich"):
    import structlog

Format = Literal["json", "console"]
Logger = structlog.stdlib.BoundLogger

_SECRET_WORDS = ("password", "secret", "token", "authorization", "credential", "private_key")
_MASK = "***"


class _StandardError(io.TextIOBase):
    """The standard error of the moment: whoever replaced it since `setup` gets the lines."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def mask_secrets(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Replace the values of fields whose names speak of secrets."""
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = _MASK
    return event


def setup(*, process: str, level: str = "info", form: Format = "console") -> None:
    """Send all logs of this process to standard error in one form.

    Raises `ValueError` for an unknown level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"unknown log level {level!r}")
    stream = cast("TextIO", _StandardError())
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_secrets,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=max(number, logging.WARNING), stream=stream)


def get(name: str) -> Logger:
    """A logger that carries the module's name."""
    logger: Logger = structlog.get_logger(module=name)
    return logger
