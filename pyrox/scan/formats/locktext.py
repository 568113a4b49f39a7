"""Lock files in forms of their own: Yarn, pnpm, Bundler and Gradle.

`pyrox.scan.locks` calls the readers. They read line by line and know only the lines that name
a package; pnpm's and the newer Yarn's YAML is written by machine, one entry a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Locked = Iterator[tuple[str, str]]
_YARN_ENTRY: Final = re.compile(r'"?((?:@[^@/"\s]+/)?[^@/"\s]+)@([^"\s,][^",]*)')
_YARN_VERSION: Final = re.compile(r'  version:? "?([^"\s]+)"?\s*$')
_YARN_RESOLUTION: Final = re.compile(r'  resolution: "((?:@[^@/"]+/)?[^@/"]+)@([a-z]+):')
_PNPM_OLD: Final = re.compile(r"/((?:@[^/@]+/)?[^/@]+)[/@]([0-9][^/@(_:]*)")
_PNPM_NEW: Final = re.compile(r"((?:@[^/@]+/)?[^/@]+)@([0-9][^(:]*)")
_GEM: Final = re.compile(r"    (\S{1,1024}) \(([^)\s]{1,1024})\)$")
_GEM_PLATFORM: Final = re.compile(
    r"-(?:java|jruby|mswin.*|mingw.*|x64-.*|x86_64-.*|x86-.*|universal-.*|aarch64-.*|arm.*)$"
)
_GRADLE: Final = re.compile(r"([^:=\s#]{1,1024}):([^:=\s]{1,1024}):([^:=\s]{1,1024})=(.*)")
_LOCAL: Final = ("workspace:", "link:", "portal:", "file:")


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8").splitlines()


def yarn(content: bytes) -> Locked:
    """`yarn.lock` of every version; it does not say what is for development only."""
    name, asked, version = "", "", ""
    for line in [*_lines(content), "end:"]:
        if line and line[0] not in " #":
            if name and version and not asked.startswith(_LOCAL):
                yield name, version
            found = _YARN_ENTRY.match(line)
            name, asked, version = (found[1], found[2], "") if found else ("", "", "")
            if asked.startswith("npm:") and "@" in asked.removeprefix("npm:@"):
                name = asked.removeprefix("npm:").rpartition("@")[0]
        elif not version and (found := _YARN_VERSION.match(line)):
            version = found[1]
        elif found := _YARN_RESOLUTION.match(line):
            name, asked = found[1], f"{found[2]}:"


def pnpm(content: bytes) -> Locked:
    """`pnpm-lock.yaml` of the versions 5 to 9; packages marked as for development are left out."""
    section, found, dev = "", None, False
    for line in [*_lines(content), "end:"]:
        if line and line[0] not in " #":
            section = line.partition(":")[0]
        entry = line.startswith("  ") and line[2:3] not in {" ", "#", ""}
        if found and (entry or line[:1] not in {" ", ""}):
            if not dev:
                yield found
            found = None
        if section == "packages" and entry:
            found, dev = _pnpm_entry(line[2:]), False
        elif found and line.strip() == "dev: true":
            dev = True


def _pnpm_entry(text: str) -> tuple[str, str] | None:
    """`/name/1.0.0:`, `/name@1.0.0(peer):` or `'name@1.0.0':`; None for archives and folders."""
    key = text.strip().removesuffix("{}").strip().removesuffix(":").strip("'\"")
    found = (_PNPM_OLD if key.startswith("/") else _PNPM_NEW).match(key)
    return (found[1], found[2]) if found else None


def bundler(content: bytes) -> Locked:
    """`Gemfile.lock` and `gems.locked`: the gems of a gem server, without their platforms."""
    section = ""
    for line in _lines(content):
        if line and line[0] != " ":
            section = line
        elif section == "GEM" and (found := _GEM.match(line)):
            yield found[1], _GEM_PLATFORM.sub("", found[2])


def gradle(content: bytes) -> Locked:
    """`gradle.lockfile`; what only configurations of tests use is left out."""
    for line in _lines(content):
        found = _GRADLE.match(line)
        if found and not all("test" in one.lower() for one in found[4].split(",")):
            yield f"{found[1]}:{found[2]}", found[3]
