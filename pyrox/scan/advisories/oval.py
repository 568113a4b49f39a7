"""OVAL documents: their definitions, and the packages that their tests speak of.

The ecosystems of dpkg and rpm make an `OvalSource` for each distribution. As upstream does,
the criteria's AND and OR are not evaluated: every test of a package is a row (claircore
pkg/ovalutil). Tests that say nothing of a version to be older than are left out, with a count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyrox.scan import severity
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, Item, ParsedAdvisory, Skipped
from pyrox.scan.advisories.ranges import Bounds, Subject, note, row
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.formats.xmlrecords import Node, records
from pyrox.scan.model import Kind
from pyrox.scan.protocols import VersionScheme

_KINDS: Final = ("rpminfo", "dpkginfo")
_MODULE: Final = re.compile(r"Module (\S+) is enabled")
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,}", re.ASCII)
_FIRST: Final = re.compile(r"(?:0:)?0(?:[-.]0)*")  # no version is older
_NO_VERSION: Final = "no version"
_MAX_NAMES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Definition:
    """One advisory as the document has it; `tests` are the references of its leaves."""

    id: str
    title: str
    description: str
    issued: str
    updated: str
    severity: str
    links: tuple[str, ...]
    names: tuple[str, ...]
    platforms: tuple[str, ...]
    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _State:
    evr: str = ""
    operation: str = ""
    arch: str = ""
    arch_operation: str = ""


@dataclass(slots=True)
class _Parts:
    """Tests, objects, states and variables by id, as far as packages are concerned."""

    tests: dict[str, tuple[str, str]] = field(default_factory=dict)
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)
    states: dict[str, _State] = field(default_factory=dict)
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self, reference: str) -> tuple[str, ...]:
        """The packages of an object: its own name, or the values of its variable."""
        name, variable = self.objects.get(reference, ("", ""))
        return (name,) if name else self.variables.get(variable, ())


Namespaces = Callable[[str, Definition], Sequence[str]]


class OvalSource:
    """The documents of one distribution.

    Args:
        updater: upstream's updater name for a path, empty for a path that is not the source's.
        scheme: the order of its versions.
        namespaces: which namespaces a definition of the document at a path speaks of.
        refused: a part of fixed versions that are not to be taken (Oracle's live patches).
        belongs: whether a fixed version is one of the namespace's, for definitions of several.
    """

    def __init__(
        self,
        name: str,
        scheme: VersionScheme,
        *,
        updater: Callable[[str], str],
        namespaces: Namespaces,
        refused: str = "",
        belongs: Callable[[str, str], bool] = lambda namespace, fixed: True,  # noqa: ARG005 - all do
    ) -> None:
        self.name = name
        self._scheme = scheme
        self._updater = updater
        self._namespaces = namespaces
        self._refused = refused
        self._belongs = belongs

    def accepts(self, path: str) -> bool:
        """True for a path that has an updater."""
        return bool(self._updater(path))

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """One advisory for each definition; never raises on bad content."""
        definitions: list[Definition] = []
        parts = _Parts()
        try:
            for node in records(unpack.plain(data), _wanted):
                _collect(node, definitions, parts)
        except StreamDamage as damage:
            yield Skipped(path, damage.detail)
        for definition in definitions:
            yield from self._definition(path, definition, parts)

    def _definition(self, path: str, definition: Definition, parts: _Parts) -> Iterator[Item]:
        title = definition.title or definition.id
        namespaces = self._namespaces(path, definition)
        if not namespaces:
            yield Skipped(title[:200], "definition for no system that is known")
            return
        skipped: dict[Skipped, None] = {}
        rows: dict[AdvisoryRow, None] = {}
        for reference in definition.tests:
            for made in self._rows(definition, namespaces, reference, parts, skipped):
                rows[made] = None
        if rows:
            yield ParsedAdvisory(self._advisory(path, definition), tuple(rows))
        elif not skipped:
            yield Skipped(title[:200], "definition without a test of a package")
        yield from skipped

    def _rows(
        self,
        definition: Definition,
        namespaces: Sequence[str],
        reference: str,
        parts: _Parts,
        skipped: dict[Skipped, None],
    ) -> Iterator[AdvisoryRow]:
        title = (definition.title or definition.id)[:200]
        if reference not in parts.tests:
            return
        names, state = parts.names(parts.tests[reference][0]), parts.tests[reference][1]
        found = parts.states.get(state, _State()) if state else _State(operation="none")
        if found.operation == _NO_VERSION:
            return  # a release that must be installed, or a signature
        bounds = _bounds(found)
        if not names or bounds is None:
            reason = f"test with comparison {found.operation[:40]!r}" if names else "test of no known object"
            skipped[Skipped(title, reason)] = None
            return
        if self._refused and self._refused in bounds.fixed:
            skipped[Skipped(title, f"fix of {self._refused}")] = None
            return
        for namespace in (n for n in namespaces if self._belongs(n, bounds.fixed)):
            for name in names:
                for module in definition.modules or ("",):
                    subject = Subject(
                        namespace, name, Kind.BINARY, self._scheme, definition.id, _arch(found), module
                    )
                    made = row(subject, bounds)
                    if made is not None:
                        yield made
                        problem = note(made, self._scheme)
                        if problem:
                            skipped[Skipped(title, problem)] = None

    def _advisory(self, path: str, definition: Definition) -> Advisory:
        return Advisory(
            source=self._updater(path),
            key=definition.id,
            name=definition.title or definition.id,
            description=definition.description,
            issued=unpack.time(definition.issued),
            links=" ".join(dict.fromkeys(definition.links)),
            severity=definition.severity,
            normalized=severity.from_word(definition.severity),
            aliases=tuple(Alias("CVE", name) for name in definition.names),
            updated=unpack.time(definition.updated),
        )


def _wanted(name: str) -> bool:
    return name in {"definition", "constant_variable"} or name.startswith(_KINDS)


def _collect(node: Node, definitions: list[Definition], parts: _Parts) -> None:
    if node.name == "definition":
        if node.attributes.get("class") != "inventory":
            definitions.append(_read(node))
        return
    key = node.attributes.get("id", "")
    if node.name == "constant_variable":
        values = tuple(v.text.strip() for v in node.all("value"))
        parts.variables[key] = values[:_MAX_NAMES]
    elif node.name.endswith("_test"):
        found, state = node.first("object"), node.first("state")
        parts.tests[key] = (
            found.attributes.get("object_ref", "") if found else "",
            state.attributes.get("state_ref", "") if state else "",
        )
    elif node.name.endswith("_object"):
        name = node.first("name")
        if name is not None:
            parts.objects[key] = (name.text.strip(), name.attributes.get("var_ref", ""))
    elif node.name.endswith("_state"):
        parts.states[key] = _state(node)


def _state(node: Node) -> _State:
    evr, arch = node.first("evr"), node.first("arch")
    return _State(
        evr=evr.text.strip() if evr else "",
        operation=evr.attributes.get("operation", "equals") if evr else _NO_VERSION,
        arch=arch.text.strip() if arch else "",
        arch_operation=arch.attributes.get("operation", "equals") if arch else "",
    )


def _read(node: Node) -> Definition:
    metadata = node.first("metadata") or Node("metadata", {})
    advisory = metadata.first("advisory") or Node("advisory", {})
    references = list(metadata.all("reference"))
    leaves = list(_leaves(node))
    title = metadata.text_at("title")
    return Definition(
        id=node.attributes.get("id", ""),
        title=title,
        description=metadata.text_at("description"),
        issued=_date(advisory, "issued"),
        updated=_date(advisory, "updated"),
        severity=advisory.text_at("severity"),
        links=tuple(_links(references, advisory)),
        names=tuple(dict.fromkeys(_names(title, references, advisory))),
        platforms=tuple(p.text.strip() for a in metadata.all("affected") for p in a.all("platform")),
        modules=tuple(
            dict.fromkeys(
                m[1] for leaf in leaves if (m := _MODULE.search(leaf.attributes.get("comment", "")))
            )
        ),
        tests=tuple(dict.fromkeys(leaf.attributes.get("test_ref", "") for leaf in leaves)),
    )


def _leaves(definition: Node) -> Iterator[Node]:
    """Every criterion that is not negated, nor below something that is."""
    waiting = list(definition.all("criteria"))
    while waiting:
        node = waiting.pop()
        if node.attributes.get("negate") == "true":
            continue
        if node.name == "criterion":
            yield node
        waiting.extend(reversed(node.children))


def _links(references: Sequence[Node], advisory: Node) -> Iterator[str]:
    """The links in upstream's order: references, then what the advisory names."""
    for found, attribute in (
        (references, "ref_url"),
        (advisory.all("ref"), "href"),
        (advisory.all("bug"), "href"),
        (advisory.all("cve"), "href"),
    ):
        for node in found:
            link = node.attributes.get(attribute) or (
                node.text.strip() if node.name in {"bug", "ref"} else ""
            )
            if link.startswith("http"):
                yield link


def _names(title: str, references: Sequence[Node], advisory: Node) -> Iterator[str]:
    yield from _CVE.findall(title)
    for node in references:
        yield from _CVE.findall(node.attributes.get("ref_id", ""))
    for node in advisory.all("cve"):
        yield from _CVE.findall(node.text)


def _date(advisory: Node, name: str) -> str:
    node = advisory.first(name)
    return node.attributes.get("date", "") or node.text.strip() if node else ""


_COMPARED: Final[Mapping[str, str]] = {"less than": "fixed", "less than or equal": "last"}


def _bounds(state: _State) -> Bounds | None:
    """The range that a state means; a test without a state holds for every version."""
    if state.operation == "none":
        return Bounds()
    if state.operation in _COMPARED and state.evr:
        fixed = "" if state.evr == "0" and state.operation == "less than" else state.evr
        return Bounds(**{_COMPARED[state.operation]: fixed})
    if state.operation.startswith("greater than") and _FIRST.fullmatch(state.evr):
        return Bounds()
    return None


def _arch(state: _State) -> str:
    """Alternatives of a pattern without its decoration; `!` before what is excluded."""
    if state.arch_operation == "not equal":
        return f"!{state.arch}"
    return state.arch.strip("^$()").replace("(", "").replace(")", "")
