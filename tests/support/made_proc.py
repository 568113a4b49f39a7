"""A /proc of few processes in containers, with the sockets that a test gives them."""

from __future__ import annotations

from pathlib import Path

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
_REST = "00000000:00000000 00:00000000 00000000     0        0"
LISTENS, CONNECTED = "0A", "01"


def line(local: str, remote: str, state: str, inode: str = "7") -> str:
    """A line of a table; ends are as the kernel writes them, `0200000A:01BB`."""
    return f"   0: {local} {remote} {state} {_REST} {inode} 1 0000000000000000 100 0 0 10 0"


def end(address: str, port: int) -> str:
    """An end as the kernel writes it, of an IPv4 address."""
    return f"{bytes(map(int, address.split('.')))[::-1].hex().upper()}:{port:04X}"


def tables(directory: Path, *lines: str) -> None:
    """Write the table of a process' namespace."""
    text = "\n".join((HEAD, *lines))
    (directory / "net" / "tcp.new").write_text(text)
    (directory / "net" / "tcp.new").rename(directory / "net" / "tcp")


def process(
    proc: Path, pid: int, inodes: tuple[int, ...], *lines: str, cgroup: str = "", namespace: int = 1
) -> Path:
    """One process, its open sockets and the table of its namespace; its directory."""
    directory = proc / str(pid)
    for folder in ("ns", "fd", "net"):
        (directory / folder).mkdir(parents=True)
    (directory / "cgroup").write_text(cgroup or f"0::/{'a' * 64}")
    (directory / "ns" / "net").symlink_to(f"net:[{namespace}]")
    for number, inode in enumerate(inodes):
        (directory / "fd" / str(number)).symlink_to(f"socket:[{inode}]")
    (directory / "fd" / "99").symlink_to("/dev/null")
    tables(directory, *lines)
    return directory
