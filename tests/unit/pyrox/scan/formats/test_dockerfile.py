"""Labels of Dockerfiles."""

from __future__ import annotations

import pytest

from pyrox.scan.formats import dockerfile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LABEL a=b", {"a": "b"}),
        ('LABEL a="b c" d=\'e f\' "g"="h"', {"a": "b c", "d": "e f", "g": "h"}),
        ("label a=b\\\n  c=d \\\n# comment\n\n  e=f\nRUN x", {"a": "b", "c": "d", "e": "f"}),
        ("LABEL name the rest of it", {"name": "the rest of it"}),
        ("LABEL a=1\nLABEL a=2", {"a": "2"}),
        (
            "ENV V=1.2 W=x\nLABEL a=$V b=${W}y c='$V' d=\"${V}-$W\"",
            {"a": "1.2", "b": "xy", "c": "$V", "d": "1.2-x"},
        ),
        ('ENV V one two\nLABEL a="$V"', {"a": "one two"}),
        ("ARG V=1\nARG W\nLABEL a=${V:+x} b=${W:-y} c=${W:+z}", {"a": "x", "b": "y", "c": ""}),
        ("LABEL a=b\\ c d=\\$x", {"a": "b c", "d": "$x"}),
        ("# escape=`\nLABEL a=b `\n c=d\\e", {"a": "b", "c": "d\\e"}),
        ("LABEL a=b=c", {"a": "b=c"}),
        ("LABEL", {}),
        ("FROM x\nRUN LABEL a=b", {}),
        ('LABEL a="open', {"a": "open"}),
    ],
)
def test_labels(text: str, expected: dict[str, str]) -> None:
    assert dockerfile.labels(text) == expected


def test_labels_and_values_of_variables_have_bounds() -> None:
    many = "\n".join(f"LABEL l{number}=1" for number in range(2000))
    assert len(dockerfile.labels(many)) == 1000
    grown = "ENV V=xxxxxxxx\n" + "ENV V=$V$V\n" * 5000 + "LABEL a=$V"
    assert len(dockerfile.labels(grown)["a"]) <= 8192
