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
