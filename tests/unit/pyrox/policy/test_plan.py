"""Linking against a plain reading of its rules: sets of places, one tree, no short cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyrox.policy.leaves import Leaf, Node
from pyrox.policy.plan import Hit, link, paths
from pyrox.policy.queries import Query
from pyrox.policy.values import exact


@dataclass
class _Root:
    name: str
    containers: list[_Container]
    ports: list[_Port]


@dataclass
class _Port:
    name: str
    exposure_infos: list[_Leaf]


@dataclass
class _Leaf:
    name: str


@dataclass
class _Container:
    name: str
    components: list[_Component]
    layers: list[_Leaf]

    @property
    def vuln_pairs(self) -> list[tuple[_Component, _Leaf]]:
        return [(component, vuln) for component in self.components for vuln in component.vulns]


@dataclass
class _Component:
    name: str
    vulns: list[_Leaf]


_NODES = {
    "root": Node.ROOT,
    "container": Node.CONTAINER,
    "component": Node.COMPONENT,
    "vuln": Node.VULN,
    "second vuln": Node.VULN,
    "layer": Node.LAYER,
    "port": Node.PORT,
    "exposure": Node.EXPOSURE,
}
_LEAVES = {label: Leaf(label, node, "name", lambda element: element.name) for label, node in _NODES.items()}
_NAMES = st.sampled_from("abc")
_LEAF = st.builds(_Leaf, _NAMES)
_ROOTS = st.builds(
    _Root,
    _NAMES,
    st.lists(
        st.builds(
            _Container,
            _NAMES,
            st.lists(st.builds(_Component, _NAMES, st.lists(_LEAF, max_size=2)), max_size=2),
            st.lists(_LEAF, max_size=2),
        ),
        max_size=3,
    ),
    st.lists(st.builds(_Port, _NAMES, st.lists(_LEAF, max_size=2)), max_size=2),
)
_QUERIES = st.lists(st.tuples(st.sampled_from(sorted(_NODES)), _NAMES, st.booleans()), min_size=1, max_size=5)

_Place = tuple[tuple[str, int], ...]


def _places(root: _Root) -> dict[Node, dict[_Place, Any]]:
    """Every object with its place: the named steps and indices that lead to it."""
    found: dict[Node, dict[_Place, Any]] = {node: {} for node in _NODES.values()}
    found[Node.ROOT][()] = root
    for i, container in enumerate(root.containers):
        at: _Place = (("containers", i),)
        found[Node.CONTAINER][at] = container
        for j, layer in enumerate(container.layers):
            found[Node.LAYER][(*at, ("layers", j))] = layer
        for j, component in enumerate(container.components):
            found[Node.COMPONENT][(*at, ("components", j))] = component
            for k, vuln in enumerate(component.vulns):
                found[Node.VULN][(*at, ("components", j), ("vulns", k))] = vuln
    for i, port in enumerate(root.ports):
        found[Node.PORT][(("ports", i),)] = port
        for j, exposure in enumerate(port.exposure_infos):
            found[Node.EXPOSURE][(("ports", i), ("exposure_infos", j))] = exposure
    return found


def _plain(queries: list[Query], root: _Root) -> dict[Node, set[_Place]] | None:
    """The surviving places per node that is asked about, or None."""
    everywhere = _places(root)
    fitting: dict[str, set[_Place]] = {}
    for query in queries:
        places = {
            place for place, element in everywhere[_NODES[query.label]].items() if query.fits(element.name, 0)
        }
        if not places:
            return None
        fitting.setdefault(query.label, set()).update(places)

    def survives(place: _Place) -> bool:
        # Each prefix of the place is an object in which all labels that pass its list must fit.
        for depth in range(1, len(place) + 1):
            prefix, kind = place[:depth], place[depth - 1][0]
            for places in fitting.values():
                passing = [one for one in places if len(one) >= depth and one[: depth - 1] == prefix[:-1]]
                through = [
                    one for one in places if len(one) >= depth and _kinds(one, depth) == _kinds(prefix, depth)
                ]
                if through and not any(one[:depth] == prefix for one in passing if one[depth - 1][0] == kind):
                    return False
        return True

    alive = {label: {place for place in places if survives(place)} for label, places in fitting.items()}
    if not all(alive.values()):
        return None
    result: dict[Node, set[_Place]] = {}
    for label, places in alive.items():
        # A label's own place counts only where all labels of the same object fit.
        result.setdefault(_NODES[label], set()).update(places)
    return result


def _kinds(place: _Place, depth: int) -> tuple[str, ...]:
    return tuple(kind for kind, _index in place[:depth])


def _survivors(hit: Hit, node: Node) -> set[int]:
    return {id(objects[node]) for objects in paths(hit, node, Node.ROOT)}


@settings(max_examples=400, deadline=None)
@given(_ROOTS, _QUERIES)
def test_linking_keeps_what_the_plain_reading_keeps(root: _Root, asked: list[tuple[str, str, bool]]) -> None:
    queries = [Query(label, (exact(value),), negate=negate) for label, value, negate in asked]
    expected = _plain(queries, root)
    hit = link(queries, _LEAVES, Node.ROOT).match(root, 0)
    if expected is None:
        assert hit is None
        return
    assert hit is not None
    everywhere = _places(root)
    for node, places in expected.items():
        assert _survivors(hit, node) == {id(everywhere[node][place]) for place in places}
