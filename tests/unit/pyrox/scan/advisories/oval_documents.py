"""Writes small OVAL documents in the publishers' form for the tests of their reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<oval_definitions'
    ' xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"'
    ' xmlns:linux="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux">\n'
)


@dataclass(frozen=True)
class Test:
    """A leaf: package (several names are a variable), version, comparison, architecture."""

    package: str
    evr: str = ""
    operation: str = "less than"
    arch: str = ""
    comment: str = ""
    __test__ = False


@dataclass(frozen=True)
class Entry:
    """A definition with its tests."""

    title: str
    tests: tuple[Test, ...]
    cves: tuple[str, ...] = ()
    severity: str = ""
    platforms: tuple[str, ...] = ()
    issued: str = ""
    comments: tuple[str, ...] = ()
    kind: str = "patch"


def document(entries: Iterable[Entry], family: str = "rpminfo") -> bytes:
    """The whole document: definitions, tests, objects, states, variables."""
    definitions, tests, objects, states, variables = [], [], [], [], []
    for n, entry in enumerate(entries):
        leaves = [f'<criterion comment={quoteattr(c)} test_ref="none"/>' for c in entry.comments]
        for m, test in enumerate(entry.tests):
            key = f"{n}.{m}"
            leaves.append(
                f'<criterion test_ref="tst:{key}" comment={quoteattr(test.comment or test.package)}/>'
            )
            state = f'<linux:state state_ref="ste:{key}"/>' if test.evr else ""
            tests.append(
                f'<linux:{family}_test id="tst:{key}" check="all">'
                f'<linux:object object_ref="obj:{key}"/>{state}</linux:{family}_test>'
            )
            names = test.package.split()
            if len(names) > 1:
                values = "".join(f"<value>{name}</value>" for name in names)
                variables.append(f'<constant_variable id="var:{key}">{values}</constant_variable>')
                name = f'<linux:name var_ref="var:{key}" var_check="at least one"/>'
            else:
                name = f"<linux:name>{escape(test.package)}</linux:name>"
            objects.append(f'<linux:{family}_object id="obj:{key}">{name}</linux:{family}_object>')
            if test.evr:
                arch = f'<linux:arch operation="pattern match">{test.arch}</linux:arch>' if test.arch else ""
                states.append(
                    f'<linux:{family}_state id="ste:{key}">{arch}'
                    f'<linux:evr datatype="evr_string" operation="{test.operation}">{escape(test.evr)}'
                    f"</linux:evr></linux:{family}_state>"
                )
        definitions.append(_definition(n, entry, leaves))
    parts = {
        "definitions": definitions,
        "tests": tests,
        "objects": objects,
        "states": states,
        "variables": variables,
    }
    body = "".join(f"<{name}>{''.join(part)}</{name}>\n" for name, part in parts.items())
    return f"{_HEAD}{body}</oval_definitions>".encode()


def _definition(n: int, entry: Entry, leaves: list[str]) -> str:
    platforms = "".join(f"<platform>{p}</platform>" for p in entry.platforms)
    references = "".join(
        f'<reference source="CVE" ref_id="{c}" ref_url="https://www.cve.org/CVERecord?id={c}"/>'
        for c in entry.cves
    )
    cves = "".join(f'<cve href="https://example.org/{c}.html">{c}</cve>' for c in entry.cves)
    issued = f'<issued date="{entry.issued}"/>' if entry.issued else ""
    return (
        f'<definition id="def:{n}" class="{entry.kind}"><metadata><title>{escape(entry.title)}</title>'
        f'<affected family="unix">{platforms}</affected>{references}<description>about it</description>'
        f"<advisory><severity>{entry.severity}</severity>{issued}{cves}</advisory></metadata>"
        f'<criteria operator="AND"><criteria operator="OR">{"".join(leaves)}</criteria></criteria>'
        "</definition>"
    )
