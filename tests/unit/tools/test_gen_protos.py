"""What becomes of protoc's output: imports below our package, stubs only where a service is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.tools import load_tool


@pytest.fixture
def tool(tmp_path: Path) -> Any:
    module = load_tool("gen_protos")
    module.PROTO = tmp_path / "proto"
    module.TARGET = tmp_path / "pb"
    return module


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "from api.v1 import common_pb2 as api_dot_v1_dot_common__pb2",
            "from pyrox.pb.api.v1 import common_pb2 as api_dot_v1_dot_common__pb2",
        ),
        ("from storage import alert_pb2 as x", "from pyrox.pb.storage import alert_pb2 as x"),
        ("    from scanner.api.v1 import a_pb2", "    from pyrox.pb.scanner.api.v1 import a_pb2"),
        ("import internalapi.central.hello_pb2", "import pyrox.pb.internalapi.central.hello_pb2"),
        ("import storage.alert_pb2 as alert", "import pyrox.pb.storage.alert_pb2 as alert"),
        (
            "_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, 'api.v1.alert_service_pb2', _g)",
            "_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, 'pyrox.pb.api.v1.alert_service_pb2', _g)",
        ),
        ("from google.api import annotations_pb2", "from google.api import annotations_pb2"),
        ("from google.protobuf import empty_pb2", "from google.protobuf import empty_pb2"),
        ("from apiary import bees", "from apiary import bees"),
        ("import storages.x", "import storages.x"),
        (
            "DESCRIPTOR = AddSerializedFile(b'api/v1/a.proto')",
            "DESCRIPTOR = AddSerializedFile(b'api/v1/a.proto')",
        ),
    ],
)
def test_rewrite_moves_our_packages_and_no_others(tool: Any, line: str, expected: str) -> None:
    assert tool.rewrite(f"x = 1\n{line}\ny = 2\n") == f"x = 1\n{expected}\ny = 2\n"


def test_finish_drops_stubs_of_files_without_a_service(tool: Any, tmp_path: Path) -> None:
    write(
        tmp_path / "proto", {"api/v1/served.proto": "\nservice S {}\n", "api/v1/plain.proto": "message M {}"}
    )
    kinds = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")
    raw = write(
        tmp_path / "raw",
        {f"api/v1/{stem}{kind}": "from api.v1 import x\n" for stem in ("served", "plain") for kind in kinds},
    )
    tool.finish(raw, tmp_path / "out")
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.py*")}
    assert made == {
        "__init__.py",
        "api/__init__.py",
        "api/v1/__init__.py",
        "api/v1/plain_pb2.py",
        "api/v1/plain_pb2.pyi",
        *(f"api/v1/served{kind}" for kind in kinds),
    }
    assert (tmp_path / "out/api/v1/plain_pb2.py").read_text() == "from pyrox.pb.api.v1 import x\n"
    assert (tmp_path / "out/__init__.py").read_text().startswith('"""Generated from proto/')


@pytest.mark.parametrize(
    ("left", "right", "names"),
    [
        ({"a.py": "1", "b/c.pyi": "2"}, {"a.py": "1", "b/c.pyi": "2"}, []),
        ({"a.py": "1"}, {"a.py": "2"}, ["a.py"]),
        ({"a.py": "1", "b.py": "1"}, {"a.py": "1"}, ["b.py"]),
        ({}, {"old.py": "1"}, ["old.py"]),
        ({"a.py": "1"}, {"a.py": "1", "__pycache__/a.cpython-311.pyc": "x", "README": "x"}, []),
    ],
)
def test_differences_name_each_file_that_is_not_the_same(
    tool: Any, tmp_path: Path, left: dict[str, str], right: dict[str, str], names: list[str]
) -> None:
    for name in ("l", "r"):
        (tmp_path / name).mkdir()
    assert tool.differences(write(tmp_path / "l", left), write(tmp_path / "r", right)) == names


@pytest.fixture
def compiled(tool: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program over a compiler that makes one file."""

    def compile_into(out: Path) -> None:
        write(out, {"pb/api/a_pb2.py": "new"})

    monkeypatch.setattr(tool, "compile_into", compile_into)
    return tool


def test_check_fails_while_the_committed_files_differ(
    compiled: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(compiled.TARGET, {"api/a_pb2.py": "old", "gone_pb2.py": ""})
    monkeypatch.setattr(sys, "argv", ["gen_protos", "--check"])
    assert compiled.main() == 1
    assert capsys.readouterr().out.splitlines() == [
        "out of date: pyrox/pb/api/a_pb2.py (run `make proto`)",
        "out of date: pyrox/pb/gone_pb2.py (run `make proto`)",
    ]
    assert (compiled.TARGET / "api/a_pb2.py").read_text() == "old"


def test_run_writes_the_tree_anew_and_the_check_then_passes(
    compiled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(compiled.TARGET, {"gone_pb2.py": ""})
    monkeypatch.setattr(sys, "argv", ["gen_protos"])
    assert compiled.main() == 0
    assert [path.name for path in compiled.TARGET.rglob("*.py")] == ["a_pb2.py"]
    monkeypatch.setattr(sys, "argv", ["gen_protos", "--check"])
    assert compiled.main() == 0


def test_compile_of_a_small_tree_makes_modules_that_can_be_pickled(tool: Any, tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    text = 'syntax = "proto3";\npackage storage;\nmessage Thing { string id = 1; }\n'
    write(tool.PROTO, {"storage/thing.proto": text})
    out = tmp_path / "out"
    out.mkdir()
    tool.compile_into(out)
    source = (out / "pb/storage/thing_pb2.py").read_text()
    assert "'pyrox.pb.storage.thing_pb2'" in source
    assert not (out / "pb/storage/thing_pb2_grpc.py").exists()
    assert "class Thing" in (out / "pb/storage/thing_pb2.pyi").read_text()


def test_compile_of_a_broken_file_ends_with_protocs_words(tool: Any, tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    write(tool.PROTO, {"storage/bad.proto": "message {"})
    (tmp_path / "out").mkdir()
    with pytest.raises(SystemExit) as caught:
        tool.compile_into(tmp_path / "out")
    assert "storage/bad.proto" in str(caught.value)
