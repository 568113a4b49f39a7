"""JUnit reports of policy checks: a violated policy that breaks fails, any other is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# What Go's `xml.EscapeText` replaces.
_ESCAPES = str.maketrans(
    {
        '"': "&#34;",
        "'": "&#39;",
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "\t": "&#x9;",
        "\n": "&#xA;",
        "\r": "&#xD;",
    }
)


@dataclass(frozen=True, slots=True)
class TestCase:
    """One policy; without a failure it was skipped."""

    name: str
    failure: str | None


def render(suite: str, cases: Sequence[TestCase]) -> str:
    """The report, without a final newline."""
    failures = len({case.name for case in cases if case.failure is not None})
    skipped = len({case.name for case in cases if case.failure is None})
    head = (
        f'<testsuite name="{_escape(suite)}" tests="{len(cases)}" failures="{failures}" '
        f'skipped="{skipped}" errors="0">'
    )
    body = "".join(_case(case) for case in cases)
    return f"{head}{body}{chr(10) if cases else ''}</testsuite>"


def _case(case: TestCase) -> str:
    inner = "<skipped></skipped>" if case.failure is None else f"<failure>{_escape(case.failure)}</failure>"
    return f'\n  <testcase name="{_escape(case.name)}" classname="">\n    {inner}\n  </testcase>'


def _escape(text: str) -> str:
    allowed = "".join(char if _in_xml(char) else "\ufffd" for char in text)
    return allowed.translate(_ESCAPES)


def _in_xml(char: str) -> bool:
    """Whether XML 1.0 knows the character (its production `Char`)."""
    code = ord(char)
    return char in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
