"""`roxctl scanner upload-db`: what is sent, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from roxctl.rest import HttpAnswer
from tests.support.cli_wire import Wire


def test_file_is_sent_and_centrals_words_are_shown(wire: Wire) -> None:
    Path("defs.zip").write_bytes(b"zip")
    text = b"Successfully stored scanner vulnerability definitions"
    wire.http_answers = [(200, HttpAnswer(headers={}, body=text))]
    done = wire.run("scanner", "upload-db", "--scanner-db-file", "defs.zip")
    assert (done.code, done.out, done.err) == (0, "", text.decode() + "\n")
    ((verb, path, body, _),) = wire.http
    assert (verb, path) == ("POST", "/api/extensions/scannerdefinitions")
    # The file itself: it is read while it is sent.
    assert str(body) == "defs.zip"


def test_refusal_is_shown_with_its_status(wire: Wire) -> None:
    Path("defs.zip").write_bytes(b"zip")
    wire.http_answers = [(400, HttpAnswer(headers={}, body=b'{"code":3,"message":"no"}'))]
    done = wire.run("scanner", "upload-db", "--scanner-db-file=defs.zip")
    assert (done.code, done.err) == (
        1,
        (
            "ERROR:\tcould not connect with scanner definitions API: "
            "expected status code 200, but received 400. "
            'Response Body: {"code":3,"message":"no"}\n'
        ),
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), 'required flag(s) "scanner-db-file" not set'),
        (("--scanner-db-file", "none.zip"), "could not open file: open none.zip: no such file or directory"),
    ],
)
def test_without_a_file_nothing_is_asked(wire: Wire, words: tuple[str, ...], text: str) -> None:
    done = wire.run("scanner", "upload-db", *words)
    assert done.code == 1
    assert done.err.startswith(f"ERROR:\t{text}\n")
    assert wire.http == []
