"""A query as a test of the objects that hold its leaf: the innermost loop of the engine.

Made by `pyrox.policy.plan`, once for each query of a section. It must not know how objects
are linked. Whatever short cut is taken here, the verdict is that of `Query.fits`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from pyrox.policy import values
from pyrox.policy.leaves import ABSENT, Leaf
from pyrox.policy.queries import Query, older

Test = Callable[[Any, int], bool]
_Parts = tuple[Callable[[Any], str], ...]
_Tests = Sequence[tuple[values.Matcher, ...]]
# First parts that are remembered per criterion, and the longest of them.
_MEMORY, _MEMORABLE = 4096, 64


def test_of(leaf: Leaf, query: Query) -> Test:
    """A test of the leaf's owner; an absent leaf never fits."""
    if query.timed is not None:
        return _age_test(leaf.get, query.timed)
    if leaf.many:
        get, fits_many = leaf.get, query.fits_many
        return lambda element, _now: (value := get(element)) is not ABSENT and fits_many(value)
    compounds = [one for one in query.matchers if isinstance(one, values.Compound)]
    if leaf.parts and len(compounds) == len(query.matchers) and not (query.every or query.negate):
        return _parts_test(leaf, compounds)
    if len(query.matchers) == 1 or not query.every:
        return _matcher_test(leaf, query.either or _any(query.matchers), negate=query.negate)
    get, fits = leaf.get, query.fits
    return lambda element, now: (value := get(element)) is not ABSENT and fits(value, now)


def _age_test(get: Callable[[Any], Any], age: int) -> Test:
    return lambda element, now: (value := get(element)) is not ABSENT and older(value, now, age)


def _any(matchers: Sequence[values.Matcher]) -> values.Matcher:
    if len(matchers) == 1:
        return matchers[0]

    def fits(value: Any) -> bool:
        # A loop and not any(): this runs for every port and volume.
        for matcher in matchers:  # noqa: SIM110
            if matcher(value):
                return True
        return False

    return fits


def _matcher_test(leaf: Leaf, matcher: values.Matcher, *, negate: bool) -> Test:
    if leaf.plain and (leaf.zero is None or not (negate or matcher(leaf.zero))):
        # What is not set reads as zero: where that does not fit, nobody need ask whether it is set.
        plain = attrgetter(leaf.plain)
        if negate:
            return lambda element, _now: not matcher(plain(element))
        return lambda element, _now: matcher(plain(element))
    get = leaf.get
    if negate:
        return lambda element, _now: (value := get(element)) is not ABSENT and not matcher(value)
    return lambda element, _now: (value := get(element)) is not ABSENT and matcher(value)


def _parts_test(leaf: Leaf, compounds: Sequence[values.Compound]) -> Test:
    """Each part by itself; the joined text is made only where a tab inside a part could mislead."""
    tests = [compound.tests for compound in compounds]

    def joined(element: Any) -> bool:
        text = "\t".join(part(element) for part in leaf.parts)
        return any(compound(text) for compound in compounds)

    if len(leaf.parts) == 2:
        return _two_parts(leaf.parts, tests, joined)
    return _three_parts(leaf.parts, tests, joined)


def _two_parts(parts: _Parts, tests: _Tests, joined: values.Matcher) -> Test:
    first_of, second_of = parts
    wanted = [(first, second) for first, second in tests]
    # Instructions and packages are the same in image after image: what is asked of the second
    # part, by the first one.
    fitting: dict[str, tuple[values.Matcher, ...]] = {}

    def seconds(one: str) -> tuple[values.Matcher, ...]:
        found = tuple(second for first, second in wanted if first(one))
        if len(one) <= _MEMORABLE and "\t" not in one:
            if len(fitting) >= _MEMORY:
                fitting.clear()
            fitting[one] = found
        return found

    def test(element: Any, _now: int) -> bool:
        one, two = first_of(element), second_of(element)
        known = fitting.get(one)
        if known is None:
            known = seconds(one)
            if "\t" in one:
                return joined(element)
        if "\t" in two:
            return joined(element)
        # A loop and not any(): this runs for every component and line of every image.
        for second in known:  # noqa: SIM110
            if second(two):
                return True
        return False

    return test


def _three_parts(parts: _Parts, tests: _Tests, joined: values.Matcher) -> Test:
    first_of, second_of, third_of = parts
    wanted = [(first, second, third) for first, second, third in tests]

    def test(element: Any, _now: int) -> bool:
        two, three = second_of(element), third_of(element)
        if "\t" in two or "\t" in three:
            return joined(element)
        for first, second, third in wanted:
            # The key is what tells variables apart.
            if second(two) and first(first_of(element)) and third(three):
                return True
        return False

    return test
