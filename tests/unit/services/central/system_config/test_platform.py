"""Which namespaces belong to the platform."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.config_pb2 import PlatformComponentConfig
from services.central.system_config import defaults
from services.central.system_config.platform import PlatformNamespaces
from tests.support.pki import FixedClock


def rules(*patterns: str) -> PlatformNamespaces:
    config = PlatformComponentConfig()
    for number, pattern in enumerate(patterns):
        config.rules.add(name=f"rule {number}").namespace_rule.regex = pattern
    return PlatformNamespaces(config)


@pytest.mark.parametrize(
    ("namespace", "platform"),
    [
        ("kube-system", True),
        ("kube-", True),
        ("openshift", True),
        ("openshift-apiserver", True),
        ("openshift-dns", True),
        ("open-cluster-management", True),
        ("aap", True),
        ("stackrox", True),
        ("default", False),
        ("openshiftly", False),
        ("my-kube-system", False),
        ("aap2", False),
        ("", False),
    ],
)
def test_default_rules_know_the_platform(namespace: str, platform: bool) -> None:
    config = defaults.load(FixedClock().now()).platform_component_config
    known = PlatformNamespaces(config)
    assert known.is_platform(namespace) is platform
    assert known.is_platform(namespace) is platform


@pytest.mark.parametrize(
    ("patterns", "namespace", "platform"),
    [
        (("shop",), "my-shop-2", True),
        (("^shop$",), "my-shop", False),
        (("a", "^b"), "b", True),
        ((), "anything", False),
        (("",), "anything", False),
    ],
)
def test_any_rule_that_finds_its_pattern_counts(
    patterns: tuple[str, ...], namespace: str, platform: bool
) -> None:
    assert rules(*patterns).is_platform(namespace) is platform


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2,1}", "*", "(?<=a)b"])
def test_rule_that_does_not_compile_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(Invalid, match="platform component rule 'rule 1'"):
        rules("fine", pattern)


def test_hostile_pattern_is_answered_at_once() -> None:
    # With a backtracking engine this would not end.
    assert not rules("^(a+)+$").is_platform("a" * 5000 + "!")
