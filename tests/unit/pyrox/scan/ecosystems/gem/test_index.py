"""Specifications of Ruby gems."""

from __future__ import annotations

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
