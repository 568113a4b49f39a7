"""The frame of the command tree: lazy groups, commands with the global flags, Cobra's words.

Every group and command module of `roxctl` uses it. Scripts rely on how upstream's
parser behaves: global flags stand anywhere, switches take `=false`, and refusals have
its texts.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, NoReturn, TypeVar

import click

from roxctl.app import App
from roxctl.errors import CliError, quoted

F = TypeVar("F", bound=Callable[..., Any])
_SWITCHES = "roxctl.switches"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_INTEGER = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_SETTINGS: MutableMapping[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def pass_app(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator that gives the run's `App` to the function as its first argument."""
    return click.make_pass_decorator(App)(function)


class Switch(click.Option):
    """A yes-or-no flag that also takes `=true` and `=false`."""

    def __init__(self, param_decls: Sequence[str], *, default: bool = False, **options: Any) -> None:
        super().__init__(list(param_decls), is_flag=True, default=default, **options)

    @property
    def spellings(self) -> list[str]:
        """The long names."""
        return [name for name in self.opts if name.startswith("--")]

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, Any]:
        """Prefer what `=true` or `=false` said."""
        said = ctx.meta.get(_SWITCHES, {})
        if self.name in said:
            return said[self.name], click.core.ParameterSource.COMMANDLINE
        return super().consume_value(ctx, opts)


class GoDuration(click.ParamType[float]):
    """A duration in Go's form; seconds as a number."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ARG002 - click's form
        """Seconds."""
        from pyrox.env import duration  # noqa: PLC0415 - only commands with time limits need it

        if isinstance(value, int | float):
            return float(value)
        if value == "0":
            return 0.0
        try:
            return duration(str(value)).total_seconds()
        except (ValueError, OverflowError):
            raise bad_value(param, str(value), f"time: invalid duration {quoted(str(value))}") from None


class GoInteger(click.ParamType[int]):
    """A whole number, refused in Go's words."""

    name = "int"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ARG002 - click's form
        """The number."""
        text = str(value)
        if not _INTEGER.fullmatch(text):
            raise bad_value(param, text, f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax")
        if not -(2**63) <= int(text) < 2**63:
            raise bad_value(param, text, f"strconv.ParseInt: parsing {quoted(text)}: value out of range")
        return int(text)


def bad_value(param: click.Parameter | None, value: str, why: str) -> CliError:
    """Cobra's refusal of a flag's value."""
    flags = ", ".join(sorted(param.opts, key=len)) if param is not None else ""
    return CliError(f'invalid argument {quoted(value)} for "{flags}" flag: {why}')


def switch(*declarations: str, **options: Any) -> Callable[[F], F]:
    """Decorator that adds a `Switch`."""
    return click.option(*declarations, cls=Switch, **options)


def timeout(default: str) -> Callable[[F], F]:
    """The `--timeout` of a command."""
    return click.option("-t", "--timeout", "seconds", type=GoDuration(), default=default, show_default=True,
                        help="How long the whole request may take.")  # fmt: skip


def retry_timeout(default: str = "20s") -> Callable[[F], F]:
    """The `--retry-timeout` of a command; 0 means that a try may take the whole time."""
    return click.option(
        "--retry-timeout",
        "try_seconds",
        type=GoDuration(),
        default=default,
        show_default=True,
        help="How long one try of a request may take; 0 for no limit.",
    )


def retries(function: F) -> F:
    """Decorator: `--retries` and `--retry-delay` of a command that is repeated as a whole."""
    count = click.option("-r", "--retries", type=GoInteger(), default=3, show_default=True,
                         help="Retries before giving up.")  # fmt: skip
    delay = click.option("-d", "--retry-delay", type=GoInteger(), default=3, show_default=True,
                         help="Seconds between retries.")  # fmt: skip
    return delay(count(function))


class _Parsing(click.Command):
    """Global flags on every level, and `=false` on switches."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from roxctl.globals import global_options  # noqa: PLC0415 - it needs this module's Switch

        own = {param.name for param in self.params}
        return [*super().get_params(ctx), *(option for option in global_options() if option.name not in own)]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _help_asked
        return option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name: param for param in self.get_params(ctx) if isinstance(param, Switch)
                 for name in param.spellings}  # fmt: skip
        said = ctx.meta.setdefault(_SWITCHES, {})
        kept: list[str] = []
        for at, word in enumerate(args):
            if word == "--":
                kept += args[at:]
                break
            name, equals, value = word.partition("=")
            if equals and name in known:
                said[known[name].name] = _boolean(name, value)
            else:
                kept.append(word)
        return super().parse_args(ctx, kept)


def _help_asked(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        _show_help(ctx)
        ctx.exit()


def _show_help(ctx: click.Context) -> None:
    """To the run's own output, which need not be the process's."""
    app = ctx.find_object(App)
    if app is not None:
        app.console.result(ctx.get_help())


def _boolean(name: str, value: str) -> bool:
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    why = f"strconv.ParseBool: parsing {quoted(value)}: invalid syntax"
    raise CliError(f'invalid argument {quoted(value)} for "{name}" flag: {why}')


class Command(_Parsing):
    """One command."""

    def __init__(self, name: str, *, deprecation: str = "", **options: Any) -> None:
        super().__init__(name, context_settings={**_SETTINGS, "allow_extra_args": True}, **options)
        self._deprecation = deprecation

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, after the note that it is going away."""
        if ctx.args:
            raise CliError(f"unknown command {quoted(ctx.args[0])} for {quoted(ctx.command_path)}")
        app = ctx.find_object(App)
        if app is not None:
            app.command = " ".join(ctx.command_path.split()[1:])
            if self._deprecation:
                app.console.note(f'Command "{self.name}" is deprecated, {self._deprecation}')
        return super().invoke(ctx)


class Group(_Parsing, click.Group):
    """Commands by name, each in a module that is imported when it is needed."""

    def __init__(self, name: str, about: str, modules: Mapping[str, str]) -> None:
        super().__init__(name=name, help=about, invoke_without_command=True, context_settings=dict(_SETTINGS))
        self._modules = dict(modules)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's form
        """All names, in order."""
        return sorted(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's form
        """The command of that name."""
        module = self._modules.get(cmd_name)
        if module is None:
            return None
        found: click.Command = importlib.import_module(module).command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names. Raises `UnknownCommand`."""
        if args and not args[0].startswith("-") and args[0] not in self._modules:
            raise UnknownCommand(args[0], ctx.command_path)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, or show the help when none is named."""
        if not ctx._protected_args and not ctx.args:  # noqa: SLF001 - click offers no public way
            _show_help(ctx)
            return None
        return super().invoke(ctx)


class UnknownCommand(CliError):
    """A word that names no command."""

    def __init__(self, word: str, path: str) -> None:
        super().__init__(f"unknown command {quoted(word)} for {quoted(path)}")
        self.usage = f"Run '{path} --help' for usage."


def command(name: str, about: str, *, deprecation: str = "") -> Callable[[Callable[..., Any]], Command]:
    """Decorator that makes a command of a function."""

    def decorate(function: Callable[..., Any]) -> Command:
        return click.command(name, cls=Command, help=about, deprecation=deprecation)(function)

    return decorate


def required(value: str | tuple[str, ...], *names: str) -> None:
    """Raise Cobra's refusal when a flag without default is missing."""
    if not value:
        refuse_missing(*names)


def refuse_missing(*names: str) -> NoReturn:
    """Cobra's refusal of missing flags."""
    raise CliError(f"required flag(s) {', '.join(quoted(name) for name in names)} not set")


def refusal(error: click.UsageError) -> str:
    """The words of Cobra for what click refuses."""
    if isinstance(error, click.NoSuchOption):
        return _unknown_flag(error.option_name)
    if isinstance(error, click.BadOptionUsage):
        return f"flag needs an argument: {error.option_name}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        name = error.param.human_readable_name
        return (
            f"requires the argument {name}"
            if isinstance(error.param, click.Argument)
            else _missing(error.param)
        )
    if isinstance(error, click.BadParameter) and error.param is not None:
        flags = ", ".join(sorted(error.param.opts, key=len))
        return f'invalid argument for "{flags}" flag: {error.message}'
    return error.format_message()


def _missing(param: click.Parameter) -> str:
    longest = max(param.opts, key=len).removeprefix("--")
    return f"required flag(s) {quoted(longest)} not set"


def _unknown_flag(name: str) -> str:
    if name.startswith("--"):
        return f"unknown flag: {name}"
    return f"unknown shorthand flag: '{name.lstrip('-')[:1]}' in {name}"
