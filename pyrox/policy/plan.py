"""The linked matching of one section: a tree of tests along the subject's own tree.

Built by `pyrox.policy.compile`, run by `pyrox.policy.evaluate`. It must not know criteria
or messages.

An object of the subject survives when every label that lives in it fits there and every
repeated part below it that the section asks about has a survivor. Two queries on one label
are united: the object fits when either does, and each must fit somewhere in the subject.
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
    """What the section asks of the objects at one node."""

    node: Node
    tests: list[Test] = field(default_factory=list)
    children: list[NodePlan] = field(default_factory=list)

    def match(self, element: Any, now: int) -> Hit | None:
        """The survivors from this object down, or None when it does not fit."""
        for test in self.tests:
            if not test(element, now):
                return None
        if not self.children:
            return Hit(element)
        below = []
        for child in self.children:
            hits = child.match_all(STEPS[child.node][1](element), now)
            if not hits:
                return None
            below.append((child.node, hits))
        return Hit(element, tuple(below))

    def match_all(self, elements: Iterable[Any], now: int) -> list[Hit]:
        """The survivors among the objects."""
        if len(self.tests) == 1 and not self.children:
            test = self.tests[0]
            return [Hit(element) for element in elements if test(element, now)]
        return [hit for element in elements if (hit := self.match(element, now)) is not None]


@dataclass(frozen=True, slots=True)
class LinkedPlan:
    """The whole section; `each` holds one plan per query of a label that has several."""

    root: NodePlan
    each: tuple[NodePlan, ...] = ()

    def match(self, top: Any, now: int) -> Hit | None:
        """The survivors of the subject, or None when the section does not match."""
        for plan in self.each:
            if plan.match(top, now) is None:
                return None
        return self.root.match(top, now)


def link(queries: Sequence[Query], leaves: dict[str, Leaf], top: Node) -> LinkedPlan:
    """The plan for a section's queries, from the given top node down."""
    by_label: dict[str, list[Query]] = {}
    for query in queries:
        known = by_label.setdefault(query.label, [])
        if query not in known:
            known.append(query)
    root = NodePlan(top)
    for label, united in by_label.items():
        leaf = leaves[label]
        _node(root, leaf.node).tests.append(_union([test_of(leaf, query) for query in united]))
    each = tuple(
        _alone(query, leaves[query.label], top)
        for united in by_label.values()
        if len(united) > 1
        for query in united
    )
    return LinkedPlan(root, each)


def _alone(query: Query, leaf: Leaf, top: Node) -> NodePlan:
    root = NodePlan(top)
    _node(root, leaf.node).tests.append(test_of(leaf, query))
    return root


def _node(root: NodePlan, node: Node) -> NodePlan:
    if node is root.node:
        return root
    parent = _node(root, PARENT[node])
    for child in parent.children:
        if child.node is node:
            return child
    made = NodePlan(node)
    parent.children.append(made)
    # Small parts first: most sections fail there, before an image's components are walked.
    parent.children.sort(key=lambda child: child.node is Node.COMPONENT)
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
