"""`python -m tools.mutants pyrox/scan`: changes the code, one small change at a time, and runs its tests.

The tests of a module are those that mirror its path. A change that they do not notice has
survived: the tests say too little there, or the code does not matter. The seed repeats a choice.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pyrox import env
from tools.mutants.changes import changes
from tools.mutants.plugin import VARIABLE

ROOT = Path(__file__).resolve().parents[2]
# A change may make a loop endless; the slowest module's tests take a tenth of this.
SECONDS = 300


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    path: str
    number: int
    line: int
    what: str

    @property
    def module(self) -> str:
        """The module's name."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what} (number {self.number})"


def tests_of(path: str) -> Path:
    """Where the tests of a module mirror it."""
    folder, _, name = path.rpartition("/")
    return ROOT / "tests/unit" / folder / f"test_{name}"


def mutants(folders: Sequence[str]) -> Iterator[Mutant]:
    """Every change of every module that has tests of its own, in the order of the paths."""
    files = {file for folder in folders for file in _files(ROOT / folder)}
    for file in sorted(files):
        path = file.relative_to(ROOT).as_posix()
        if tests_of(path).exists():
            for number, change in enumerate(changes(ast.parse(file.read_text()))):
                yield Mutant(path, number, change.line, change.what)


def _files(place: Path) -> Iterator[Path]:
    yield from [place] if place.is_file() else place.rglob("*.py")


def noticed(paths: Sequence[str], mutant: Mutant | None) -> bool:
    """Whether the tests of the modules fail; without a mutant they must not."""
    environment = dict(env.environ()) | {VARIABLE: f"{mutant.module}:{mutant.number}" if mutant else ""}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-p", "tools.mutants.plugin", *(str(tests_of(path)) for path in paths)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def main(arguments: Sequence[str]) -> int:
    """Make the changes and say which survived; 1 when one did."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("folders", nargs="+", help="folders or modules, as pyrox/scan")
    parser.add_argument("--count", type=int, default=20, help="how many changes are made")
    parser.add_argument("--seed", type=int, default=1, help="another seed chooses other changes")
    options = parser.parse_args(arguments)
    chance = Random(options.seed)  # noqa: S311 - a choice that can be repeated
    chosen = chance.sample(list(mutants(options.folders)), options.count)
    survived = 0
    if noticed(sorted({mutant.path for mutant in chosen}), None):
        sys.stdout.write("the tests fail without any change\n")
        return 1
    for mutant in chosen:
        killed = noticed([mutant.path], mutant)
        survived += not killed
        sys.stdout.write(f"{'killed' if killed else 'SURVIVED'} {mutant}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - survived} of {len(chosen)} killed, seed {options.seed}\n")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
