"""Which changes a module admits, and what each does to it."""

from __future__ import annotations

import ast

import pytest

from tools.mutants.changes import changes, mutated

SOURCE = '''"""Text 1."""
LIMIT = 3


def f(a: "int" = 1, *, b=True):
    """Not changed."""
    if a < 2 and b:
        return a + 1
    words = "x" + "y"
    big = 1000
    while a is not None:
        a = None
    return words in ("xy",) or big


class C:
    flag = True

    async def g(self):
        return False
'''


def test_changes_stand_in_functions_and_spare_texts_limits_and_large_numbers() -> None:
    found = [(change.line, change.what) for change in changes(ast.parse(SOURCE))]
    assert sorted(found) == sorted(
        [
            (7, "the condition is turned round"),
            (7, "and becomes or"),
            (7, "lt becomes lte"),
            (7, "2 is one more"),
            (8, "add becomes sub"),
            (8, "1 is one more"),
            (11, "the condition is turned round"),
            (11, "isnot becomes is"),
            (13, "or becomes and"),
            (13, "in becomes notin"),
            (20, "False is turned round"),
        ]
    )


@pytest.mark.parametrize(
    "source",
    [
        "def f(a):\n    return a < 1",
        "def f(a):\n    return a if a else 5",
        "def f(a):\n    return a - 1",
    ],
)
def test_each_number_makes_a_change_of_its_own(source: str) -> None:
    count = len(list(changes(ast.parse(source))))
    texts = {ast.unparse(mutated(source, number)) for number in range(count)}
    assert len(texts) == count == 2
    assert ast.unparse(ast.parse(source)) not in texts


def test_changed_code_does_something_else() -> None:
    source = "def f(a):\n    return a < 1 or a == 7"
    results = []
    for number in range(len(list(changes(ast.parse(source))))):
        space: dict[str, object] = {}
        exec(compile(mutated(source, number), "x", "exec"), space)  # noqa: S102 - the test's own source
        function = space["f"]
        assert callable(function)
        results.append([function(value) for value in (0, 1, 7)])
    assert [True, False, True] not in results
    assert len(results) == 5
