from __future__ import annotations

import pytest

from tools.images.containerfile import Unreadable, expand, pairs, parse

TEXT = """\
# What it is.
ARG BASE=debian
FROM ${BASE} AS python
RUN --mount=type=bind,source=a,target=/tmp/a --mount=type=bind,source=b,target=/tmp/b \\
    # between lines
    one && \\
    two

FROM python AS unused
RUN three
FROM python AS built
RUN four
FROM python
COPY --from=built /out/ /
ENTRYPOINT ["run", "it"]
"""


def test_containerfile_has_its_arguments_and_stages() -> None:
    file = parse(TEXT)
    assert file.arguments == {"BASE": "debian"}
    assert [(stage.name, stage.base) for stage in file.stages] == [
        ("python", "${BASE}"),
        ("unused", "python"),
        ("built", "python"),
        ("3", "python"),
    ]


def test_lines_that_go_on_are_one_instruction_without_comments() -> None:
    step = parse(TEXT).stages[0].instructions[0]
    assert (step.keyword, step.text, step.line) == ("RUN", "one && two", 4)
    assert [mount["target"] for mount in step.mounts()] == ["/tmp/a", "/tmp/b"]


def test_only_stages_that_the_last_one_is_made_of_are_needed() -> None:
    assert [stage.name for stage in parse(TEXT).needed()] == ["python", "built", "3"]


def test_words_of_json_and_of_shell_form() -> None:
    copy, entry = parse(TEXT).stages[-1].instructions
    assert (copy.flag("from"), copy.words()) == ("built", ["/out/", "/"])
    assert entry.words() == ["run", "it"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no FROM"),
        ("RUN x", "line 1: RUN before FROM"),
        ("FROM a\nADD b c", "line 2: ADD is not used"),
        ("FROM a\nVOLUME /data", "line 2: VOLUME is not used"),
        ("FROM a\nRUN b \\", "the last line goes on"),
        ("FROM a AS", "want FROM image"),
        ("FROM a b c", "want FROM image"),
    ],
)
def test_what_our_images_do_not_use_is_refused(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        parse(text)


@pytest.mark.parametrize("flag", ["type=cache,target=/x", "type=bind,target=/x", "type=bind,source=x"])
def test_other_mounts_are_refused(flag: str) -> None:
    step = parse(f"FROM a\nRUN --mount={flag} x").stages[0].instructions[0]
    with pytest.raises(Unreadable, match="line 2"):
        step.mounts()


@pytest.mark.parametrize("keyword", ["CMD", "ENTRYPOINT"])
def test_start_by_a_shell_is_refused(keyword: str) -> None:
    step = parse(f"FROM a\n{keyword} run it").stages[0].instructions[0]
    with pytest.raises(Unreadable, match="JSON form"):
        step.words()


def test_known_names_are_put_in_and_others_left_to_the_shell() -> None:
    assert expand("$A ${B}/x $HOME", {"A": "1", "B": "2"}) == "1 2/x $HOME"


def test_pairs_take_quoted_values() -> None:
    assert pairs('a=1 b="two words"') == {"a": "1", "b": "two words"}
