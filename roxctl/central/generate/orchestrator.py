"""What `k8s` and `openshift` are made of: each has one command for every kind of storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from roxctl.app import App
from roxctl.central.generate import flags
from roxctl.cli import Command, Group, pass_app
from roxctl.cli import command as declare
from roxctl.errors import CliError

Options = Callable[[], list[click.Option]]
_KINDS: Final[Mapping[str, Options]] = {"k8s": flags.kubernetes, "openshift": flags.openshift}
_STORAGE: Final[Mapping[str, tuple[str, Options]]] = {
    "pvc": ("Central DB on a persistent volume claim.", flags.claim),
    "hostpath": ("Central DB in a directory of a node.", flags.host_path),
    "none": ("Central DB without storage that outlives its pod.", list),
}


class Orchestrator(Group):
    """A kind of cluster."""

    def __init__(self, kind: str, about: str) -> None:
        super().__init__(kind, about, {name: f"roxctl.central.generate.{kind}.{name}" for name in _STORAGE})
        self.params.extend(_KINDS[kind]())

    def invoke(self, ctx: click.Context) -> Any:
        """Raises `CliError` when no storage is named."""
        if not ctx._protected_args and not ctx.args:  # noqa: SLF001 - click offers no public way
            raise CliError("storage type must be specified")
        return super().invoke(ctx)


def storage_command(kind: str, storage: str) -> Command:
    """The command of a kind of cluster for a kind of storage."""
    about, own = _STORAGE[storage]

    @declare(storage, about)
    @click.pass_context
    def command(ctx: click.Context) -> None:
        _generate(ctx, kind=kind, storage=storage)

    command.params.extend([*_KINDS[kind](), *own()])
    return command


@pass_app
def _generate(app: App, ctx: click.Context, *, kind: str, storage: str) -> None:
    from roxctl.central.generate import bundle, wanted  # noqa: PLC0415 - YAML is slow to import

    asked = wanted.read(app, flags.Given.of(ctx), kind=kind, storage=storage)
    bundle.generate(app, asked)
