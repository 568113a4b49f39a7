"""Compile Collector's kernel program into the committed object file.

Run by `make bpf`; `--check` compiles into a scratch directory and fails when the
committed object differs. Other compilers give other bytes, so the check compares only
under the compiler that is named in `process.bpf.built`; that the sources are those which
were compiled is checked everywhere, from their sum in the same file. It must not know
what the program does.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "services" / "collector" / "bpf"
SOURCES = ("process.bpf.c", "kernel.h")
OBJECT = "process.bpf.o"
BUILT = "process.bpf.built"
# -mcpu=v3 is the instruction set since Linux 5.1; older kernels lack the ring buffer anyway.
FLAGS = (
    *("-target", "bpf", "-mcpu=v3", "-O2", "-g", "-fdebug-compilation-dir=."),
    *("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """What the committed object was made by and from."""

    compiler: str
    sources: str

    def render(self) -> str:
        """The text of the file beside the object."""
        return f"compiler: {self.compiler}\nsources: {self.sources}\n"

    @classmethod
    def read(cls, file: Path) -> Built:
        """What such a file says. Raises `SystemExit` when it says nothing."""
        if not file.exists():
            raise SystemExit(f"{file} is missing: run `make bpf`")
        pairs = (line.partition(": ") for line in file.read_text().splitlines())
        found = {key: value for key, _, value in pairs}
        return cls(found.get("compiler", ""), found.get("sources", ""))


def compiler() -> str:
    """The compiler's version line; empty when it, or the tool that strips, is not there."""
    if shutil.which("clang") is None or shutil.which("llvm-strip") is None:
        return ""
    done = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def sources_sum(folder: Path) -> str:
    """A SHA-256 over the sources and the flags."""
    sum_ = hashlib.sha256("\0".join(FLAGS).encode())
    for name in SOURCES:
        sum_.update(b"\0" + (folder / name).read_bytes())
    return sum_.hexdigest()


def compile_into(folder: Path, out: Path) -> Path:
    """Compile; the object holds types and line numbers, and no path of this machine."""
    made = out / OBJECT
    # Names in the object are relative to where the compiler runs.
    subprocess.run(["clang", *FLAGS, "-c", SOURCES[0], "-o", str(made)], cwd=folder, check=True)
    subprocess.run(["llvm-strip", "-g", str(made)], check=True)
    return made


def check(folder: Path) -> list[str]:
    """What is wrong with the committed object; one line each."""
    built = Built.read(folder / BUILT)
    if built.sources != sources_sum(folder):
        return [f"{folder / OBJECT}: the sources changed after it was compiled: run `make bpf`"]
    here = compiler()
    if here != built.compiler:
        print(f"bytes of {OBJECT} not compared: made by {built.compiler!r}, here is {here or 'no clang'!r}")
        return []
    with tempfile.TemporaryDirectory() as scratch:
        made = compile_into(folder, Path(scratch))
        if made.read_bytes() != (folder / OBJECT).read_bytes():
            return [f"{folder / OBJECT}: compiling gives other bytes: run `make bpf`"]
    return []


def write(folder: Path) -> None:
    """Compile anew and note by what."""
    here = compiler()
    if not here:
        raise SystemExit("make bpf needs clang and llvm-strip: install Debian's clang and llvm")
    compile_into(folder, folder)
    (folder / BUILT).write_text(Built(here, sources_sum(folder)).render())


def main() -> int:
    """Compile or check; 1 when the check finds something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the committed object differs")
    if not parser.parse_args().check:
        write(FOLDER)
        return 0
    findings = check(FOLDER)
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
