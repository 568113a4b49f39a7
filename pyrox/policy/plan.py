"""The linked matching of one section: a tree of tests along the subject's own tree.

Built by `pyrox.policy.compile`, run by `pyrox.policy.evaluate`. It must not know criteria
or messages.

The rules are upstream's (pkg/booleanpolicy/evaluator/pathutil). Every label must fit
somewhere, and each of several queries on one label. An object survives when each label
that lives in it or below it fits somewhere in it, and its parent survives; so two criteria
on volumes may leave a container without a surviving volume, and the container still counts
for criteria on containers. The section matches when each label has a survivor at its node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyrox.policy.leaves import ABSENT, PARENT, STEPS, Leaf, Node
from pyrox.policy.queries import Query, older

Test = Callable[[Any, int], bool]


@dataclass(frozen=True, slots=True)
class Hit:
    """A surviving object and the survivors in its repeated parts, by node."""

    element: Any
    below: tuple[tuple[Node, list[Hit]], ...] = ()


@dataclass(slots=True)
class NodePlan:
    """What the section asks of the objects at one node; each label has a bit."""

    node: Node
    tests: list[tuple[int, Test]] = field(default_factory=list)
    children: list[NodePlan] = field(default_factory=list)
    full: int = 0

    def build(self, element: Any, now: int) -> tuple[int, Hit]:
        """The labels that fit in the object, and the object with what survives below it."""
        mask = 0
        for bit, test in self.tests:
            if test(element, now):
                mask |= bit
        if not self.children:
            return mask, Hit(element)
        below = []
        for child in self.children:
            kept = []
            for one in STEPS[child.node][1](element):
                inner, hit = child.build(one, now)
                mask |= inner
                if inner == child.full:
                    kept.append(hit)
            below.append((child.node, kept))
        return mask, Hit(element, tuple(below))

    def seal(self) -> int:
        """Sum up the bits of the node and all nodes below it."""
        self.full = 0
        for bit, _test in self.tests:
            self.full |= bit
        for child in self.children:
            self.full |= child.seal()
        return self.full

    def nodes_with_labels(self) -> Iterator[Node]:
        """The nodes that must have a survivor."""
        if self.tests:
            yield self.node
        for child in self.children:
            yield from child.nodes_with_labels()


@dataclass(frozen=True, slots=True)
class Finder:
    """Whether one query fits anywhere in the subject."""

    steps: tuple[Callable[[Any], Iterable[Any]], ...]
    test: Test

    def find(self, element: Any, now: int, at: int = 0) -> bool:
        """Whether it fits in the object, the first `at` steps being done."""
        steps = self.steps
        if at == len(steps):
            return self.test(element, now)
        if at + 1 == len(steps):
            test = self.test
            # A loop and not any(): this runs for every part of every image.
            for one in steps[at](element):  # noqa: SIM110
                if test(one, now):
                    return True
            return False
        return any(self.find(one, now, at + 1) for one in steps[at](element))


@dataclass(frozen=True, slots=True)
class LinkedPlan:
    """The whole section, with a finder per query."""

    root: NodePlan
    finders: tuple[Finder, ...]
    needed: frozenset[Node]

    def match(self, top: Any, now: int) -> Hit | None:
        """The survivors of the subject, or None when the section does not match."""
        # Most sections fail here, at the first query.
        for finder in self.finders:
            if not finder.find(top, now):
                return None
        _mask, hit = self.root.build(top, now)
        reached: set[Node] = set()
        _reach(hit, self.root.node, reached)
        return hit if self.needed <= reached else None


def _reach(hit: Hit, here: Node, reached: set[Node]) -> None:
    reached.add(here)
    for node, hits in hit.below:
        for below in hits:
            _reach(below, node, reached)


def link(queries: Sequence[Query], leaves: dict[str, Leaf], top: Node) -> LinkedPlan:
    """The plan for a section's queries, from the given top node down."""
    by_label: dict[str, list[Query]] = {}
    for query in queries:
        known = by_label.setdefault(query.label, [])
        if query not in known:
            known.append(query)
    root = NodePlan(top)
    finders: list[Finder] = []
    for at, (label, united) in enumerate(by_label.items()):
        leaf = leaves[label]
        tests = [test_of(leaf, query) for query in united]
        _node(root, leaf.node).tests.append((1 << at, _union(tests)))
        finders.extend(Finder(_steps(leaf.node, top), test) for test in tests)
    root.seal()
    return LinkedPlan(root, tuple(finders), frozenset(root.nodes_with_labels()))


def _steps(node: Node, top: Node) -> tuple[Callable[[Any], Iterable[Any]], ...]:
    if node is top:
        return ()
    return (*_steps(PARENT[node], top), STEPS[node][1])


def _node(root: NodePlan, node: Node) -> NodePlan:
    if node is root.node:
        return root
    parent = _node(root, PARENT[node])
    for child in parent.children:
        if child.node is node:
            return child
    made = NodePlan(node)
    parent.children.append(made)
    return made


def _union(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda element, now: any(test(element, now) for test in tests)


def test_of(leaf: Leaf, query: Query) -> Test:
    """A test of the leaf's owner; an absent leaf never fits."""
    get = leaf.get
    if query.timed is not None:
        return _age_test(get, query.timed)
    if leaf.many:
        fits_many = query.fits_many
        return lambda element, _now: (value := get(element)) is not ABSENT and fits_many(value)
    if len(query.matchers) == 1:
        return _single_test(get, query.matchers[0], negate=query.negate)
    if not query.every:
        return _any_test(get, query.matchers, negate=query.negate)
    fits = query.fits
    return lambda element, now: (value := get(element)) is not ABSENT and fits(value, now)


def _age_test(get: Callable[[Any], Any], age: int) -> Test:
    return lambda element, now: (value := get(element)) is not ABSENT and older(value, now, age)


def _single_test(get: Callable[[Any], Any], matcher: Callable[[Any], bool], *, negate: bool) -> Test:
    if negate:
        return lambda element, _now: (value := get(element)) is not ABSENT and not matcher(value)
    return lambda element, _now: (value := get(element)) is not ABSENT and matcher(value)


def _any_test(get: Callable[[Any], Any], matchers: Sequence[Callable[[Any], bool]], *, negate: bool) -> Test:
    def test(element: Any, _now: int) -> bool:
        value = get(element)
        if value is ABSENT:
            return False
        # A loop and not any(): this runs for every Dockerfile line of every image.
        for matcher in matchers:
            if matcher(value):
                return not negate
        return negate

    return test


def paths(hit: Hit, node: Node, here: Node) -> Iterator[dict[Node, Any]]:
    """The surviving objects at a node, each with the objects above it."""
    if here is node:
        yield {here: hit.element}
        return
    for child, hits in hit.below:
        if child is node or _above(child, node):
            for below in hits:
                for found in paths(below, node, child):
                    found[here] = hit.element
                    yield found


def _above(upper: Node, lower: Node) -> bool:
    parent = PARENT.get(lower)
    return parent is not None and (parent is upper or _above(upper, parent))
