"""What init bundles and cluster registration secrets have in common: lists, files, dates."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from roxctl.app import App
from roxctl.errors import CliError, quoted
from roxctl.output.columns import aligned

STDOUT = "-"


def creator(user: Any) -> str:
    """A readable name of the user who made it."""
    attributes = {attribute.key: attribute.value for attribute in user.attributes}
    return attributes.get("name") or attributes.get("username") or attributes.get("email") or str(user.id)


def moment(message: Any, field: str) -> str:
    """The time in the field as RFC 3339, empty when unset."""
    return str(getattr(message, field).ToJsonString()) if message.HasField(field) else ""


def listed(items: Iterable[Any], created_by: str) -> str:
    """The table of all items, sorted by name; `created_by` is that column's heading."""
    headings = ["Name", "Created at", "Expires at", created_by, "ID"]
    rows = [
        [
            item.name or "(empty)",
            moment(item, "created_at"),
            moment(item, "expires_at"),
            creator(item.created_by),
            item.id,
        ]
        for item in sorted(items, key=lambda item: str(item.name))
    ]
    return aligned([headings, ["=" * len(heading) for heading in headings], *rows])


def described(what: str, meta: Any) -> str:
    """What was made, as it is told to the user."""
    return (
        f"Successfully generated new {what}.\n\n"
        f"  Name:       {meta.name}\n"
        f"  Created at: {moment(meta, 'created_at')}\n"
        f"  Expires at: {moment(meta, 'expires_at')}\n"
        f"  Created By: {creator(meta.created_by)}\n"
        f"  ID:         {meta.id}\n"
    )


def chosen(items: Iterable[Any], wanted: Sequence[str], what: str) -> list[Any]:
    """The items that are named by id or name. Raises `CliError` when one is not there.

    An empty word, such as that of a variable nobody set, names no item: not those either
    that were made without a name.
    """
    if "" in wanted:
        raise CliError(f"could not find {what}(s) {quoted('')}: give an id or a name")
    missing = set(wanted)
    found = []
    for item in items:
        names = {item.id, item.name} & set(wanted)
        if names:
            found.append(item)
            missing -= names
    if missing:
        raise CliError(f"could not find {what}(s) {', '.join(sorted(missing))}")
    return found


class OutputFile:
    """A file that must not exist yet; it goes away again unless it was written.

    It is opened before Central is asked, since what Central makes cannot be fetched twice.
    """

    def __init__(self, name: str, doing: str, mode: int = 0o600) -> None:
        self.name = name
        self._descriptor = -1
        if name == STDOUT:
            return
        try:
            self._descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except OSError as err:
            reason = (err.strerror or str(err)).lower()
            raise CliError(f"{doing}: open {name}: {reason}") from err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            with suppress(OSError):
                Path(self.name).unlink()

    def write(self, app: App, data: bytes, told: str) -> None:
        """Write and keep it; `told` says so, with the name in place of `{}`."""
        if self._descriptor < 0:
            app.console.write_bytes(data)
            return
        with os.fdopen(self._descriptor, "wb") as file:
            self._descriptor = -1
            file.write(data)
        app.console.info(told.format(quoted(self.name)))
