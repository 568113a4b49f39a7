"""Which changes a module admits, and the module's tree with one of them made.

The runner counts and chooses them, the plugin makes them. A change is a comparison, a
boolean, an arithmetic sign, a small number or a jump that becomes its neighbour. Constants at
the module's head and large numbers stay: they are limits, which no short test crosses.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_COMPARISONS: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SIGNS: Final[Mapping[type[ast.operator], type[ast.operator]]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
_LARGE: Final = 256
_HEADS: Final = (ast.Module, ast.ClassDef)


@dataclass(frozen=True)
class Change:
    """One change: where, and what it does."""

    line: int
    what: str
    make: Callable[[], None]


def changes(tree: ast.Module) -> Iterator[Change]:
    """Every change that the tree admits, always in the same order; `make` alters the tree itself."""
    for function in _functions(tree):
        for node in _inside(function):
            yield from _of(node)


def mutated(source: str, number: int) -> ast.Module:
    """The module's tree after the change of that number."""
    tree = ast.parse(source)
    list(changes(tree))[number].make()
    return ast.fix_missing_locations(tree)


def _functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of the module and of its classes; what stands inside one belongs to it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
        elif isinstance(child, _HEADS):
            yield from _functions(child)


def _inside(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Every node of the body but annotations."""
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.AnnAssign):
                node.annotation = ast.copy_location(ast.Name("object", ast.Load()), node.annotation)
        yield from ast.walk(statement)


def _of(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            if type(op) in _COMPARISONS:
                yield _comparison(node, place)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield Change(node.lineno, f"{_name(node.op)} becomes {_name(other)}", _set(node, "op", other))
    elif isinstance(node, ast.BinOp) and type(node.op) in _SIGNS and not _texts(node):
        sign = _SIGNS[type(node.op)]()
        yield Change(node.lineno, f"{_name(node.op)} becomes {_name(sign)}", _set(node, "op", sign))
    elif isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        turned = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
        yield Change(node.lineno, "the condition is turned round", _set(node, "test", turned))


def _comparison(node: ast.Compare, place: int) -> Change:
    old, new = node.ops[place], _COMPARISONS[type(node.ops[place])]()

    def make() -> None:
        node.ops[place] = new

    return Change(node.lineno, f"{_name(old)} becomes {_name(new)}", make)


def _constant(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield Change(node.lineno, f"{node.value} is turned round", _set(node, "value", not node.value))
    elif isinstance(node.value, int) and abs(node.value) < _LARGE:
        yield Change(node.lineno, f"{node.value} is one more", _set(node, "value", node.value + 1))


def _texts(node: ast.BinOp) -> bool:
    """Whether a side is a text: its sum has no difference."""
    sides = (node.left, node.right)
    return any(
        isinstance(side, ast.JoinedStr | ast.List | ast.Tuple)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in sides
    )


def _set(node: ast.AST, field: str, value: object) -> Callable[[], None]:
    def make() -> None:
        setattr(node, field, value)

    return make


def _name(node: ast.AST) -> str:
    return type(node).__name__.lower()
