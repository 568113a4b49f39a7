"""`roxctl completion`: the script that teaches a shell the command tree."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app
from roxctl.errors import CliError, quoted

_SHELLS = ("bash", "zsh", "fish", "powershell")
_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName roxctl -ScriptBlock {
    param($word, $ast, $position)
    $env:_ROXCTL_COMPLETE = 'bash_complete'
    $env:COMP_WORDS = $ast.ToString()
    $env:COMP_CWORD = $ast.CommandElements.Count - [int]($word -ne '')
    roxctl | ForEach-Object { ($_ -split ',', 2)[1] }
    Remove-Item Env:_ROXCTL_COMPLETE, Env:COMP_WORDS, Env:COMP_CWORD
}
"""


@declare("completion", "Write the completion script for bash, zsh, fish or powershell.")
@click.argument("shell")
@pass_app
def command(app: App, shell: str) -> None:
    """Print it."""
    if shell not in _SHELLS:
        raise CliError(f"invalid argument {quoted(shell)} for {quoted('roxctl completion')}")
    if shell == "powershell":
        app.console.write(_POWERSHELL)
        return
    made = get_completion_class(shell)
    if made is None:
        raise CliError(f"no completion for {shell}; choose one of {', '.join(_SHELLS)}")
    from roxctl.main import root  # noqa: PLC0415 - the root knows this module by name only

    app.console.result(made(root(), {}, "roxctl", "_ROXCTL_COMPLETE").source())
