"""Roots of small systems, made by their native tools, and what these tools list in them.

rpm packages are built by Debian's `rpmbuild`, signed by `rpmsign` and installed by `rpm` into
an SQLite database. Its headers are then written in rpm's other two forms: BerkeleyDB by
`db5.3_load`, which Debian's rpm can read, and NDB by a writer of its own here, since
Debian's rpm is built without it (layout: rpm lib/backend/ndb/rpmpkg.c). Debian packages for
a distroless root are built by `dpkg-deb`.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

DB_PATH = "/var/lib/rpm"
SIX = "usr/lib/python3.9/site-packages/six-1.16.0-py3.9.egg-info/PKG-INFO"
"""A Python package that an rpm owns."""
SPECS: Mapping[str, str] = {
    "nodejs": """
Name: nodejs
Epoch: 1
Version: 18.19.1
Release: 2.module+el9
Summary: a package with a module label, an epoch, two binaries and many files
License: MIT
ModularityLabel: nodejs:18:9030020240301:rhel9
%description
-
%package docs
Summary: the other
BuildArch: noarch
%description docs
-
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/share/doc/nodejs
for number in $(seq 3000); do echo > %{buildroot}/usr/bin/node-tool-with-a-long-name-$number; done
echo > %{buildroot}/usr/share/doc/nodejs/readme
%files
/usr/bin/*
%files docs
/usr/share/doc/nodejs
""",
    "python3-six": f"""
Name: python3-six
Version: 1.16.0
Release: 9.el9~rc1
Summary: owns a Python package
License: MIT
BuildArch: noarch
%description
-
%install
mkdir -p %{{buildroot}}/{SIX.rpartition("/")[0]}
printf 'Metadata-Version: 1.2\\nName: six\\nVersion: 1.16.0\\n' > %{{buildroot}}/{SIX}
%files
/usr/lib/python3.9
""",
    "empty": """
Name: empty
Version: 2^git1
Release: 1
Summary: no files at all
License: MIT
BuildArch: noarch
%description
-
%files
""",
}
_BACKEND = {"sqlite": "sqlite", "bdb": "bdb_ro"}


def run(*command: str, data: bytes | None = None, **environment: str) -> bytes:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command, input=data, capture_output=True, timeout=120, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{command}: {(done.stdout + done.stderr)[-2000:]!r}"
    return done.stdout


def built_rpms(place: Path) -> list[Path]:
    """The packages of all specs; the first is signed."""
    topdir = ("--define", f"_topdir {place}/rpmbuild", "--define", "_build_id_links none")
    for name, text in SPECS.items():
        spec = place / f"{name}.spec"
        spec.write_text(text)
        run("rpmbuild", "-bb", *topdir, str(spec), HOME=str(place))
    return sorted((place / "rpmbuild/RPMS").rglob("*.rpm"))


def sign(place: Path, package: Path) -> Path:
    """Sign a package with a key made for it; the public key's file."""
    home, key = place / "gpg", place / "key.asc"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", "--passphrase", "")
    try:
        run(*gpg, "--quick-gen-key", "Nobody <nobody@localhost>", "rsa2048", "sign", "never")
        defines = {"_gpg_name": "nobody@localhost", "_gpg_path": str(home), "__gpg": "/usr/bin/gpg"}
        options = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
        run("rpmsign", *options, "--addsign", str(package), HOME=str(place))
        key.write_bytes(run(*gpg, "--armor", "--export", "nobody@localhost"))
    finally:
        run("gpgconf", "--homedir", str(home), "--kill", "gpg-agent")
    return key


def rpm(root: Path, *arguments: str, backend: str = "sqlite") -> bytes:
    """Debian's rpm on another root."""
    defines = ("--define", f"_db_backend {backend}", "--define", f"_dbpath {DB_PATH}")
    return run("rpm", "--root", str(root), *defines, *arguments)


def install(root: Path, packages: Sequence[Path], key: Path) -> None:
    """Unpack the packages and record them, with the key that signed them."""
    root.mkdir()
    rpm(root, "--import", str(key))
    rpm(root, "-i", "--nodeps", "--ignorearch", *map(str, packages))


def headers(root: Path) -> list[tuple[int, bytes]]:
    """Numbers and headers of an SQLite database."""
    with closing(sqlite3.connect(root / DB_PATH[1:] / "rpmdb.sqlite")) as connection:
        return list(connection.execute("SELECT hnum, blob FROM Packages ORDER BY hnum"))


def listed(root: Path, backend: str) -> set[tuple[str, ...]]:
    """What `rpm -qa` lists: name, EVR, architecture, source, module; without imported keys."""
    form = (
        "%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\t%{SOURCERPM}"
        "\t%|MODULARITYLABEL?{%{MODULARITYLABEL}}|\n"
    )
    rows = rpm(root, "-qa", "--qf", form, backend=backend).decode().splitlines()
    return {tuple(row.split("\t")) for row in rows if not row.startswith("gpg-pubkey\t")}


def write_bdb(target: Path, records: Sequence[tuple[int, bytes]], order: str) -> None:
    """A BerkeleyDB hash as rpm wrote it; record 0 holds the highest number in use."""
    lorder = {"<": "1234", ">": "4321"}[order]
    last = struct.pack(order + "I", max(number for number, _ in records))
    pairs = [(struct.pack("<I", 0), last), *((struct.pack(order + "I", n), blob) for n, blob in records)]
    lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_lorder={lorder}", "HEADER=END"]
    lines += [f" {item.hex()}" for pair in pairs for item in pair]
    run("db5.3_load", str(target), data="\n".join([*lines, "DATA=END", ""]).encode())


def write_ndb(target: Path, records: Sequence[tuple[int, bytes]]) -> None:
    """An NDB database: header and slots on whole pages, then the blobs on blocks of 16 bytes."""
    pages = -(-(32 + 16 * len(records)) // 4096)
    slots, body = b"", b""
    for number, blob in records:
        start = pages * 4096 + len(body)
        block = struct.pack("<IIII", 0x53626C42, number, 1, len(blob)) + blob
        block += bytes(-(len(block) + 12) % 16) + struct.pack("<III", 0, len(blob), 0x45626C42)
        slots += struct.pack("<IIII", 0x746F6C53, number, start // 16, len(block) // 16)
        body += block
    head = struct.pack("<IIIIIIII", 0x506D7052, 0, 1, pages, len(records) + 1, 0, 0, 0)
    unused = struct.pack("<IIII", 0x746F6C53, 0, 0, 0)
    spare = (pages * 4096 - len(head) - len(slots)) // 16
    target.write_bytes(head + slots + unused * spare + body)


def distroless(root: Path, place: Path, controls: Mapping[str, str], files: Mapping[str, str]) -> None:
    """A root with `status.d`, from packages that `dpkg-deb` built of these controls and files."""
    status = root / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    for name, control in controls.items():
        tree = place / name
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(control)
        sums = []
        for path, text in files.items():
            if path.startswith(f"{name}:"):
                file = tree / path.removeprefix(f"{name}:")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
                sums.append(run("md5sum", str(file)).decode().split()[0] + f"  {file.relative_to(tree)}\n")
        deb = place / f"{name}.deb"
        run("dpkg-deb", "--build", "--root-owner-group", str(tree), str(deb))
        run("dpkg-deb", "--extract", str(deb), str(root))
        (status / name).write_bytes(run("dpkg-deb", "--field", str(deb)))
        (status / f"{name}.md5sums").write_text("".join(sums))


def debs_listed(place: Path) -> set[tuple[str, ...]]:
    """What `dpkg-deb` says of the packages: name, version, architecture, source, its version."""
    form = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n"
    found = [run("dpkg-deb", "-W", f"--showformat={form}", str(deb)).decode() for deb in place.glob("*.deb")]
    return {tuple(text.rstrip("\n").split("\t")) for text in found}


def layer(root: Path, target: Path, *paths: str) -> bytes:
    """A compressed layer of the root, or of parts of it."""
    run("tar", "-C", str(root), "--use-compress-program=gzip -1", "-cf", str(target), *(paths or (".",)))
    return target.read_bytes()
