"""Read a Containerfile: the part of its language that our images use, as values.

Called by `builder`. It must not touch the file system. What it does not know it refuses,
so that no engine sees an instruction that this reader would have passed over.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KEYWORDS = frozenset(
    {
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "LABEL",
        "RUN",
        "STOPSIGNAL",
        "USER",
        "WORKDIR",
    }
)
_FLAG = re.compile(r"--([a-z]+)=(\S+)\s+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)")


class Unreadable(ValueError):
    """A Containerfile that says something this reader does not know; the text names the line."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `--name=value` flags and the text behind them."""

    line: int
    keyword: str
    flags: tuple[tuple[str, str], ...]
    text: str

    def flag(self, name: str) -> str:
        """The value of a flag that may be given once; empty when it is not."""
        return next((value for key, value in self.flags if key == name), "")

    def mounts(self) -> list[dict[str, str]]:
        """The `--mount` flags as mappings; only bind mounts of the context are known."""
        found = [
            dict(_pair(part) for part in value.split(",")) for key, value in self.flags if key == "mount"
        ]
        for mount in found:
            if mount.get("type") != "bind" or not mount.get("source") or not mount.get("target"):
                raise Unreadable(f"line {self.line}: want --mount=type=bind,source=…,target=…")
        return found

    def words(self) -> list[str]:
        """The text as a list: JSON form as it stands, otherwise split as a shell would."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        if self.keyword in {"CMD", "ENTRYPOINT"}:
            raise Unreadable(f"line {self.line}: {self.keyword} takes the JSON form: a shell hides signals")
        return shlex.split(self.text)


@dataclass(frozen=True, slots=True)
class Stage:
    """One `FROM` and what follows it."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Containerfile:
    """The arguments before the first `FROM`, with their defaults, and the stages."""

    arguments: Mapping[str, str]
    stages: tuple[Stage, ...]

    def needed(self) -> list[Stage]:
        """The stages that the last one is made of, in order."""
        wanted = {self.stages[-1].name}
        for stage in reversed(self.stages):
            if stage.name in wanted:
                wanted.add(stage.base)
                wanted.update(step.flag("from") for step in stage.instructions if step.flag("from"))
        return [stage for stage in self.stages if stage.name in wanted]


def expand(text: str, values: Mapping[str, str]) -> str:
    """Put values for `$NAME` and `${NAME}`; an unknown name stays, for the shell of `RUN`."""
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def pairs(text: str) -> dict[str, str]:
    """`NAME=value NAME="value with blanks"` as a mapping."""
    return dict(_pair(word) for word in shlex.split(text))


def parse(text: str) -> Containerfile:
    """The values of a Containerfile; raises `Unreadable` for what our images do not use."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    steps: list[Instruction] = []
    for instruction in _instructions(text):
        if instruction.keyword == "FROM":
            _close(stages, steps)
            steps = [instruction]
        elif steps:
            steps.append(instruction)
        elif instruction.keyword == "ARG":
            arguments |= dict([_pair(instruction.text)])
        else:
            raise Unreadable(f"line {instruction.line}: {instruction.keyword} before FROM")
    _close(stages, steps)
    if not stages:
        raise Unreadable("no FROM")
    return Containerfile(arguments, tuple(stages))


def _close(stages: list[Stage], steps: Sequence[Instruction]) -> None:
    if not steps:
        return
    words = steps[0].text.split()
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].upper() != "AS"):
        raise Unreadable(f"line {steps[0].line}: want FROM image [AS name]")
    stages.append(Stage(words[2] if len(words) == 3 else str(len(stages)), words[0], tuple(steps[1:])))


def _instructions(text: str) -> list[Instruction]:
    found: list[Instruction] = []
    start, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start or number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            found.append(_instruction(start, " ".join(parts)))
            start, parts = 0, []
    if parts:
        raise Unreadable(f"line {start}: the last line goes on")
    return found


def _instruction(line: int, text: str) -> Instruction:
    keyword, _, rest = text.partition(" ")
    if keyword not in KEYWORDS:
        raise Unreadable(f"line {line}: {keyword} is not used in our images")
    rest, flags = rest.strip(), []
    while match := _FLAG.match(rest):
        flags.append((match[1], match[2]))
        rest = rest[match.end() :]
    return Instruction(line, keyword, tuple(flags), rest)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
