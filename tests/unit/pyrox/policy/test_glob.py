"""Path globs."""

from __future__ import annotations

import pytest

from pyrox.policy.glob import BadGlob, compile_glob


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("/etc/*", ["/etc/passwd", "/etc/.x"], ["/etc/a/b", "/ETC/passwd"]),
        ("/etc/**", ["/etc", "/etc/a", "/etc/a/b"], ["/etcx", "/et"]),
        ("/**", ["/", "/a", "/a/b"], ["a"]),
        ("/**/passwd", ["/passwd", "/a/b/passwd"], ["/xpasswd"]),
        ("/a/**/b", ["/a/b", "/a/x/y/b"], ["/ab"]),
        ("/bin/l?", ["/bin/ls"], ["/bin/l", "/bin/l/", "/bin/lss"]),
        ("/[a-c]/x", ["/a/x", "/c/x"], ["/d/x"]),
        ("/[^a]x", ["/bx"], ["/ax", "//x"]),
        ("/[!a]x", ["/bx"], ["/ax"]),
        ("/[]a]", ["/]", "/a"], ["/b"]),
        (r"/[\]\-]", ["/]", "/-"], ["/a"]),
        ("/{a,b/c}/d", ["/a/d", "/b/c/d"], ["/c/d"]),
        ("/{a/**,b}", ["/a/x/y", "/b"], ["/c"]),
        (r"/\*", ["/*"], ["/a"]),
        ("/a**b", ["/ab", "/axb"], ["/a/b"]),
        ("/a.b", ["/a.b"], ["/axb"]),
        ("/a,b", ["/a,b"], ["/a"]),
        ("/[a-]", ["/-", "/a"], ["/b"]),
    ],
)
def test_glob_fits_whole_paths(pattern: str, fits: list[str], misses: list[str]) -> None:
    test = compile_glob(pattern)
    assert [path for path in fits if not test(path)] == []
    assert [path for path in misses if test(path)] == []


@pytest.mark.parametrize("pattern", ["/[", "/[]", "/[^", "/{a", "/a}", "/a\\", "/[b-a]", "/[\\"])
def test_broken_glob_is_refused(pattern: str) -> None:
    with pytest.raises(BadGlob):
        compile_glob(pattern)


def test_glob_beyond_re2_limits_is_refused() -> None:
    with pytest.raises(BadGlob):
        compile_glob("/" + "a" * 70_000)
