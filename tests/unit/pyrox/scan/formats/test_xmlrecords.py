"""XML feeds as records: what is built, and how hostile documents end."""

from __future__ import annotations

import pytest

from pyrox.scan.formats.bounded import StreamDamage
from pyrox.scan.formats.xmlrecords import Node, records
from pyrox.scan.model import NoteKind

FEED = b"""<?xml version="1.0"?><a xmlns:x="urn:x"><b n="1">t<c x:m="2"> u </c>v</b><d/>
<x:b n="3"><b>inner</b></x:b></a>"""


def read(data: bytes) -> list[Node]:
    return list(records(data, "b".__eq__))


def damage(data: bytes) -> NoteKind:
    with pytest.raises(StreamDamage) as caught:
        read(data)
    return caught.value.kind


def test_records_by_name_with_their_content() -> None:
    one, two = read(FEED)
    assert (one.name, one.attributes, one.text, one.text_at("c")) == ("b", {"n": "1"}, "tv", "u")
    assert one.children[0].attributes == {"m": "2"}
    assert [node.text for node in two.walk() if node.name == "b"] == ["", "inner"]
    assert two.at("b", "none") is None
    assert two.text_at("none", "b") == ""


def test_wide_and_long_documents_are_read_in_pieces() -> None:
    many = b"<a>" + b"".join(b"<b>%d</b>" % n for n in range(300_000)) + b"</a>"
    assert len(many) > 2 << 20
    assert sum(int(node.text) for node in read(many)) == 300_000 * 299_999 // 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", NoteKind.MALFORMED),
        (b"<a><b></a>", NoteKind.MALFORMED),
        (b"not xml", NoteKind.MALFORMED),
        (b"<a><b>1</b>", NoteKind.MALFORMED),
        (b"<a>" * 10_000, NoteKind.TOO_DEEP),
        (b"<b>" + b"<c/>" * 500_001 + b"</b>", NoteKind.TOO_MANY),
        (b'<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;">]><a><b>&m;</b></a>', NoteKind.UNSUPPORTED),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>', NoteKind.UNSUPPORTED),
        (b"<b>\xff\xfe</b>", NoteKind.MALFORMED),
        (b'<?xml version="1.0" encoding="utp-8"?><a><b>1</b></a>', NoteKind.MALFORMED),
        (b'<?xml version="1.0" encoding="shift_jis"?><a><b>1</b></a>', NoteKind.MALFORMED),
    ],
)
def test_damage_and_bombs_end_the_reading(data: bytes, kind: NoteKind) -> None:
    assert damage(data) is kind


def test_records_before_the_damage_stay_good() -> None:
    found: list[Node] = []
    with pytest.raises(StreamDamage):
        found.extend(iter_into(found, b"<a><b>1</b><b>2</b><c></a>"))
    assert [node.text for node in found] == ["1", "2"]


def iter_into(found: list[Node], data: bytes) -> list[Node]:
    for node in records(data, "b".__eq__):
        found.append(node)  # noqa: PERF402 - what was read before the error is what is looked at
    return []
