"""Compile `proto/` into the committed package `pyrox.pb`.

Run by `make proto`; `--check` compiles into a scratch directory and fails when the
committed files differ. It must not know what any message means.

protoc's Python output imports top-level packages called `api`, `storage` and the like.
Two places are rewritten to `pyrox.pb.*`: the import lines, and the module name that is
handed to the descriptor builder. Without the second, no message can be pickled, and
the process pools need that. Descriptor file names stay upstream's.
"""

from __future__ import annotations

import argparse
import filecmp
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
TARGET = ROOT / "pyrox" / "pb"
TOP_LEVELS = ("api", "storage", "internalapi", "scanner")
_TOPS = "|".join(TOP_LEVELS)
_FROM_IMPORT = re.compile(rf"^(\s*)from ({_TOPS})(\.[\w.]+)? import ", re.MULTILINE)
_PLAIN_IMPORT = re.compile(rf"^(\s*)import ({_TOPS})((?:\.\w+)+)( as \w+)?$", re.MULTILINE)
_MODULE_NAME = re.compile(rf"(BuildTopDescriptorsAndMessages\(DESCRIPTOR, ')({_TOPS})\b")


def rewrite(text: str) -> str:
    """Move protoc's top-level imports below `pyrox.pb`."""
    text = _FROM_IMPORT.sub(lambda m: f"{m[1]}from pyrox.pb.{m[2]}{m[3] or ''} import ", text)
    text = _PLAIN_IMPORT.sub(lambda m: f"{m[1]}import pyrox.pb.{m[2]}{m[3]}{m[4] or ''}", text)
    return _MODULE_NAME.sub(r"\1pyrox.pb.\2", text)


def compile_into(out: Path) -> None:
    """Run protoc over every file of `proto/` and finish the result in `out`."""
    import google.api  # noqa: PLC0415 - only this command needs the path of the annotations
    import grpc_tools  # noqa: PLC0415 - part of the proto group, not of the run time

    sources = sorted(str(p.relative_to(PROTO)) for p in PROTO.rglob("*.proto"))
    includes = [PROTO, Path(grpc_tools.__path__[0]) / "_proto", Path(google.api.__path__[0]).parents[1]]
    raw = out / "raw"
    raw.mkdir(parents=True)
    flags = [f"-I{path}" for path in includes]
    flags += [f"--{kind}_out={raw}" for kind in ("python", "grpc_python", "mypy")]
    flags.append(f"--mypy_grpc_out={raw}")
    plugins = str(Path(sys.executable).parent)
    done = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", *flags, *sources],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": f"{plugins}:/usr/bin:/bin"},
    )
    if done.returncode:
        sys.exit(done.stderr)
    finish(raw, out / "pb")


def finish(raw: Path, final: Path) -> None:
    """Rewrite the files of `raw` into `final`, dropping stubs of files without a service."""
    with_service = {p.with_suffix("") for p in PROTO.rglob("*.proto") if "\nservice " in p.read_text()}
    for path in sorted(raw.rglob("*.py*")):
        relative = path.relative_to(raw)
        if relative.name.endswith(("_pb2_grpc.py", "_pb2_grpc.pyi")):
            stem = relative.name.split("_pb2_grpc")[0]
            if PROTO / relative.parent / stem not in with_service:
                continue
        target = final / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rewrite(path.read_text()))
    for folder in [final, *(p for p in final.rglob("*") if p.is_dir())]:
        (folder / "__init__.py").write_text('"""Generated from proto/ by `make proto`; never edited."""\n')


def differences(left: Path, right: Path) -> list[str]:
    """Names of files that are not the same in both trees."""
    names = {str(p.relative_to(tree)) for tree in (left, right) for p in tree.rglob("*.py*")}
    names = {n for n in names if "__pycache__" not in n}

    def same(name: str) -> bool:
        a, b = left / name, right / name
        return a.is_file() and b.is_file() and filecmp.cmp(a, b, shallow=False)

    return sorted(n for n in names if not same(n))


def main() -> int:
    """Write `pyrox/pb`, or with `--check` compare it; 1 when it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when pyrox/pb is out of date")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        compile_into(Path(scratch))
        made = Path(scratch) / "pb"
        if args.check:
            stale = differences(made, TARGET)
            print("\n".join(f"out of date: pyrox/pb/{name} (run `make proto`)" for name in stale))
            return 1 if stale else 0
        shutil.rmtree(TARGET, ignore_errors=True)
        shutil.copytree(made, TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
