"""Records of the ring buffer to executions, and executions to signals. Pure.

The layout is that of `struct record` in `bpf/process.bpf.c`. Everything in a record was
chosen by a process in a container: sizes are checked before they are used, texts may be
any bytes. It must not know where records come from or where signals go.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyrox.errors import Invalid
from pyrox.pb.storage.process_indicator_pb2 import ProcessSignal
from services.collector.containers import container_id

# time, pid, parent's pid, uid, gid, bytes of path, bytes of arguments, ancestors, comm, cgroup.
_HEAD = struct.Struct("<Q7I16s128s")
_ANCESTOR = struct.Struct("<3I")
RAW_ANCESTORS = 16
"""Ancestors that the kernel side looks at."""
HEAD_BYTES = _HEAD.size + RAW_ANCESTORS * _ANCESTOR.size
"""What stands before the texts."""
# Upstream's ProcessSignalFormatter.cpp.
_MAX_ANCESTORS = 10


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A process above another one."""

    uid: int
    path: str


@dataclass(frozen=True, slots=True)
class Execution:
    """A process in a container that started a program."""

    container: str
    pid: int
    uid: int
    gid: int
    name: str
    path: str
    arguments: str
    ancestors: tuple[Ancestor, ...]
    nanoseconds: int
    """Wall-clock time since 1970."""
    scraped: bool = False
    """It ran before Collector, or the stream, did."""


def decode(record: bytes | memoryview, boot_nanoseconds: int) -> Execution | None:
    """The execution that a record tells of; None when it was in no container after all.

    `boot_nanoseconds` is the moment since 1970 at which the kernel's clock was zero.
    Raises `Invalid` when the record contradicts itself.
    """
    if len(record) < HEAD_BYTES:
        raise Invalid(f"kernel record of {len(record)} bytes: expected {HEAD_BYTES} or more")
    time, pid, _, uid, gid, path_bytes, args_bytes, ancestors, comm, cgroup = _HEAD.unpack_from(record)
    container = container_id("/" + text(_until_zero(cgroup)))
    if not container:
        return None
    texts = _Texts(record)
    path = path_of(texts.take(path_bytes))
    arguments = arguments_of(texts.take(args_bytes))
    if ancestors > RAW_ANCESTORS:
        raise Invalid(f"kernel record with {ancestors} ancestors: expected {RAW_ANCESTORS} at most")
    raw = (_ANCESTOR.unpack_from(record, _HEAD.size + at * _ANCESTOR.size) for at in range(ancestors))
    lineage = tuple(Ancestor(uid, path_of(texts.take(size))) for _, uid, size in raw)
    name = text(_until_zero(comm))
    return Execution(
        container=container,
        pid=pid,
        uid=uid,
        gid=gid,
        name=name or path,
        path=path or name,
        arguments=arguments,
        ancestors=collapse(lineage),
        nanoseconds=time + boot_nanoseconds,
    )


class _Texts:
    """Cuts the texts behind the head, one after the other."""

    def __init__(self, record: bytes | memoryview) -> None:
        self._record = record
        self._at = HEAD_BYTES

    def take(self, size: int) -> bytes:
        """The next `size` bytes. Raises `Invalid` when there are fewer."""
        end = self._at + size
        if end > len(self._record):
            raise Invalid(f"kernel record of {len(self._record)} bytes names a text up to byte {end}")
        taken = bytes(self._record[self._at : end])
        self._at = end
        return taken


def path_of(components: bytes) -> str:
    """The path whose names stand in `components`, the last one first, each ended by a zero."""
    names = components.split(b"\0")[:-1]
    return "/" + text(b"/".join(reversed(names))) if names else ""


def arguments_of(block: bytes) -> str:
    """The arguments without the first, which is the program's name, joined by spaces."""
    _, _, rest = block.partition(b"\0")
    return text(rest.removesuffix(b"\0").replace(b"\0", b" "))


def text(raw: bytes) -> str:
    """The bytes as text; each that is not UTF-8 becomes `?`, as upstream's Collector does."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode(errors="surrogateescape").encode(errors="replace").decode()


def collapse(lineage: Sequence[Ancestor]) -> tuple[Ancestor, ...]:
    """The ancestors, of consecutive ones with the same program only the first, ten at most."""
    kept: list[Ancestor] = []
    for ancestor in lineage:
        if len(kept) == _MAX_ANCESTORS:
            break
        if ancestor.path and not (kept and kept[-1].path == ancestor.path):
            kept.append(ancestor)
    return tuple(kept)


def signal(execution: Execution, make_id: Callable[[], str], *, arguments: bool = True) -> ProcessSignal:
    """The message that Sensor gets."""
    made = ProcessSignal(
        id=make_id(),
        container_id=execution.container,
        name=execution.name,
        args=execution.arguments if arguments else "",
        exec_file_path=execution.path,
        pid=execution.pid,
        uid=execution.uid,
        gid=execution.gid,
        scraped=execution.scraped,
    )
    made.time.FromNanoseconds(execution.nanoseconds)
    for ancestor in execution.ancestors:
        made.lineage_info.add(parent_uid=ancestor.uid, parent_exec_file_path=ancestor.path)
    return made


def _until_zero(field: bytes) -> bytes:
    return field.partition(b"\0")[0]
