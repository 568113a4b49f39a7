"""The command line itself: help, versions, Cobra's refusals, start-up without the slow imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roxctl.main import root
from tests.support.cli import roxctl


def test_version() -> None:
    assert roxctl("version").out == "4.11.0\n"


def test_version_json_names_all_components() -> None:
    versions = json.loads(roxctl("version", "--json").out)
    assert versions["MainVersion"] == versions["ScannerVersion"] == "4.11.0"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nosuch"], 'unknown command "nosuch" for "roxctl"\nERROR:\tRun \'roxctl --help\' for usage.'),
        (
            ["central", "nosuch"],
            'unknown command "nosuch" for "roxctl central"\nERROR:\tRun \'roxctl central --help\' for usage.',
        ),
        (["image", "scan"], 'required flag(s) "image" not set'),
        (["image", "check"], 'required flag(s) "image" not set'),
        (["deployment", "check"], 'required flag(s) "file" not set'),
        (["cluster", "delete"], 'required flag(s) "name" not set'),
        (["version", "--nope"], "unknown flag: --nope"),
        (["version", "-x"], "unknown shorthand flag: 'x' in -x"),
        (["version", "-e"], "flag needs an argument: -e"),
        (
            ["version", "--insecure=perhaps"],
            (
                'invalid argument "perhaps" for "--insecure" flag: '
                'strconv.ParseBool: parsing "perhaps": invalid syntax'
            ),
        ),
        (
            ["central", "init-bundles", "generate"],
            "invalid command option: No name for the init bundle specified",
        ),
        (
            ["central", "init-bundles", "generate", "x"],
            (
                "invalid command option: No output files specified with --output or --output-secrets "
                "(for stdout, specify '-')"
            ),
        ),
        (
            ["central", "init-bundles", "fetch-ca"],
            "invalid command option: no output file specified with --output (for stdout, specify '-')",
        ),
        (
            ["deployment", "check", "-f", "/nonexistent/x.yaml"],
            "invalid command option: open /nonexistent/x.yaml: no such file or directory",
        ),
        (
            ["image", "scan", "-i", "nginx", "-o", "xml"],
            (
                'could not create printer for image scan result: unsupported output format used: "xml". '
                "Choose one of table | csv | json | sarif | legacy-json | legacy-csv: invalid arguments"
            ),
        ),
        (
            ["image", "scan", "-i", "nginx", "-o", "json", "--severity", "bad"],
            (
                'invalid severity "BAD" used. Choose one of [LOW, MODERATE, IMPORTANT, CRITICAL]'
                ": invalid arguments"
            ),
        ),
        (
            ["image", "scan", "-i", "x", "-r", "many"],
            (
                'invalid argument "many" for "-r, --retries" flag: '
                'strconv.ParseInt: parsing "many": invalid syntax'
            ),
        ),
        (
            ["central", "whoami", "-t", "soon"],
            'invalid argument "soon" for "-t, --timeout" flag: time: invalid duration "soon"',
        ),
        (["version", "extra"], 'unknown command "extra" for "roxctl version"'),
        (
            ["central", "whoami", "--use-current-k8s-context"],
            (
                "invalid command option: this client does not forward ports itself; "
                "run `kubectl port-forward service/central 8443:443` "
                "and give --endpoint localhost:8443 instead of --use-current-k8s-context"
            ),
        ),
        (["completion", "tcsh"], 'invalid argument "tcsh" for "roxctl completion"'),
    ],
)
def test_refusal_has_upstreams_words_and_code_1(arguments: list[str], text: str) -> None:
    done = roxctl(*arguments)
    assert (done.code, done.out, done.err) == (1, "", f"ERROR:\t{text}\n")


def test_help_word_is_the_help_flag() -> None:
    assert roxctl("help", "image").out == roxctl("image", "--help").out


def test_streams_go_to_the_files_that_the_environment_names(tmp_path: Path) -> None:
    out, err = tmp_path / "out", tmp_path / "err"
    environment = {"ROX_STDOUT": str(out), "ROX_STDERR": str(err), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "roxctl.main"]
    subprocess.run([*command, "version"], env=environment, check=True, timeout=60)
    done = subprocess.run([*command, "nosuch"], env=environment, check=False, timeout=60)
    assert (out.read_text(), done.returncode) == ("", 1)
    assert err.read_text().startswith("ERROR:\tunknown command")


def test_output_file_that_cannot_be_is_told(tmp_path: Path) -> None:
    environment = {"ROX_STDOUT": str(tmp_path / "no" / "out"), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "roxctl.main", "version"]
    done = subprocess.run(command, env=environment, check=False, timeout=60, capture_output=True, text=True)
    assert done.returncode == 1
    assert "check ROX_STDOUT and ROX_STDERR" in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["central"], ["image"], ["central", "init-bundles"], ["sensor", "generate"]]
)
def test_group_alone_shows_its_help(arguments: list[str]) -> None:
    done = roxctl(*arguments)
    assert (done.code, done.err) == (0, "")
    assert "Commands:" in done.out


def commands(path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All commands of the tree."""
    group, found = root(), []
    for word in path:
        group = group.get_command(None, word)  # type: ignore[arg-type,assignment]
    for name in group.list_commands(None):  # type: ignore[arg-type]
        here = (*path, name)
        below = group.get_command(None, name)  # type: ignore[arg-type]
        found += commands(here) if hasattr(below, "list_commands") else [here]
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_has_help_with_the_global_flags(path: tuple[str, ...]) -> None:
    for flag in ("-h", "--help"):
        done = roxctl(*path, flag)
        assert done.code == 0
        assert "--endpoint" in done.out
        assert "--insecure-skip-tls-verify" in done.out


def test_command_tree_is_the_folder_tree() -> None:
    folder = Path(sys.modules["roxctl"].__file__ or "").parent
    for path in commands():
        words = [word.replace("-", "_") for word in path]
        if words[-1] == "list":
            words[-1] = "listing"
        assert folder.joinpath(*words).with_suffix(".py").is_file(), path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_names_the_program(shell: str) -> None:
    done = roxctl("completion", shell)
    assert done.code == 0
    assert "roxctl" in done.out


@pytest.mark.parametrize(
    "arguments", [["version"], ["--help"], ["image", "scan", "--help"], ["central", "--help"]]
)
def test_start_up_imports_nothing_slow(arguments: list[str]) -> None:
    script = (
        "import sys; from roxctl.main import run; import io\n"
        "streams = {name: io.StringIO() for name in ('out', 'err', 'stdin')}\n"
        f"code = run({arguments!r}, environment={{}}, **streams)\n"
        "slow = {'grpc', 'httpx', 'google.protobuf', 'cryptography', 'yaml', 'rich', 'asyncio'}\n"
        "print(code, sorted(slow & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "0 []\n", done.stderr
