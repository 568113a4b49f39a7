"""JUnit reports as XML that any tool reads."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from roxctl.output.junit import TestCase as Case
from roxctl.output.junit import render


def test_render_counts_failures_and_skips() -> None:
    text = render("image-check", [Case("breaks", "- a\n- <b>"), Case("warns", None)])
    assert text == (
        '<testsuite name="image-check" tests="2" failures="1" skipped="1" errors="0">\n'
        '  <testcase name="breaks" classname="">\n'
        "    <failure>- a&#xA;- &lt;b&gt;</failure>\n"
        "  </testcase>\n"
        '  <testcase name="warns" classname="">\n'
        "    <skipped></skipped>\n"
        "  </testcase>\n"
        "</testsuite>"
    )
    assert ET.fromstring(text)[0][0].text == "- a\n- <b>"  # noqa: S314 - our own text


def test_render_without_cases_is_an_empty_suite() -> None:
    assert render("s", []) == '<testsuite name="s" tests="0" failures="0" skipped="0" errors="0"></testsuite>'


def test_render_replaces_what_xml_cannot_hold() -> None:
    assert "\ufffd" in render("s", [Case("a\x00b", None)])
