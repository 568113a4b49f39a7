"""Dependency files of .NET applications."""

from __future__ import annotations

from tests.unit.pyrox.scan.detecting import find, names


def test_dotnet_packages_of_a_dependency_file() -> None:
    libraries = b'{"App/1.0.0": {"type": "project"},'
    libraries += b' "Newtonsoft.Json/13.0.1": {"type": "package"}, "odd": {"type": "package"}}'
    finds = find(
        {"app/App.deps.json": b'{"runtimeTarget": {}, "libraries": ' + libraries + b"}", "x.deps.json": b"["}
    )
    assert names(finds) == [("Newtonsoft.Json", "13.0.1")]
    assert [note.subject for note in finds.notes] == ["x.deps.json"]


def test_dotnet_frameworks_of_a_self_contained_application() -> None:
    pack = b"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1"
    finds = find({"app/A.deps.json": b'\xef\xbb\xbf{"libraries": {"%s": {"type": "runtimepack"}}}' % pack})
    assert names(finds) == [("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1")]


def test_dotnet_shared_framework_is_known_by_its_file_or_else_by_its_directory() -> None:
    place = "usr/share/dotnet/shared/Microsoft.AspNetCore.App/6.0.25/Microsoft.AspNetCore.App.deps.json"
    own = b'{"libraries": {"Microsoft.AspNetCore.App.Runtime.linux-x64/6.0.25": {"type": "package"}}}'
    assert names(find({place: own})) == [("Microsoft.AspNetCore.App.Runtime.linux-x64", "6.0.25")]
    assert names(find({place: b"{}"})) == [("Microsoft.AspNetCore.App", "6.0.25")]
    assert names(find({"x/Microsoft.AspNetCore.App.deps.json": b"{}"})) == []
