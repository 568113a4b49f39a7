"""Specifications of Ruby gems."""

from __future__ import annotations

import pytest

from pyrox.scan.model import NoteKind
from tests.unit.pyrox.scan.detecting import find, names

SPECIFICATIONS = "usr/lib/ruby/gems/3.1.0/specifications/"


def test_ruby_gems_with_plain_names_and_versions() -> None:
    finds = find(
        {
            SPECIFICATIONS + "rake-13.0.6.gemspec": b"Gem::Specification.new do |s|\n"
            b'  s.name = "rake".freeze\n'
            b'  s.version = "13.0.6"\n  s.required_rubygems_version = "1"\nend\n',
            SPECIFICATIONS + "default/json-2.6.1.gemspec": b"  spec.name = 'json'\n"
            b"  spec.version = Gem::Version.new('2.6.1')\n",
            SPECIFICATIONS + "odd.gemspec": b"s.name = NAME\ns.version = VERSION\n",
            "usr/gems/rake-13.0.6/rake.gemspec": b's.name = "rake"\ns.version = "13.0.6"\n',
        }
    )
    assert names(finds) == [("rake", "13.0.6"), ("json", "2.6.1")]
    assert finds.packages[0].package_db == f"ruby:{SPECIFICATIONS}rake-13.0.6.gemspec"
    assert [note.kind for note in finds.notes] == [NoteKind.MALFORMED]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"s.name='a'\ns.version='1'", [("a", "1")]),
        (b'  spec_1.name  =  "a"\n\tspec_1.version = Gem::Version.new( "1" )\n', [("a", "1")]),
        (b's.name = "a"\r\ns.version = Gem::Version.new "1.0.pre"\r\n', [("a", "1.0.pre")]),
        (b's.name =\n  "a"\ns.version = "1"\n', [("a", "1")]),
        (b's.name = "a"\ns.name = "b"\ns.version = "1"\n', [("a", "1")]),
        (b'# s.name = "comment"\ns.name = "a"\ns.version = "1"\n', [("a", "1")]),
        (b"s.name = \"a'\ns.version = '1'\n", []),
        (b's.full_name = "a"\ns.version = "1"\n', []),
        (b's.name = "#{x}"\ns.version = "1"\n', [("#{x}", "1")]),
        (b's.name = ""\ns.version = "1"\n', []),
    ],
)
def test_ruby_specification_in_odd_forms(text: bytes, expected: list[tuple[str, str]]) -> None:
    assert names(find({SPECIFICATIONS + "x.gemspec": text})) == expected


@pytest.mark.parametrize(
    "filler",
    [
        b"\n" * 1_000_000,
        b" \n" * 500_000,
        b"s.version = Gem::Version.new" + b" " * 1_000_000,
        b"s.name =" + b"\n" * 1_000_000,
        b"a" * 1_000_000,
        b"s.name = '" + b"x" * 1_000_000,
        b"s.name = '\n" * 100_000,
    ],
    ids=["lines", "blank lines", "blanks", "open value", "word", "open text", "open texts"],
)
def test_ruby_specification_of_a_megabyte_is_read_once(filler: bytes) -> None:
    # A pattern that goes back over its blanks would take hours for some of these.
    finds = find({SPECIFICATIONS + "x.gemspec": filler + b"\ns.name = 'a'\ns.version = '1'\n"})
    assert [version for _, version in names(finds)] == ["1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b"# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\ns.name = N\ns.version = V\n",
            [("rake", "13.0.6")],
        ),
        (
            b"# stub: nokogiri 1.15.0 x86_64-linux lib\n# stub: ext/nokogiri/extconf.rb\n",
            [("nokogiri", "1.15.0")],
        ),
        (b"# stub: rake\ns.name = 'a'\ns.version = '1'\n", [("a", "1")]),
        (b"  # stub: rake 13.0.6 ruby lib\n", []),
    ],
)
def test_ruby_stub_line_counts_before_all_else(text: bytes, expected: list[tuple[str, str]]) -> None:
    assert names(find({SPECIFICATIONS + "x.gemspec": text})) == expected
