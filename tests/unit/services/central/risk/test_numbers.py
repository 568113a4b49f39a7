"""Single precision, step by step."""

from __future__ import annotations

import pytest

from services.central.risk.numbers import normalised, product, single


def test_single_is_the_nearest_float32() -> None:
    assert single(0.1) == 0.10000000149011612
    assert single(1.5) == 1.5


@pytest.mark.parametrize(
    ("score", "saturation", "most", "factor"),
    [
        (0, 50, 4, 1.0),
        (25, 50, 4, 2.5),
        (50, 50, 4, 4.0),
        (51, 50, 4, 4.0),
        # 1/50 is 0.019999999552965164 in single precision; times 3, and one more.
        (1, 50, 4, 1.059999942779541),
        (8, 8, 2, 2.0),
        (3, 10, 2, 1.2999999523162842),
    ],
)
def test_score_is_stretched_up_to_its_saturation(
    score: float, saturation: float, most: float, factor: float
) -> None:
    assert normalised(score, saturation, most) == factor


def test_product_is_rounded_at_every_step() -> None:
    assert product([]) == 1.0
    assert product([1.1, 1.1]) == single(single(1.1) * 1.1)
    assert product([2.0, 1.5, 4.0]) == 12.0
