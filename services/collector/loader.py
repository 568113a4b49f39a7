"""The kernel side: loads the program through libbpf, reads its ring buffer and counters.

The only module that touches the kernel; `watch.py` runs it. Bindings are ctypes over
Debian's libbpf1, so that neither compiler nor headers are needed. It must not know what
a record means.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pyrox.errors import Unavailable

OBJECT = Path(__file__).with_name("bpf") / "process.bpf.o"
_BTF = Path("/sys/kernel/btf/vmlinux")
_PROGRAM, _RING, _COUNTS = b"on_exec", b"events", b"counts"
_COUNTERS = 4
# `struct bpf_prog_info` up to and with `recursion_misses` (include/uapi/linux/bpf.h).
_INFO_BYTES = 216
_MAX_MESSAGES = 20
_MESSAGE_BYTES = 1024
# libbpf's levels: 0 warning, 1 information, 2 debugging.
_WARNING = 0
_BATCH_FULL = -errno.ECANCELED

_Print = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_Sample = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel side counted since it was loaded."""

    sent: int = 0
    lost: int = 0
    """The ring buffer was full."""
    outside: int = 0
    """Not in a container."""
    unreadable: int = 0
    """Arguments lay in memory that was not there; told without them."""
    missed: int = 0
    """The kernel did not run the program, because it ran on that processor already."""


class Probe(Protocol):
    """A loaded program."""

    fd: int
    """Becomes readable when records wait."""

    def read(self, limit: int) -> list[bytes]:
        """The records that wait, oldest first, at most `limit`; never waits."""

    def counters(self) -> Counters:
        """The kernel's own counts."""

    def close(self) -> None:
        """Detach and unload."""


class ProbeUnavailable(Unavailable):
    """The kernel cannot be watched; the message says why and what to do."""


def boot_nanoseconds() -> int:
    """The moment since 1970 at which the clock of the records was zero."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def open_probe(ring_bytes: int) -> Probe:
    """Load and attach the program. Raises `ProbeUnavailable`."""
    library = _library()
    if not _BTF.exists():
        raise ProbeUnavailable(f"{_BTF} is missing: the kernel was built without CONFIG_DEBUG_INFO_BTF")
    return KernelProbe(library, OBJECT, ring_bytes)


class KernelProbe:
    """The program of one object file, loaded and attached."""

    def __init__(self, library: ctypes.CDLL, file: Path, ring_bytes: int) -> None:
        self._library = library
        self._records: list[bytes] = []
        self._limit = 0
        self._messages = _Messages(library)
        # libbpf calls these for as long as the object lives.
        self._on_sample = _Sample(self._take)
        self._object: int | None = None
        self._link: int | None = None
        self._ring: int | None = None
        try:
            self._open(file.read_bytes(), ring_bytes)
        except (OSError, ProbeUnavailable) as err:
            self.close()
            reason = err.message if isinstance(err, ProbeUnavailable) else f"{file}: {err.strerror}"
            raise ProbeUnavailable(reason) from err

    def read(self, limit: int) -> list[bytes]:
        """The records that wait, oldest first, at most `limit`; never waits."""
        self._limit = limit
        code = self._library.ring_buffer__consume(self._ring)
        records, self._records = self._records, []
        if code < 0 and code != _BATCH_FULL:
            raise ProbeUnavailable(f"reading the ring buffer: {os.strerror(-code)}")
        return records

    def counters(self) -> Counters:
        """The kernel's own counts, summed over all processors."""
        sent, lost, outside, unreadable = (self._sum(index) for index in range(_COUNTERS))
        return Counters(sent, lost, outside, unreadable, self._missed())

    def close(self) -> None:
        """Detach and unload; may be called again."""
        if self._ring is not None:
            self._library.ring_buffer__free(self._ring)
        if self._link is not None:
            self._library.bpf_link__destroy(self._link)
        if self._object is not None:
            self._library.bpf_object__close(self._object)
        self._object = self._link = self._ring = None

    def _open(self, image: bytes, ring_bytes: int) -> None:
        lib = self._library
        self._object = self._pointer(
            lib.bpf_object__open_mem(image, len(image), None), "reading the object file"
        )
        self._check(lib.bpf_map__set_max_entries(self._map(_RING), ring_bytes), "sizing the ring buffer")
        self._check(lib.bpf_object__load(self._object), "loading the program")
        program = self._pointer(
            lib.bpf_object__find_program_by_name(self._object, _PROGRAM), "finding the program"
        )
        self._program_fd = lib.bpf_program__fd(program)
        ring_fd = lib.bpf_map__fd(self._map(_RING))
        self._counts_fd = lib.bpf_map__fd(self._map(_COUNTS))
        self._counts = (ctypes.c_uint64 * lib.libbpf_num_possible_cpus())()
        self._ring = self._pointer(
            lib.ring_buffer__new(ring_fd, self._on_sample, None, None), "opening the ring buffer"
        )
        self.fd: int = lib.ring_buffer__epoll_fd(self._ring)
        self._link = self._pointer(lib.bpf_program__attach(program), "attaching the program")

    def _map(self, name: bytes) -> int:
        return self._pointer(
            self._library.bpf_object__find_map_by_name(self._object, name), f"finding map {name.decode()}"
        )

    def _take(self, _: int, data: int, size: int) -> int:
        self._records.append(ctypes.string_at(data, size))
        # The record counts as read either way; the code only ends this call.
        return _BATCH_FULL if len(self._records) >= self._limit else 0

    def _sum(self, index: int) -> int:
        key = ctypes.c_uint32(index)
        code = self._library.bpf_map_lookup_elem(self._counts_fd, ctypes.byref(key), self._counts)
        self._check(code, "reading the counters")
        return sum(self._counts)

    def _missed(self) -> int:
        """`bpf_prog_info.recursion_misses`; zero before Linux 5.12, which does not count it."""
        size = ctypes.c_uint32(_INFO_BYTES)
        info = (ctypes.c_uint64 * (_INFO_BYTES // 8))()
        code = self._library.bpf_obj_get_info_by_fd(self._program_fd, info, ctypes.byref(size))
        self._check(code, "asking for the program's state")
        return int(info[-1])

    def _pointer(self, value: int | None, doing: str) -> int:
        if not value:
            self._check(-(ctypes.get_errno() or errno.ENOENT), doing)
            raise AssertionError
        return value

    def _check(self, code: int, doing: str) -> None:
        if code >= 0:
            return
        said = "; ".join(self._messages.lines)
        raise ProbeUnavailable(f"{doing}: {os.strerror(-code)}{_advice(-code)}{': ' if said else ''}{said}")


class _Messages:
    """libbpf's own warnings, the last of which usually names the cause."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.lines: list[str] = []
        self._format = ctypes.CDLL(None).vsnprintf
        self._format.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]
        self._callback = _Print(self._keep)
        library.libbpf_set_print(self._callback)

    def _keep(self, level: int, form: bytes, arguments: int) -> int:
        if level == _WARNING:
            buffer = ctypes.create_string_buffer(_MESSAGE_BYTES)
            self._format(buffer, _MESSAGE_BYTES, form, arguments)
            self.lines = [*self.lines, buffer.value.decode(errors="replace").strip()][-_MAX_MESSAGES:]
        return 0


def _advice(code: int) -> str:
    if code in {errno.EPERM, errno.EACCES}:
        return " (run as root or with CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE)"
    return ""


_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_FUNCTIONS: dict[str, tuple[type, list[type]]] = {
    "bpf_object__open_mem": (_POINTER, [ctypes.c_char_p, ctypes.c_size_t, _POINTER]),
    "bpf_object__load": (_INT, [_POINTER]),
    "bpf_object__close": (_INT, [_POINTER]),
    "bpf_object__find_map_by_name": (_POINTER, [_POINTER, ctypes.c_char_p]),
    "bpf_object__find_program_by_name": (_POINTER, [_POINTER, ctypes.c_char_p]),
    "bpf_map__set_max_entries": (_INT, [_POINTER, ctypes.c_uint32]),
    "bpf_map__fd": (_INT, [_POINTER]),
    "bpf_map_lookup_elem": (_INT, [_INT, _POINTER, _POINTER]),
    "bpf_obj_get_info_by_fd": (_INT, [_INT, _POINTER, _POINTER]),
    "bpf_program__fd": (_INT, [_POINTER]),
    "bpf_program__attach": (_POINTER, [_POINTER]),
    "bpf_link__destroy": (_INT, [_POINTER]),
    "ring_buffer__new": (_POINTER, [_INT, _Sample, _POINTER, _POINTER]),
    "ring_buffer__epoll_fd": (_INT, [_POINTER]),
    "ring_buffer__consume": (_INT, [_POINTER]),
    "ring_buffer__free": (_INT, [_POINTER]),
    "libbpf_num_possible_cpus": (_INT, []),
    "libbpf_set_print": (_POINTER, [_Print]),
}


def _library(name: str = "libbpf.so.1") -> ctypes.CDLL:
    """The library with the types of what is called. Raises `ProbeUnavailable`."""
    try:
        library = ctypes.CDLL(name, use_errno=True)
        for function, (result, arguments) in _FUNCTIONS.items():
            found = getattr(library, function)
            found.restype, found.argtypes = result, arguments
    except (OSError, AttributeError) as err:
        raise ProbeUnavailable(f"{name} cannot be used ({err}): install Debian's libbpf1") from err
    return library


Opener = Callable[[int], Probe]
