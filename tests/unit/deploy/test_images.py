"""The Containerfiles and what they run, as text: nothing is built."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tools.images import __main__ as command
from tools.images.containerfile import Containerfile, parse
from tools.images.context import Context

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "deploy" / "images"
PYTHON = {"main", "scanner-v4", "collector", "roxctl"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def load(name: str) -> ModuleType:
    """A script of `install`, which is no package."""
    spec = importlib.util.spec_from_file_location(name, IMAGES / "install" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


application, download, selection = load("application"), load("download"), load("selection")


def read(name: str) -> Containerfile:
    return parse((IMAGES / name / "Containerfile").read_text())


def setting(name: str, keyword: str) -> str:
    steps = [step.text for step in read(name).stages[-1].instructions if step.keyword == keyword]
    return steps[-1] if steps else ""


def words_after(name: str, script: str) -> list[str]:
    """The arguments of a script that a Containerfile runs for the image itself."""
    stages = [stage for stage in read(name).stages if not stage.name.startswith("client")]
    steps = [step.text for stage in stages for step in stage.instructions]
    found = [text.split(script, 1)[1].split() for text in steps if script in text]
    assert found, f"{name} does not run {script}"
    return found[-1]


def test_there_is_a_containerfile_for_each_image_and_no_other() -> None:
    assert {path.parent.name for path in IMAGES.glob("*/Containerfile")} == set(command.IMAGES)


@pytest.mark.parametrize("name", command.IMAGES)
def test_every_image_starts_from_the_given_base_alone(name: str) -> None:
    file = read(name)
    names = {stage.name for stage in file.stages}
    assert file.arguments.keys() == {"BASE"}
    assert {stage.base for stage in file.stages} <= names | {"${BASE}"}


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("main", "4000:4000"),
        ("central-db", "70:70"),
        ("scanner-v4-db", "70:70"),
        ("scanner-v4", "65534:65534"),
        ("roxctl", "65534:65534"),
        ("collector", ""),
    ],
)
def test_image_runs_as_its_user(name: str, user: str) -> None:
    assert setting(name, "USER") == user


@pytest.mark.parametrize("name", command.IMAGES)
def test_what_is_mounted_and_copied_is_in_the_checkout_and_not_ignored(name: str) -> None:
    context = Context(root=ROOT)
    steps = [
        step for stage in read(name).stages for step in stage.instructions if step.keyword in {"RUN", "COPY"}
    ]
    sources = [mount["source"] for step in steps for mount in step.mounts()]
    copied = [step.words()[:-1] for step in steps if step.keyword == "COPY" and not step.flag("from")]
    sources += [source for words in copied for source in words if not source.startswith("ui/dist")]
    assert sources
    assert [source for source in sources if not any(True for _ in context.files(source))] == []


@pytest.mark.parametrize("name", sorted(PYTHON))
def test_image_installs_the_extras_of_its_processes(name: str) -> None:
    parts = words_after(name, "application.py")
    extras = {part.replace("_", "-") for part in parts} - {"pyrox"}
    wanted = set(words_after(name, "dependencies.sh"))
    assert wanted == extras & set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        (
            "main",
            {
                "central",
                "kubernetes-sensor",
                "admission-control",
                "compliance",
                "config-controller",
                "bootstrap",
            },
        ),
        ("scanner-v4", {"scanner", "scannerctl"}),
        ("collector", {"collector"}),
        ("roxctl", {"roxctl"}),
    ],
)
def test_image_has_the_commands_of_its_processes_alone(name: str, commands: set[str]) -> None:
    parts = words_after(name, "application.py")
    assert set(application.commands(parts, PROJECT["scripts"])) == commands


def test_every_command_is_in_an_image() -> None:
    everywhere = [
        application.commands(words_after(name, "application.py"), PROJECT["scripts"]) for name in PYTHON
    ]
    assert {script for found in everywhere for script in found} == set(PROJECT["scripts"])


def test_both_databases_are_the_same_image_but_for_their_name() -> None:
    central, scanner = (
        (IMAGES / name / "Containerfile").read_text() for name in ("central-db", "scanner-v4-db")
    )
    body = re.compile(r"\A#.*\n")
    assert body.sub("", scanner).replace("scanner-v4-db", "central-db") == body.sub("", central)


def test_clients_of_postgresql_have_the_major_of_its_server() -> None:
    assert words_after("main", "packages.sh") == [
        f"postgresql-client-{words_after('central-db', 'install.sh')[0]}"
    ]


def test_client_that_central_hands_out_is_made_as_the_image_of_roxctl_is() -> None:
    stages = {stage.name: stage for stage in read("main").stages}
    own = {stage.name: stage for stage in read("roxctl").stages}
    for name in ("dependencies", "application"):
        made = [(step.flags, step.text) for step in stages[f"client-{name}"].instructions]
        assert made == [(step.flags, step.text) for step in own[name].instructions]


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A download whose payload shows its arguments and counts its unpackings."""
    payload = tmp_path / "payload"
    (payload / "lib").mkdir(parents=True)
    (payload / "lib/data").write_text("data")
    (payload / "start").write_text('#!/bin/sh\necho "$(cat "${0%/*}/lib/data"):$*"\n')
    (payload / "start").chmod(0o755)
    download.pack(payload, tmp_path / "roxctl")
    return tmp_path / "roxctl"


def run(client: Path, **environment: str) -> tuple[int, str]:
    variables = {"PATH": "/usr/bin:/bin", **environment}
    ended = subprocess.run(
        [str(client), "image", "a b"], env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_download_unpacks_itself_once_and_passes_its_arguments(client: Path, tmp_path: Path) -> None:
    assert run(client, HOME=str(tmp_path)) == (0, "data:image a b\n")
    (unpacked,) = (tmp_path / ".cache/roxctl").iterdir()
    (unpacked / "lib/data").write_text("kept")
    assert run(client, HOME=str(tmp_path)) == (0, "kept:image a b\n")
    assert [entry.name for entry in (tmp_path / ".cache/roxctl").iterdir()] == [unpacked.name]


def test_download_unpacks_where_caches_belong(client: Path, tmp_path: Path) -> None:
    assert run(client, HOME="/nowhere", XDG_CACHE_HOME=str(tmp_path / "caches"))[0] == 0
    assert (tmp_path / "caches/roxctl").is_dir()


def test_download_that_broke_off_says_so_and_leaves_nothing(client: Path, tmp_path: Path) -> None:
    client.write_bytes(client.read_bytes()[:-10])
    assert run(client, HOME=str(tmp_path)) == (1, f"roxctl: {client} is damaged: download it again\n")
    assert list((tmp_path / ".cache/roxctl").iterdir()) == []


def test_download_without_a_home_says_what_to_set(client: Path) -> None:
    code, said = run(client)
    assert (code, "set HOME" in said) == (1, True)


def test_same_payload_gives_the_same_download(client: Path, tmp_path: Path) -> None:
    (tmp_path / "payload/lib/data").touch()
    download.pack(tmp_path / "payload", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == client.read_bytes()


def test_libraries_are_all_that_a_program_loads_with_the_loader() -> None:
    names = set(download.libraries([Path(shutil.which("bash") or "")]))
    assert "libc.so.6" in names
    assert any(name.startswith("ld-linux") for name in names)


def test_selection_keeps_dependencies_and_nothing_that_changes_without_them() -> None:
    text = '[project]\nname = "p"\nversion = "3"\ndependencies = ["a>=1"]\n[project.optional-dependencies]\n'
    text += 'x = ["b[c]>=2; python_version > \'3\'"]\n[project.scripts]\nrun = "a:b"\n'
    kept = tomllib.loads(selection.selected(text))
    assert kept == {
        "project": {
            "name": "p",
            "version": "0",
            "dependencies": ["a>=1"],
            "optional-dependencies": {"x": ["b[c]>=2; python_version > '3'"]},
        }
    }
    assert selection.selected(text.replace("a:b", "c:d").replace('"3"', '"4"')) == selection.selected(text)


@pytest.fixture
def laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small checkout laid out by `application.main`; called with the parts."""
    files = {
        "pyrox/__init__.py": "",
        "pyrox/env.py": "X = 1\n",
        "pyrox/pb/__init__.py": "",
        "pyrox/README.md": "no",
        "services/__init__.py": "",
        "services/__main__.py": "",
        "services/scanner.py": "",
        "services/one/main.py": "def main() -> int:\n    return 3\n",
        "services/two/main.py": "",
        "pyproject.toml": '[project.scripts]\none-x = "services.one.main:main"\ntwo = "services.two.m:f"\n',
    }
    for name, text in files.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(application, "SOURCE", tmp_path / "src")
    monkeypatch.setattr(application, "OUT", tmp_path / "out")

    def lay(*parts: str) -> set[str]:
        assert application.main(list(parts)) == 0
        out = tmp_path / "out"
        return {
            str(path.relative_to(out)) for path in out.rglob("*") if path.is_file() and path.suffix != ".pyc"
        }

    return lay


def test_process_is_laid_out_without_its_neighbours(laid_out: Any, tmp_path: Path) -> None:
    found = {re.sub(r".*site-packages/", "", path) for path in laid_out("pyrox", "one")}
    assert found == {
        *("pyrox/__init__.py", "pyrox/env.py", "services/__init__.py", "services/__main__.py"),
        *("services/one/main.py", "usr/local/bin/one-x"),
    }
    script = tmp_path / "out/usr/local/bin/one-x"
    assert script.read_text().startswith("#!/opt/pyrox/bin/python3\n")
    assert script.stat().st_mode & 0o777 == 0o755
    assert str((tmp_path / "out/stackrox/one-x").readlink()) == "/usr/local/bin/one-x"


def test_central_is_laid_out_with_the_charts_where_it_looks_for_them(laid_out: Any, tmp_path: Path) -> None:
    for name in ("services/central/charts.py", "deploy/helm/central-services/Chart.yaml"):
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True)
        path.write_text("")
    found = {re.sub(r".*site-packages/", "", path) for path in laid_out("central")}
    # services.central.charts.Charts.installed goes two folders up from its own.
    assert {"services/central/charts.py", "roxctl/helm/files/central-services/Chart.yaml"} <= found


def test_messages_are_laid_out_alone(laid_out: Any) -> None:
    assert {re.sub(r".*site-packages/", "", path) for path in laid_out("pb")} == {"pyrox/pb/__init__.py"}


def test_compiled_files_are_checked_by_nothing_and_name_the_path_in_the_image(
    laid_out: Any, tmp_path: Path
) -> None:
    laid_out("pyrox")
    compiled = next((tmp_path / "out").rglob("env.*.pyc")).read_bytes()
    # Flags of a pyc (PEP 552): bit 0 hash-based, bit 1 checked at import.
    assert int.from_bytes(compiled[4:8], "little") == 0b01
    assert b"/opt/pyrox/lib/" in compiled
    assert str(tmp_path).encode() not in compiled
