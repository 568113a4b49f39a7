"""The printer flags that scans and checks share, and what they select."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from roxctl.cli import switch
from roxctl.errors import CliError, InvalidArguments, quoted
from roxctl.output import csvtext, table

F = TypeVar("F", bound=Callable[..., Any])
# Forms that programs read: nothing else may stand beside them on standard output.
_FOR_PROGRAMS = frozenset({"json", "csv", "junit", "sarif"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user wants to see."""

    form: str
    compact: bool = False
    headers: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    no_header: bool = False
    comment_header: bool = False
    merge: bool = True
    suite: str = ""

    @property
    def for_programs(self) -> bool:
        """Whether the form is read by programs."""
        return self.form in _FOR_PROGRAMS

    def check(self, what: str, forms: Sequence[str]) -> None:
        """Raise `CliError` unless the form exists and the flags agree."""
        doing = f"could not create printer for {what}"
        if self.form not in forms:
            error: CliError = InvalidArguments(
                f"unsupported output format used: {quoted(self.form)}. Choose one of {' | '.join(forms)}"
            )
            raise error.wrap(doing)
        if self.no_header and self.comment_header:
            error = InvalidArguments(
                "cannot specify both --no-header as well as --headers-as-comment flags. "
                "Choose only one of them"
            )
            raise error.wrap(doing)

    def tabular(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """The rows as a table or as CSV. Raises `CliError` for a header that does not exist."""
        chosen, kept = self._selected(headers, rows)
        if self.form == "csv":
            return csvtext.render(
                chosen, kept, show_headers=not self.no_header, as_comment=self.comment_header
            )
        return table.render(chosen, kept, merge=self.merge, show_headers=not self.no_header)

    def _selected(
        self, headers: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> tuple[Sequence[str], list[list[str]]]:
        chosen = self.headers or tuple(headers)
        unknown = [name for name in (*chosen, *self.required) if name not in headers]
        if unknown:
            raise InvalidArguments(
                f"unknown header(s) {', '.join(unknown)}; choose from {', '.join(headers)}"
            )
        at = {name: number for number, name in enumerate(headers)}
        full = [row for row in rows if all(row[at[name]] for name in self.required)]
        return chosen, [[row[at[name]] or "-" for name in chosen] for row in full]


def comma_list(_: click.Context, __: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    """Values of a flag that may be repeated and may hold commas."""
    return tuple(part.strip() for text in value for part in text.split(",") if part.strip())


def printer_flags(default: str | None, forms: Sequence[str], suite: str = "") -> Callable[[F], F]:
    """Decorator: the flags, given to the function as `choice`."""

    def decorate(function: F) -> F:
        def with_choice(*arguments: Any, **options: Any) -> Any:
            choice = Choice(
                form=options.pop("output") or "",
                compact=options.pop("compact_output"),
                headers=options.pop("headers"),
                required=options.pop("required_headers"),
                no_header=options.pop("no_header"),
                comment_header=options.pop("headers_as_comments"),
                merge=options.pop("merge_output"),
                suite=options.pop("junit_suite_name", ""),
            )
            return function(*arguments, choice=choice, **options)

        # Click keeps the options of a function on the function itself.
        with_choice.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        with_choice.__name__ = function.__name__
        made: Any = with_choice
        for add in reversed(_flags(default, forms, suite)):
            made = add(made)
        return made  # type: ignore[no-any-return]  # click keeps the function's type

    return decorate


def _flags(default: str | None, forms: Sequence[str], suite: str) -> list[Callable[[Any], Any]]:
    shown = f"Form of the result: {' | '.join(forms)}."
    flags: list[Callable[[Any], Any]] = [
        click.option("-o", "--output", default=default, help=shown),
        switch("--compact-output", help="JSON without spaces and newlines."),
        click.option("--headers", multiple=True, callback=comma_list, help="Columns of the table or CSV."),
        click.option("--required-headers", multiple=True, callback=comma_list,
                     help="Columns that must not be empty in a shown row."),
        switch("--no-header", help="No header line."),
        switch("--headers-as-comments", help="The CSV's header as a comment."),
        switch("--merge-output", default=True, help="Merge equal neighbouring cells of the table."),
        click.option("--row-jsonpath-expressions", hidden=True, expose_value=False),
    ]  # fmt: skip
    if suite:
        flags.append(
            click.option(
                "--junit-suite-name", default=suite, show_default=True, help="Name of the JUnit suite."
            )
        )
    return flags
