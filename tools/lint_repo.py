"""The repository's own rules: what ruff, mypy and import-linter cannot say.

Run by `make lint`. A review remark that is made twice becomes a rule here. Each rule is
one function that yields findings; `RULES` lists them.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Budgets of docs/architecture.md, "Budgets".
MODULE_LINES = 700
FUNCTION_LINES = 80
SOURCE_ROOTS = ("pyrox", "services", "roxctl")
BANNED_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "impl", "v2", "misc"})
_UNFINISHED = re.compile(r"\b(TODO(?!\(#\d+\):)|FIXME|XXX|HACK)\b")
# Public package registries are configured on the machine, never named in a file.
_REGISTRY_HOSTS = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|registry\.npmjs\.org|crates\.io/api|proxy\.golang\.org"
    r"|repo1?\.maven\.(?:apache\.)?org|deb\.debian\.org|registry\.yarnpkg\.com)\b"
)
_MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_TEXT_SUFFIXES = frozenset(
    {
        ".py",
        ".md",
        ".toml",
        ".ts",
        ".tsx",
        ".json",
        ".yaml",
        ".yml",
        ".sh",
        ".lock",
        ".c",
        ".h",
        ".sql",
        ".proto",
        "",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one place."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.text}"


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git tracks or would track, generated ones left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = (ROOT / name for name in names if not name.startswith("pyrox/pb/"))
    return tuple(path for path in paths if path.is_file())


def sources() -> Iterator[Path]:
    """Our Python modules, without tests and tools."""
    for path in tracked():
        parts = path.relative_to(ROOT).parts
        if path.suffix == ".py" and parts[0] in SOURCE_ROOTS:
            yield path


def budgets() -> Iterator[Finding]:
    """Modules and functions stay readable."""
    for path in tracked():
        if path.suffix != ".py":
            continue
        text = path.read_text()
        if (lines := text.count("\n")) > MODULE_LINES:
            yield Finding(path, 1, f"{lines} lines; split it (limit {MODULE_LINES})")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield Finding(
                        path, node.lineno, f"{node.name} has {length} lines (limit {FUNCTION_LINES})"
                    )


def names() -> Iterator[Finding]:
    """No module is called after nothing in particular."""
    for path in sources():
        for word in (*path.relative_to(ROOT).parent.parts, path.stem):
            if word in BANNED_NAMES:
                yield Finding(path, 1, f"name says nothing: {word!r}; name the noun or the verb")


def unfinished() -> Iterator[Finding]:
    """Open ends have an issue number."""
    for path in tracked():
        if path.suffix not in {".py", ".ts", ".tsx", ".c", ".sql"} or path == Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if _UNFINISHED.search(line):
                yield Finding(path, number, "write TODO(#123): or nothing")


def registry_hosts() -> Iterator[Finding]:
    """No file names the host of a package registry."""
    for path in tracked():
        if path.suffix not in _TEXT_SUFFIXES or path == Path(__file__).resolve():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if _REGISTRY_HOSTS.search(line):
                yield Finding(path, number, "names a package registry's host")


def mirrored_tests() -> Iterator[Finding]:
    """A unit test lies where its module lies."""
    for path in tracked():
        parts = path.relative_to(ROOT).parts
        if parts[:2] != ("tests", "unit") or not path.name.startswith("test_"):
            continue
        subject = path.stem.removeprefix("test_")
        folder = ROOT.joinpath(*parts[2:-1])
        if parts[2:-1] == ("deploy",) and subject.startswith("chart_"):
            # A chart is a folder: test_chart_central_*.py is of deploy/helm/central-services,
            # test_chart_both_*.py of both.
            charts = {chart.name.partition("-")[0] for chart in (folder / "helm").iterdir()} | {"both"}
            if subject.split("_")[1] not in charts:
                yield Finding(path, 1, "mirrors no chart of deploy/helm")
        elif not folder.is_dir():
            yield Finding(path, 1, f"mirrors no folder: {folder.relative_to(ROOT)} does not exist")
        elif not any(p.stem.startswith(subject) or subject.startswith(p.stem) for p in folder.iterdir()):
            yield Finding(path, 1, f"mirrors no module of {folder.relative_to(ROOT)}")


def doc_links() -> Iterator[Finding]:
    """Relative links in Markdown lead somewhere."""
    for path in tracked():
        if path.suffix != ".md":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for target in _MARKDOWN_LINK.findall(line):
                if "://" in target or target.startswith(("mailto:", "/")):
                    continue
                if not (path.parent / target).exists():
                    yield Finding(path, number, f"link leads nowhere: {target}")


def service_skeletons() -> Iterator[Finding]:
    """Every process has the same four files; the supervisor and the command line have their own shape."""
    for folder in sorted((ROOT / "services").iterdir()):
        if not (folder / "main.py").exists() or folder.name in {"local", "scannerctl"}:
            continue
        for name in ("config.py", "app.py", "README.md"):
            if not (folder / name).exists():
                yield Finding(folder / "main.py", 1, f"the process lacks {name}")


RULES: tuple[Callable[[], Iterator[Finding]], ...] = (
    budgets,
    names,
    unfinished,
    registry_hosts,
    mirrored_tests,
    doc_links,
    service_skeletons,
)


def main() -> int:
    """Print all findings; 1 when there are any."""
    findings = [finding for rule in RULES for finding in rule()]
    print("\n".join(str(finding) for finding in findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
