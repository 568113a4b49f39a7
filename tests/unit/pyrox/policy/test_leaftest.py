"""Quick tests of leaves against the plain reading of a query."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.pb.storage.deployment_pb2 import Container, ContainerConfig
from pyrox.pb.storage.image_pb2 import EmbeddedImageScanComponent, ImageLayer
from pyrox.pb.storage.vulnerability_pb2 import EmbeddedVulnerability
from pyrox.policy.fields import CRITERIA
from pyrox.policy.leaftest import test_of as leaf_test
from pyrox.policy.leaves import ABSENT, LEAVES
from pyrox.policy.queries import Query
from pyrox.policy.views import ContainerView

_TEXT = st.text(alphabet="aAb.\t\n\u212ak", max_size=4)
_PATTERN = st.sampled_from(["a", ".*", "a.*", ".*b", "a|b", "(a|b)+", "k", "a.a", "", "[ab]?"])


def _plain(query: Query, element: Any) -> bool:
    value = LEAVES[query.label].get(element)
    return value is not ABSENT and query.fits(value, 0)


def _agree(query: Query, element: Any) -> bool:
    return leaf_test(LEAVES[query.label], query)(element, 0) is _plain(query, element)


@given(st.lists(st.tuples(_PATTERN, _PATTERN), min_size=1, max_size=3), _TEXT, _TEXT, st.booleans())
def test_component_is_judged_as_its_joined_text_is(
    wanted: list[tuple[str, str]], name: str, version: str, every: bool
) -> None:
    texts = [f"{first}={second}" for first, second in wanted]
    (query,) = CRITERIA["Image Component"].build(texts, every, False)
    assert _agree(query, EmbeddedImageScanComponent(name=name, version=version))


@given(st.lists(st.tuples(_PATTERN, _PATTERN), min_size=1, max_size=3), _TEXT, _TEXT)
def test_dockerfile_line_is_judged_as_its_joined_text_is(
    wanted: list[tuple[str, str]], instruction: str, value: str
) -> None:
    texts = [f"{first}={second}" for first, second in wanted]
    (query,) = CRITERIA["Dockerfile Line"].build(texts, False, False)
    assert _agree(query, ImageLayer(instruction=instruction, value=value))


@given(st.lists(st.tuples(_PATTERN, _PATTERN, _PATTERN), min_size=1, max_size=2), _TEXT, _TEXT)
def test_variable_is_judged_as_its_joined_text_is(
    wanted: list[tuple[str, str, str]], key: str, value: str
) -> None:
    texts = ["=".join(parts) for parts in wanted]
    (query,) = CRITERIA["Environment Variable"].build(texts, False, False)
    sources = ContainerConfig.EnvironmentConfig
    assert all(
        _agree(query, sources(key=key, value=value, env_var_source=source))
        for source in (sources.RAW, sources.SECRET_KEY)
    )


@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize("value", [".+", ".*", "^$", "1.*"])
@pytest.mark.parametrize("fixed_by", [None, "", "1.2"])
def test_fixed_version_that_is_not_set_never_fits(fixed_by: str | None, value: str, negate: bool) -> None:
    query, *_ = CRITERIA["Fixed By"].build([value], False, negate)
    vuln = EmbeddedVulnerability()
    if fixed_by is not None:
        vuln.fixed_by = fixed_by
    assert _agree(query, vuln)


@pytest.mark.parametrize(
    ("criterion", "values"),
    [
        ("Privileged Container", ["true", "false"]),
        ("Read-Only Root Filesystem", ["true", "false"]),
        ("AppArmor Profile", ["unconfined", ".*", "^$"]),
        ("Container CPU Request", ["0", "> 0", "<= 0.5"]),
        ("Container Memory Limit", ["0", ">= 100"]),
        ("Readiness Probe Defined", ["true", "false"]),
    ],
)
@pytest.mark.parametrize("empty", [False, True])
def test_part_of_a_container_that_is_not_set_never_fits(
    criterion: str, values: list[str], empty: bool
) -> None:
    container = Container(name="main")
    if not empty:
        container.security_context.privileged = True
        container.config.app_armor_profile = "unconfined"
        container.resources.cpu_cores_request = 0.5
        container.readiness_probe.SetInParent()
    view = ContainerView(0, container, None)
    for value in values:
        for negate in (False, True):
            (query,) = CRITERIA[criterion].build([value], False, negate)
            assert _agree(query, view), (value, negate)


@pytest.mark.parametrize("wanted", [["CVE-1", "cve-2"], ["r/CVE-1", "CVE-.*"], ["CVE-1", ""], ["c/1", "x"]])
def test_several_expressions_at_once_say_what_each_says(wanted: list[str]) -> None:
    query, *_ = CRITERIA["CVE"].build(wanted, False, False)
    names = ["CVE-1", "cve-2", "CVE-3", "", "\u212a", "CVE-1\n"]
    assert all(_agree(query, EmbeddedVulnerability(cve=name)) for name in names)
