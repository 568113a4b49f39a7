"""Every order against the tool that it follows, on generated pairs and on those that are known to be hard.

What is looked for: a pair that the tool orders otherwise, one that it refuses and we order
(but for the orders that read more on purpose), and a key that says something else than the
comparator.
"""

from __future__ import annotations

import pytest

from pyrox.scan import catalogue
from pyrox.scan.compare import Pair, compare_pair
from tests.support.native_orders import SIGNS
from tests.support.version_pairs import pairs

SCHEMES = catalogue.schemes()
SEED = 20_241_124
# These order texts that their tools refuse: bounds of advisories with one or two numbers,
# Go versions without `v`, and what Packagist's old advisories hold.
WIDER = {"semver", "go", "composer"}
# dpkg answers one question for each process that is started.
COUNTS = {"dpkg": 250}
HARD = {
    "maven": ["1.foo.2", "1-alpha", "1", "foo", "0-alpha", "1.0.alpha.2", "1-5", "1.0000000000.1", "1.9.1"],
    "dpkg": ["1.0-", "1:", "-1:1", "+1:1", "1\u00e9", "1+", "1z", "1~", "1-0", "1"],
    "rpm": ["1-", "1", "1-1", "1^", "1~", "1.a", "1^a", "1~^", ":1", "a:1"],
    "go": ["go1.21", "go1.21rc1", "go1.21.0", "go1.20", "go1.20.0", "go1", "go1.21-x", "go1.21.1rc1"],
    "semver": ["1.0.0", "1.0.0-9007199254740992", "1.0.0-9007199254740993", "1.0.0-a", "v1.0.0+x"],
    "composer": ["1.0-stable1", "1.0-STABLE", "20240101-0", "20240101", "1.x-dev", "dev-main", "1.0-p1"],
    "gem": ["1.0", "1.0.a", "1", "1-1", "1.a.0", "1.0.0-0", "0", "0.a"],
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("dpkg", marks=pytest.mark.needs("dpkg")),
        pytest.param("rpm", marks=pytest.mark.needs("rpm_order")),
        pytest.param("gem", marks=pytest.mark.needs("gem")),
        pytest.param("maven", marks=pytest.mark.needs("maven_artifact")),
        pytest.param("semver", marks=pytest.mark.needs("npm_semver")),
        pytest.param("go", marks=pytest.mark.needs("go_semver")),
        pytest.param("composer", marks=pytest.mark.needs("composer_semver")),
    ],
)
def test_order_is_the_native_tools(name: str) -> None:
    asked = [(a, b) for a in HARD[name] for b in HARD[name]] + pairs(
        name, COUNTS.get(name, 20_000), seed=SEED
    )
    native = SIGNS[name](asked)
    ours = [tuple(compare_pair(SCHEMES[name], Pair(*pair)).split("\t")) for pair in asked]
    found = list(zip(asked, native, ours, strict=True))
    refused = {"?", "!"}
    otherwise = [row for row in found if row[1] not in refused and row[2][0] != row[1]]
    accepted = [row for row in found if row[1] in refused and row[2][0] != "?" and name not in WIDER]
    misplaced = [row for row in found if row[2][1] not in {"?", row[2][0]}]
    assert (otherwise, accepted, misplaced) == ([], [], [])
    assert len({sign for _, sign, _ in found} & {"<", "=", ">"}) == 3
