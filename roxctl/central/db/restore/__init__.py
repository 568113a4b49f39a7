"""`roxctl central db restore`: a command with an argument that has commands of its own."""

from __future__ import annotations

import importlib

import click

from roxctl.cli import Group

_ITSELF = "roxctl.central.db.restore.start"


class _Restore(Group):
    """`status` and `cancel` are commands; every other word is a file to restore."""

    def __init__(self) -> None:
        super().__init__(
            "restore",
            "Restore the database from a backup: restore <file>; or look after a restore that is going on.",
            {
                "cancel": "roxctl.central.db.restore.cancel",
                "status": "roxctl.central.db.restore.status",
            },
        )
        self.context_settings["ignore_unknown_options"] = True

    def invoke(self, ctx: click.Context) -> object:
        """Also without a word it is the restore itself, which then asks for the file."""
        if not ctx._protected_args and not ctx.args:  # noqa: SLF001 - click offers no public way
            ctx._protected_args = ["--"]  # noqa: SLF001 - as above
        return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names, or the restore with all words."""
        if args and args[0] in {"cancel", "status"}:
            return super().resolve_command(ctx, args)
        itself: click.Command = importlib.import_module(_ITSELF).command
        return "", itself, args


command = _Restore()
