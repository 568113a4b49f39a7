"""The committed kernel program is what the compiler makes of its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import gen_bpf


@pytest.mark.needs("clang")
def test_compiling_in_any_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("here", "elsewhere"):
        folder = tmp_path / name
        folder.mkdir()
        for source in gen_bpf.SOURCES:
            (folder / source).write_bytes((gen_bpf.FOLDER / source).read_bytes())
        made.append(gen_bpf.compile_into(folder, folder).read_bytes())
    assert made[0] == made[1]
    if gen_bpf.Built.read(gen_bpf.FOLDER / gen_bpf.BUILT).compiler == gen_bpf.compiler():
        assert made[0] == (gen_bpf.FOLDER / gen_bpf.OBJECT).read_bytes()
