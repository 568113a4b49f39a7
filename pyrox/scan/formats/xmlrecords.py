"""Reads large XML feeds as a stream of small records; declared entities and deep nesting end it.

The parsers of OVAL and updateinfo use it: only the elements that they name are built, one at
a time, so that a feed of a gigabyte needs no more memory than its largest definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.model import NoteKind

_MAX_DEPTH: Final = 100
_MAX_NODES: Final = 500_000
_CHUNK: Final = 1 << 20


@dataclass(slots=True)
class Node:
    """An element: name without prefix, attributes, own text, children."""

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Node]:
        """The children of that name."""
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> Node | None:
        """The first child of that name."""
        return next(self.all(name), None)

    def at(self, *names: str) -> Node | None:
        """The node at the end of a path of first children."""
        node: Node | None = self
        for name in names:
            node = node.first(name) if node is not None else None
        return node

    def text_at(self, *names: str) -> str:
        """The text at the end of a path, stripped; empty when there is none."""
        node = self.at(*names)
        return node.text.strip() if node is not None else ""

    def walk(self) -> Iterator[Node]:
        """The node and all below it, in order, without recursion."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class _Builder:
    def __init__(self, wanted: Callable[[str], bool]) -> None:
        self._wanted = wanted
        self._open: list[Node] = []
        self._texts: list[list[str]] = []
        self._depth = 0
        self._nodes = 0
        self.done: list[Node] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise StreamDamage(NoteKind.TOO_DEEP, f"XML nested more than {_MAX_DEPTH} deep")
        local = name.rpartition(":")[2]
        if not self._open and not self._wanted(local):
            return
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise StreamDamage(NoteKind.TOO_MANY, f"XML element with more than {_MAX_NODES} below it")
        node = Node(local, {key.rpartition(":")[2]: value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(node)
        self._open.append(node)
        self._texts.append([])

    def text(self, data: str) -> None:
        if self._texts:
            self._texts[-1].append(data)

    def end(self, name: str) -> None:  # noqa: ARG002 - expat's signature
        self._depth -= 1
        if not self._open:
            return
        node = self._open.pop()
        node.text = "".join(self._texts.pop())
        if not self._open:
            self._nodes = 0
            self.done.append(node)

    def entity(self, *_: object) -> None:
        raise StreamDamage(NoteKind.UNSUPPORTED, "XML declares an entity")


def records(data: bytes, wanted: Callable[[str], bool]) -> Iterator[Node]:
    """The elements whose names are wanted, in order; those inside another are part of it.

    Raises:
        StreamDamage: no XML, nested too deeply, or with declared entities; what came before
            stays good.
    """
    builder = _Builder(wanted)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.EntityDeclHandler = builder.entity
    for position in range(0, len(data) + 1, _CHUNK):
        chunk = data[position : position + _CHUNK]
        try:
            parser.Parse(chunk, position + _CHUNK > len(data))
        # An encoding that is unknown, or of several bytes, is raised by the codecs behind expat.
        except (expat.ExpatError, LookupError, ValueError) as error:
            yield from builder.done
            raise StreamDamage(NoteKind.MALFORMED, f"XML: {error}") from error
        yield from builder.done
        builder.done = []
