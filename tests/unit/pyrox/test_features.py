"""Feature flags: what is on by default, and what an environment changes."""

from __future__ import annotations

import pytest

from pyrox import features
from pyrox.errors import Invalid
from pyrox.features import Flag


def test_flags_have_upstreams_names_and_defaults() -> None:
    assert {flag.env_var: flag.default for flag in features.ALL} == {
        "ROX_AUTO_LOCK_PROCESS_BASELINES": True,
        "ROX_FLATTEN_IMAGE_DATA": True,
        "ROX_INIT_CONTAINER_SUPPORT": True,
        "ROX_SCANNER_V4": True,
    }


def test_flags_are_all_listed_once_with_a_name_and_an_end() -> None:
    declared = {value for value in vars(features).values() if isinstance(value, Flag)}
    assert declared == set(features.ALL)
    assert len({flag.name for flag in features.ALL}) == len(features.ALL)
    assert all(flag.name and flag.remove_when for flag in features.ALL)


@pytest.mark.parametrize("flag", features.ALL, ids=lambda flag: flag.env_var)
@pytest.mark.parametrize(("text", "on"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_flag_is_what_the_environment_says(flag: Flag, text: str, on: bool) -> None:
    assert flag.enabled({flag.env_var: text}) is on
    assert flag.enabled({flag.env_var + "_X": text}) is flag.default


def test_flag_with_an_unreadable_value_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match=r"ROX_SCANNER_V4='maybe'"):
        features.SCANNER_V4.enabled({"ROX_SCANNER_V4": "maybe"})
