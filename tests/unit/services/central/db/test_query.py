"""The search language's grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.errors import Invalid
from services.central.db.query import EVERY, MAX_TEXT, Form, Query, Term, Value, completion

CASES = {
    "one pair": ("Cluster:prod", [("Cluster", ["prod"])]),
    "two pairs": ("Cluster:prod+Namespace:shop", [("Cluster", ["prod"]), ("Namespace", ["shop"])]),
    "values": ("CVE:a,b", [("CVE", ["a", "b"])]),
    "spaces around": (
        " Cluster : prod , dev + Name : x ",
        [("Cluster", ["prod", "dev"]), ("Name", ["x"])],
    ),
    "plus inside a value": ("Image:a+b+Tag:1", [("Image", ["a+b"]), ("Tag", ["1"])]),
    "plus at the end": ("Image:a+", [("Image", ["a+"])]),
    "colon inside a value": ("Image:host:5000/x", [("Image", ["host:5000/x"])]),
    "trailing comma": ("CVE:a,", [("CVE", ["a", ""])]),
    "pair without value": ("Cluster:+Namespace:x", [("Namespace", ["x"])]),
    "quoted separators": ('Policy:"a+b:c,d"+Cluster:x', [("Policy", ['"a+b:c,d"']), ("Cluster", ["x"])]),
    "quoted value with plus and no colon": ('Policy:"a+b"', [("Policy", ['"a+b"'])]),
    "last label wins": ("Cluster:a+Namespace:x+cluster:b", [("Namespace", ["x"]), ("cluster", ["b"])]),
    "empty": ("", []),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=CASES)
def test_query_text_is_read_as(text: str, wanted: list[tuple[str, list[str]]]) -> None:
    found = [(term.label, [str(value) for value in term.values]) for term in Query.parse(text).terms]
    assert found == wanted


VALUES = {
    "plain": Value("plain"),
    '"exact"': Value("exact", Form.EXACT),
    'r/"quoted"': Value('"quoted"', Form.REGEX),
    "!no": Value("no", negated=True),
    '!"no"': Value("no", Form.EXACT, negated=True),
    "!r/no.*": Value("no.*", Form.REGEX, negated=True),
    "!!some": Value("some", negated=True, at_least_one=True),
    "*": Value("", Form.ANY),
    "-": Value("", Form.NULL),
    "!": Value("!"),
    "!!": Value("!", negated=True),
    '"': Value('"'),
    "": Value(""),
}


@pytest.mark.parametrize(("raw", "wanted"), VALUES.items(), ids=VALUES)
def test_value_modifiers_are_read_as(raw: str, wanted: Value) -> None:
    assert Value.parse(raw) == wanted
    assert str(wanted) == raw


@pytest.mark.parametrize("text", ["no pair at all", "a,b+c", '"Cluster:prod"', "+"])
def test_query_without_any_pair_is_invalid(text: str) -> None:
    with pytest.raises(Invalid):
        Query.parse(text)


def test_query_that_is_too_long_or_too_wide_is_invalid() -> None:
    with pytest.raises(Invalid):
        Query.parse("CVE:" + "x" * MAX_TEXT)
    with pytest.raises(Invalid):
        Query.parse("CVE:" + "," * 30_000)


def test_query_built_by_code_combines_and_tells_its_labels() -> None:
    query = Query.exact("Cluster ID", "1", "2") & Query.match("Severity", ">=HIGH")
    assert str(query) == 'Cluster ID:"1","2"+Severity:>=HIGH'
    assert query.mentions("cluster id")
    assert not query.without("CLUSTER ID").mentions("Cluster ID")
    assert (EVERY & query) == query


_WORD = st.text(st.characters(exclude_characters='":+,', exclude_categories=("Cs", "Cc", "Z")), min_size=1)
_QUOTED = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]))


def _plain(text: str) -> bool:
    return Value.parse(text) == Value(text) and text == text.strip()


_VALUE = st.one_of(
    _WORD.filter(_plain).map(Value),
    st.builds(Value, _QUOTED, st.just(Form.EXACT), st.booleans()),
    st.builds(Value, _WORD, st.just(Form.REGEX), st.booleans()),
    st.sampled_from([Value("", Form.ANY), Value("", Form.NULL)]),
)
_TERMS = st.lists(
    st.tuples(_WORD.filter(lambda w: w == w.strip()), st.lists(_VALUE, min_size=1, max_size=4).map(tuple)),
    unique_by=lambda pair: pair[0].lower(),
    max_size=5,
)


@given(_TERMS)
def test_query_written_and_read_again_is_the_same(pairs: list[tuple[str, tuple[Value, ...]]]) -> None:
    query = Query(tuple(Term(label, values) for label, values in pairs))
    assert Query.parse(str(query)) == query


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        query = Query.parse(text)
    except Invalid:
        return
    assert Query.parse(str(query)) is not None or not query.terms


@pytest.mark.parametrize(
    ("text", "before", "label", "value"),
    [
        ("Deployment:", "", "Deployment", ""),
        ("Deployment:we", "", "Deployment", "we"),
        ("Cluster:a+Deployment:x,we", "Cluster:a", "Deployment", "we"),
        ('Cluster:a+Deployment:"w+e"', "Cluster:a", "Deployment", '"w+e"'),
        ("Deployment:a+b", "", "Deployment", "a+b"),
    ],
)
def test_completion_takes_the_last_value_of_the_last_pair(
    text: str, before: str, label: str, value: str
) -> None:
    query, term = completion(text)
    assert (str(query), term.label, str(term.values[0])) == (before, label, value)


@pytest.mark.parametrize("text", ["", "nocolon", "a+b"])
def test_completion_of_no_pair_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no pair of the form"):
        completion(text)
