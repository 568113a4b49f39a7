"""Lists of installed PHP packages."""

from __future__ import annotations

import pytest

from pyrox.scan.model import NoteKind
from pyrox.scan.protocols import Limits
from tests.unit.pyrox.scan.detecting import find, names


@pytest.mark.parametrize("form", [b'{"packages": %s}', b"%s"])
def test_php_packages_of_both_forms(form: bytes) -> None:
    entries = b'[{"name": "symfony/yaml", "version": "v5.4.0", "x": 1}, {"name": "without version"}]'
    finds = find({"app/vendor/composer/installed.json": form % entries})
    assert names(finds) == [("symfony/yaml", "v5.4.0")]
    assert [r.name for r in finds.repositories] == ["packagist"]


@pytest.mark.parametrize("path", ["vendor/composer/installed.json", "a.deps.json"])
def test_packages_of_lists_are_bounded_and_damage_is_a_note(path: str) -> None:
    many = {
        "vendor/composer/installed.json": b'[{"name": "a", "version": "1"}, {"name": "b", "version": "1"}]',
        "a.deps.json": b'{"libraries": {"a/1": {"type": "package"}, "b/1": {"type": "package"}}}',
    }
    assert len(find({path: many[path]}, Limits(packages=1)).packages) == 1
    assert [note.kind for note in find({path: b"{"}).notes] == [NoteKind.MALFORMED]


PHP = b"""<?php return array(
    'root' => array('name' => 'acme/shop', 'pretty_version' => 'dev-main', 'aliases' => array(),),
    'versions' => array(
        'acme/shop' => array('pretty_version' => 'dev-main', 'install_path' => __DIR__ . '/../../',),
        'psr/log' => array('pretty_version' => '1.1.4', 'version' => '1.1.4.0', 'dev_requirement' => false,),
        'psr/log-implementation' => array('dev_requirement' => false, 'provided' => array(0 => '1.0|2.0',),),
        'twig/twig' => ['pretty_version' => "v3.4.1", 'aliases' => []],
    ),
);
"""


def test_php_list_in_code_counts_where_it_stands_alone() -> None:
    finds = find({"a/vendor/composer/installed.php": PHP})
    assert names(finds) == [("psr/log", "1.1.4"), ("twig/twig", "v3.4.1")]
    assert {package.package_db for package in finds.packages} == {"composer:a/vendor/composer/installed.php"}


@pytest.mark.parametrize("first", [".php", ".json"])
def test_php_list_in_code_beside_the_other_does_not_count(first: str) -> None:
    both = {".php": PHP, ".json": b'[{"name": "psr/log", "version": "1.1.4"}]'}
    order = sorted(both, key=lambda ending: ending != first)
    finds = find({f"v/composer/installed{ending}": both[ending] for ending in order})
    assert [(p.name, p.package_db) for p in finds.packages] == [
        ("psr/log", "composer:v/composer/installed.json")
    ]
