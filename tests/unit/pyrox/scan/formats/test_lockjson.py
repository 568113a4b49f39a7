"""Lock files in JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from pyrox.scan.formats import lockjson

NPM_3 = b"""\xef\xbb\xbf{"name": "app", "lockfileVersion": 3, "packages": {
    "": {"name": "app", "version": "1.0.0", "dependencies": {"a": "^1"}},
    "node_modules/a": {"version": "1.2.3", "resolved": "x"},
    "node_modules/a/node_modules/@s/b": {"version": "2.0.0"},
    "node_modules/alias": {"name": "real", "version": "4.0.0"},
    "node_modules/jest": {"version": "29.0.0", "dev": true},
    "node_modules/mine": {"resolved": "packages/mine", "link": true},
    "packages/mine": {"version": "0.0.1"}
}, "dependencies": {"ignored": {"version": "1.0.0"}}}"""
NPM_1 = b"""{"lockfileVersion": 1, "dependencies": {
    "a": {"version": "1.2.3", "requires": {"b": "^1"}, "dependencies": {"b": {"version": "2.0.0"}}},
    "alias": {"version": "npm:@s/real@4.0.0"},
    "dev": {"version": "1.0.0", "dev": true, "dependencies": {"c": {"version": "1.0.0"}}},
    "fork": {"version": "git+ssh://git@host/a/b.git#abc"}
}}"""


def test_npm_packages_by_their_places() -> None:
    assert list(lockjson.npm(NPM_3)) == [("a", "1.2.3"), ("@s/b", "2.0.0"), ("real", "4.0.0")]


def test_npm_packages_of_the_first_version_as_a_tree() -> None:
    assert list(lockjson.npm(NPM_1)) == [("a", "1.2.3"), ("b", "2.0.0"), ("@s/real", "4.0.0")]


def test_npm_tree_has_a_bound_on_its_depth() -> None:
    deep = b'{"dependencies": {"a": {"version": "1.0.0"' + b',"dependencies": {"a": {"version": "1.0.0"' * 200
    with pytest.raises(ValueError, match="deep"):
        list(lockjson.npm(deep + b"}}" * 201 + b"}"))


def test_pipenv_packages_with_pinned_versions() -> None:
    content = b'{"default": {"idna": {"version": "==3.7", "hashes": []}, "git": {"ref": "x"}},'
    content += b' "develop": {"a": {"version": "==1"}}}'
    assert list(lockjson.pipfile(content)) == [("idna", "3.7")]


def test_composer_packages_without_those_of_developers() -> None:
    content = b'{"packages": [{"name": "psr/log", "version": "1.1.4"}, {"name": "x"}],'
    content += b' "packages-dev": [{"name": "a/b", "version": "1"}]}'
    assert list(lockjson.composer(content)) == [("psr/log", "1.1.4")]


def test_nuget_packages_of_every_framework_without_projects() -> None:
    content = b"""{"version": 1, "dependencies": {"net6.0": {
        "Newtonsoft.Json": {"type": "Direct", "resolved": "13.0.1"},
        "Mine": {"type": "Project"}, "Other": {"type": "project", "resolved": "1.0.0"}},
        "net8.0": {"System.Text.Json": {"type": "Transitive", "resolved": "8.0.0"}}}}"""
    assert list(lockjson.nuget(content)) == [("Newtonsoft.Json", "13.0.1"), ("System.Text.Json", "8.0.0")]


@pytest.mark.parametrize("reader", [lockjson.npm, lockjson.pipfile, lockjson.composer, lockjson.nuget])
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"packages": 5, "default": 5, "dependencies": 5}'])
def test_other_forms_are_value_errors(reader: Callable[[bytes], Iterator[object]], content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        list(reader(content))
    assert isinstance(caught.value, msgspec.DecodeError)


@pytest.mark.parametrize("reader", [lockjson.npm, lockjson.pipfile, lockjson.composer, lockjson.nuget])
def test_depth_that_nobody_writes_ends_the_reading(reader: Callable[[bytes], Iterator[object]]) -> None:
    with pytest.raises((msgspec.DecodeError, RecursionError)):
        list(reader(b'{"x":' * 100_000))
