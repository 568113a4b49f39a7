from __future__ import annotations

from pathlib import Path

import pytest

from tools.images.context import Context

IGNORE = """\
# comment
*
!code
!one.txt
code/private
**/__pycache__
code/**/README.md
"""


@pytest.fixture
def context(tmp_path: Path) -> Context:
    for name in (
        "one.txt",
        "two.txt",
        "code/a.py",
        "code/deep/b.py",
        "code/deep/README.md",
        "code/private/key",
        "code/deep/__pycache__/b.pyc",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / ".dockerignore").write_text(IGNORE)
    return Context(root=tmp_path)


def test_files_are_what_the_ignore_file_leaves(context: Context) -> None:
    assert list(context.files(".")) == ["one.txt", "code/a.py", "code/deep/b.py"]


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("two.txt", True),
        ("one.txt", False),
        ("code/private/key", True),
        ("code/deep/__pycache__/b.pyc", True),
        ("code/README.md", True),
        ("code/deep/b.py", False),
        ("other/one.txt", True),
    ],
)
def test_last_rule_that_fits_a_path_or_a_folder_above_decides(
    context: Context, path: str, ignored: bool
) -> None:
    assert context.ignored(path) is ignored


def test_digest_follows_content_mode_and_names_alone(context: Context) -> None:
    first = context.digest("code")
    assert context.digest("code") == first
    (context.root / "code/deep/__pycache__/b.pyc").write_text("other")
    (context.root / "code/a.py").touch()
    assert context.digest("code") == first
    (context.root / "code/a.py").chmod(0o755)
    executable = context.digest("code")
    assert executable != first
    (context.root / "code/a.py").write_text("changed")
    changed = context.digest("code")
    assert changed not in {first, executable}
    (context.root / "code/a.py").rename(context.root / "code/c.py")
    assert context.digest("code") != changed


def test_copied_folder_has_plain_modes_and_no_ignored_file(context: Context, tmp_path: Path) -> None:
    (context.root / "code/a.py").chmod(0o700)
    (context.root / "code/deep/b.py").chmod(0o600)
    target = tmp_path / "out"
    context.copy("code", target)
    found = {str(path.relative_to(target)): path.stat().st_mode & 0o777 for path in target.rglob("*.*")}
    assert found == {"a.py": 0o755, "deep/b.py": 0o644}


def test_copied_file_takes_the_name_of_the_target(context: Context, tmp_path: Path) -> None:
    context.copy("one.txt", tmp_path / "out/renamed")
    assert (tmp_path / "out/renamed").read_text() == "one.txt"


def test_missing_source_is_named(context: Context, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"three\.txt"):
        context.copy("three.txt", tmp_path / "out")
