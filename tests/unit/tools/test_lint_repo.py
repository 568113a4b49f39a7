"""The repository's own rules, each on a small tree: what it finds and what it lets be."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.tools import load_tool

Tree = Callable[[Mapping[str, str]], Any]
LONG_FUNCTION = "def long():\n" + "    x = 1\n" * 80
# Split, so that no file of ours names such a host.
HOST, MIRROR = "py" + "pi.org", "registry.npm" + "js.org"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes files and gives the rules, which see only them."""

    def write(files: Mapping[str, str]) -> Any:
        lint = load_tool("lint_repo")
        paths = []
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            paths.append(path)
        lint.ROOT = tmp_path
        lint.tracked = lambda: tuple(paths)
        return lint

    return write


def found(lint: Any, rule: str) -> list[str]:
    return [str(finding) for finding in getattr(lint, rule)()]


@pytest.mark.parametrize(
    ("name", "text", "findings"),
    [
        ("pyrox/a.py", "x = 1\n" * 700, []),
        ("pyrox/a.py", "x = 1\n" * 701, ["pyrox/a.py:1: 701 lines; split it (limit 700)"]),
        ("pyrox/a.py", LONG_FUNCTION.replace("    x = 1\n", "", 1), []),
        ("pyrox/a.py", LONG_FUNCTION, ["pyrox/a.py:1: long has 81 lines (limit 80)"]),
        ("tests/a.py", "\nasync " + LONG_FUNCTION, ["tests/a.py:2: long has 81 lines (limit 80)"]),
        ("a.md", "x\n" * 900, []),
    ],
)
def test_budgets_find_long_modules_and_functions(
    tree: Tree, name: str, text: str, findings: list[str]
) -> None:
    assert found(tree({name: text}), "budgets") == findings


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("pyrox/utils.py", "utils"),
        ("services/central/common/a.py", "common"),
        ("roxctl/v2.py", "v2"),
        ("pyrox/store.py", None),
        ("pyrox/usual.py", None),
        ("tests/support/helpers.py", None),
        ("tools/misc.py", None),
    ],
)
def test_names_find_words_that_say_nothing(tree: Tree, name: str, word: str | None) -> None:
    expected = [f"{name}:1: name says nothing: {word!r}; name the noun or the verb"] if word else []
    assert found(tree({name: ""}), "names") == expected


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("# TO" + "DO: later", True),
        ("# TO" + "DO(me): later", True),
        ("# TO" + "DO(#12) later", True),
        ("# FIX" + "ME", True),
        ("# HA" + "CK around it", True),
        ("# TO" + "DO(#12): later", False),
        ("mastodon = 'todo'", False),
    ],
)
@pytest.mark.parametrize("name", ["pyrox/a.py", "ui/src/a.tsx", "services/x.sql", "services/x.c"])
def test_unfinished_finds_marks_without_an_issue(tree: Tree, name: str, line: str, wrong: bool) -> None:
    expected = [f"{name}:2: write TO" + "DO(#123): or nothing"] if wrong else []
    assert found(tree({name: f"first\n{line}\n"}), "unfinished") == expected


def test_unfinished_leaves_prose_alone(tree: Tree) -> None:
    assert found(tree({"docs/a.md": "TO" + "DO: x"}), "unfinished") == []


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.py", f"x\nurl = 'https://{HOST}/simple'\n", [2]),
        ("Makefile", f"pip install -i https://{HOST}/simple\n", [1]),
        ("ui/package-lock.json", f'"resolved": "https://{MIRROR}/a"\n', [1]),
        ("a.py", "host = 'mypypi.example'\n", []),
        ("a.png", HOST, []),
    ],
)
def test_registry_hosts_are_found_in_texts_only(tree: Tree, name: str, text: str, lines: list[int]) -> None:
    expected = [f"{name}:{line}: names a package registry's host" for line in lines]
    assert found(tree({name: text}), "registry_hosts") == expected


def test_registry_hosts_passes_over_files_that_are_no_text(tree: Tree, tmp_path: Path) -> None:
    lint = tree({"blob": ""})
    (tmp_path / "blob").write_bytes(b"\xff\xfe" + HOST.encode())
    assert found(lint, "registry_hosts") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tests/unit/pyrox/test_store.py", None),
        ("tests/unit/pyrox/test_store_scope.py", None),
        ("tests/unit/pyrox/test_nosuch.py", "mirrors no module of pyrox"),
        ("tests/unit/pyrox/deep/test_store.py", "mirrors no folder: pyrox/deep does not exist"),
        ("tests/integration/test_nosuch.py", None),
        ("tests/unit/pyrox/builders.py", None),
        ("tests/unit/deploy/test_chart_central_secrets.py", None),
        ("tests/unit/deploy/test_chart_both_lint.py", None),
        ("tests/unit/deploy/test_chart_nosuch.py", "mirrors no chart of deploy/helm"),
    ],
)
def test_mirrored_tests_find_tests_of_nothing(tree: Tree, name: str, message: str | None) -> None:
    lint = tree({"pyrox/store.py": "", "deploy/helm/central-services/values.yaml": "", name: ""})
    assert found(lint, "mirrored_tests") == ([f"{name}:1: {message}"] if message else [])


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("there.md", False),
        ("there.md#part", False),
        ("#part", False),
        ("../docs/there.md", False),
        ("https://example.org/x", False),
        ("mailto:a@example.org", False),
        ("/absolute", False),
        ("nosuch.md", True),
        ("nosuch.md#part", True),
    ],
)
def test_doc_links_find_relative_links_that_lead_nowhere(tree: Tree, link: str, broken: bool) -> None:
    lint = tree({"docs/there.md": "", "docs/a.md": f"first\nsee [it]({link})\n"})
    target = link.partition("#")[0]
    assert found(lint, "doc_links") == ([f"docs/a.md:2: link leads nowhere: {target}"] if broken else [])


def test_service_skeletons_find_missing_files(tree: Tree) -> None:
    files = {"services/whole/" + name: "" for name in ("main.py", "config.py", "app.py", "README.md")}
    lint = tree({**files, "services/part/main.py": "", "services/local/main.py": "", "services/x.py": ""})
    assert found(lint, "service_skeletons") == [
        f"services/part/main.py:1: the process lacks {name}" for name in ("config.py", "app.py", "README.md")
    ]


def test_main_prints_every_finding_and_fails(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    lint = tree({"pyrox/utils.py": LONG_FUNCTION, "services/a.py": ""})
    assert lint.main() == 1
    assert capsys.readouterr().out.splitlines() == [
        "pyrox/utils.py:1: long has 81 lines (limit 80)",
        "pyrox/utils.py:1: name says nothing: 'utils'; name the noun or the verb",
    ]


def test_main_of_a_good_tree_is_silent(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert tree({"pyrox/store.py": "", "services/a.py": ""}).main() == 0
    assert capsys.readouterr().out == ""


def test_tracked_are_files_that_git_knows_or_would_know(tmp_path: Path) -> None:
    for name in ("a.py", "new.py", "gone.py", "ignored.py", "pyrox/pb/made.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    for command in (["init", "-q"], ["add", "a.py", "gone.py", ".gitignore"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "gone.py").unlink()
    lint = load_tool("lint_repo")
    lint.ROOT = tmp_path
    names = {path.relative_to(tmp_path).as_posix() for path in lint.tracked()}
    assert names == {"a.py", "new.py", ".gitignore"}
