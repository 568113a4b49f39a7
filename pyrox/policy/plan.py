"""The linked matching of one section: a tree of tests along the subject's own tree.

Built by `pyrox.policy.compile`, run by `pyrox.policy.evaluate`. It must not know criteria
or messages.

The rules are upstream's (pkg/booleanpolicy/evaluator/pathutil). Every label must fit
somewhere, and each of several queries on one label. An object survives when each label
that lives in it or below it fits somewhere in it, and its parent survives; so two criteria
on volumes may leave a container without a surviving volume, and the container still counts
for criteria on containers. The section matches when each label has a survivor at its node.

A section whose labels all live at one node needs no tree: a survivor there fits them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from pyrox.policy.leaftest import Test, test_of
from pyrox.policy.leaves import PARENT, STEPS, Leaf, Node
from pyrox.policy.queries import Query
from pyrox.policy.views import ContainerView, Words

Step = Callable[[Any], Iterable[Any]]
_Lacking = tuple[tuple[Callable[[Any], Words], frozenset[str]], ...]


class Hit:
    """A surviving object and the survivors in its repeated parts, by node."""

    __slots__ = ("below", "element")

    def __init__(self, element: Any, below: Sequence[tuple[Node, list[Hit]]] = ()) -> None:
        self.element = element
        self.below = below


# What the vulnerabilities of a container are, each with its component: the usual question
# passes over components, of which an image has hundreds.
_vuln_pairs: Step = attrgetter("vuln_pairs")


@dataclass(slots=True)
class NodePlan:
    """What the section asks of the objects at one node; each label has a bit.

    Each test stands with its bit and the bits of the tests after it.
    """

    node: Node
    tests: list[tuple[int, int, Test]] = field(default_factory=list)
    children: list[NodePlan] = field(default_factory=list)
    own: int = 0
    full: int = 0

    def survivors(self, parent: Any, now: int) -> tuple[int, list[Hit]]:
        """The labels that fit somewhere in the parent's objects, and the objects in which all fit."""
        if not self.children:
            return self._at_end(STEPS[self.node][1](parent), now)
        if self._passes_over():
            return self._pairs(parent, now)
        seen, kept = 0, []
        for one in STEPS[self.node][1](parent):
            inner, below = self._own(one, now), []
            for child in self.children:
                found, hits = child.survivors(one, now)
                inner |= found
                below.append((child.node, hits))
            seen |= inner
            if inner == self.full:
                kept.append(Hit(one, below))
        return seen, kept

    def kept_below_top(self, parent: Any, now: int) -> list[Hit]:
        """As `survivors` where nobody asks which labels the others fit: the first failure ends it."""
        if not self.children:
            return self._at_end(STEPS[self.node][1](parent), now)[1]
        if self._passes_over():
            return self._pairs(parent, now)[1]
        kept = []
        for one in STEPS[self.node][1](parent):
            below = self._below(one, now) if self._own(one, now) == self.own else None
            if below is not None:
                kept.append(Hit(one, below))
        return kept

    def _below(self, one: Any, now: int) -> list[tuple[Node, list[Hit]]] | None:
        below = []
        for child in self.children:
            found, hits = child.survivors(one, now)
            if found != child.full:
                return None
            below.append((child.node, hits))
        return below

    def _own(self, one: Any, now: int) -> int:
        mask = 0
        for bit, _rest, test in self.tests:
            if test(one, now):
                mask |= bit
        return mask

    def _at_end(self, elements: Iterable[Any], now: int) -> tuple[int, list[Hit]]:
        seen, kept, full = 0, [], self.full
        for one in elements:
            mask = 0
            for bit, rest, test in self.tests:
                if test(one, now):
                    mask |= bit
                elif seen & rest == rest:
                    # It cannot survive, and what it could still fit is known to fit somewhere.
                    break
            seen |= mask
            if mask == full:
                kept.append(Hit(one))
        return seen, kept

    def _pairs(self, parent: Any, now: int) -> tuple[int, list[Hit]]:
        (child,) = self.children
        seen, kept, full = 0, [], child.full
        for component, vuln in _vuln_pairs(parent):
            mask = 0
            for bit, rest, test in child.tests:
                if test(vuln, now):
                    mask |= bit
                elif seen & rest == rest:
                    break
            seen |= mask
            if mask == full:
                kept.append(Hit(component, ((Node.VULN, [Hit(vuln)]),)))
        return seen, kept

    def _passes_over(self) -> bool:
        return self.node is Node.COMPONENT and not self.tests

    def seal(self) -> int:
        """Sum up the bits of the node and all nodes below it."""
        rest = 0
        for at in reversed(range(len(self.tests))):
            bit, _rest, test = self.tests[at]
            self.tests[at] = (bit, rest, test)
            rest |= bit
        self.own = self.full = rest
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
class _Chain:
    """A section whose labels all live at one node: the way there, and what to ask there."""

    nodes: tuple[Node, ...]
    steps: tuple[Step, ...]
    test: Test
    pairs: bool
    lacking: _Lacking
    """What a container tells of all texts at once, and those of which it must have one."""

    def hits(self, element: Any, now: int, at: int = 0) -> list[Hit]:
        """The survivors in the object, the first `at` steps being done."""
        test = self.test
        if self.lacking and isinstance(element, ContainerView):
            for words_of, wanted in self.lacking:
                if words_of(element).lack(wanted):
                    return []
        if self.pairs and at + 2 == len(self.steps):
            return [
                Hit(component, ((Node.VULN, [Hit(vuln)]),))
                for component, vuln in _vuln_pairs(element)
                if test(vuln, now)
            ]
        elements = self.steps[at](element)
        if at + 1 == len(self.steps):
            return [Hit(one) for one in elements if test(one, now)]
        found, node = [], self.nodes[at + 1]
        for one in elements:
            below = self.hits(one, now, at + 1)
            if below:
                found.append(Hit(one, ((node, below),)))
        return found


@dataclass(frozen=True, slots=True)
class Finder:
    """Whether one query fits anywhere in the subject."""

    steps: tuple[Step, ...]
    test: Test

    def find(self, element: Any, now: int, at: int = 0) -> bool:
        """Whether it fits in the object, the first `at` steps being done."""
        steps = self.steps
        if at == len(steps):
            return self.test(element, now)
        return any(self.find(one, now, at + 1) for one in steps[at](element))


@dataclass(frozen=True, slots=True)
class LinkedPlan:
    """The whole section; a finder for each of several queries on one label."""

    root: NodePlan
    finders: tuple[Finder, ...]
    needed: frozenset[Node]
    chain: _Chain | None
    """The way to the labels when all live at one node below the top."""

    def match(self, top: Any, now: int) -> Hit | None:
        """The survivors of the subject, or None when the section does not match."""
        for finder in self.finders:
            if not finder.find(top, now):
                return None
        chain = self.chain
        if chain is not None:
            hits = chain.hits(top, now)
            return Hit(top, ((chain.nodes[0], hits),)) if hits else None
        for _bit, _rest, test in self.root.tests:
            if not test(top, now):
                return None
        return self._tree(top, now) if self.root.children else Hit(top)

    def _tree(self, top: Any, now: int) -> Hit | None:
        below = []
        for child in self.root.children:
            hits = child.kept_below_top(top, now)
            if not hits:
                return None
            below.append((child.node, hits))
        hit = Hit(top, below)
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
        _node(root, leaf.node).tests.append((1 << at, 0, _union(tests)))
        if len(united) > 1:
            finders.extend(Finder(_steps(leaf.node, top), test) for test in tests)
    root.seal()
    chain = _chain(root, _lacking(by_label, leaves))
    return LinkedPlan(root, tuple(finders), frozenset(root.nodes_with_labels()), chain)


def _lacking(by_label: dict[str, list[Query]], leaves: dict[str, Leaf]) -> _Lacking:
    return tuple(
        (attrgetter(leaves[label].words), queries[0].words)
        for label, queries in by_label.items()
        if leaves[label].words and len(queries) == 1 and queries[0].words is not None
    )


def _chain(root: NodePlan, lacking: _Lacking) -> _Chain | None:
    nodes, plan = [], root
    while len(plan.children) == 1 and not plan.tests:
        plan = plan.children[0]
        nodes.append(plan.node)
    if plan is root or plan.children:
        return None
    test = _each([test for _bit, _rest, test in plan.tests])
    steps = tuple(STEPS[node][1] for node in nodes)
    return _Chain(tuple(nodes), steps, test, nodes[-2:] == [Node.COMPONENT, Node.VULN], lacking)


def _steps(node: Node, top: Node) -> tuple[Step, ...]:
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


def _each(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(element: Any, now: int) -> bool:
        # A loop and not all(): this runs for every vulnerability of every image.
        for one in tests:  # noqa: SIM110
            if not one(element, now):
                return False
        return True

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
