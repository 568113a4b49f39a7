"""The entry scripts of the images, against a real PostgreSQL and real kills."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from pyrox.mtls.identity import Subject
from tests.support import image_scripts as scripts
from tests.support import pg
from tests.support.image_scripts import Pod
from tests.support.pki import Pki
from tests.support.waiting import until

INIT = "database/init-entrypoint.sh"
SERVER = "database/docker-entrypoint.sh"
WATCHER = "database/cert-watcher.sh"
postgres = pytest.mark.needs("debian_postgres")


@pytest.fixture
def pod() -> Iterator[Pod]:
    with scripts.pod() as made:
        yield made


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """The files of a new database, to be copied: making them takes seconds."""
    with scripts.pod() as made:
        code, said = made.run(INIT)
        assert code == 0, said
        yield made.data


@pytest.fixture
def initialised(pod: Pod, cluster: Path) -> Pod:
    subprocess.run(["cp", "-a", str(cluster), str(pod.data)], check=True)
    return pod


@postgres
def test_init_on_an_empty_volume_makes_a_cluster_with_checksums_and_scram(pod: Pod) -> None:
    code, said = pod.run(INIT)
    assert (code, "made the database" in said) == (0, True), said
    assert scripts.controldata(pod, "Data page checksum version") == "1"
    rules = [line.split() for line in (pod.data / "pg_hba.conf").read_text().splitlines()]
    assert {rule[-1] for rule in rules if rule and rule[0] != "#"[0]} == {"scram-sha-256"}
    assert scripts.names(pod.volume) == ["password", "pgdata"]


@postgres
def test_init_over_a_cluster_of_the_same_major_changes_nothing(initialised: Pod) -> None:
    before = scripts.controldata(initialised, "Database system identifier")
    code, said = initialised.run(INIT)
    assert (code, "is there" in said) == (0, True), said
    assert scripts.controldata(initialised, "Database system identifier") == before


@postgres
async def test_init_killed_in_the_middle_is_made_whole_by_the_next_run(pod: Pod) -> None:
    process = pod.start(INIT)
    unfinished = pod.volume / "pgdata.unfinished"
    await until((unfinished / "base").exists)
    scripts.end(process)
    assert not pod.data.exists()
    assert unfinished.exists()
    code, said = pod.run(INIT)
    assert code == 0, said
    assert scripts.names(pod.volume) == ["password", "pgdata"]


@postgres
@pytest.mark.parametrize(
    ("major", "word"), [("13", "roxctl central backup"), ("9.6", "empty volume"), ("99", "newer")]
)
def test_init_over_another_major_refuses_and_says_what_to_do(pod: Pod, major: str, word: str) -> None:
    pod.write("pgdata/PG_VERSION", major + "\n")
    code, said = pod.run(INIT)
    assert code == 1
    assert f"PostgreSQL {major}" in said
    assert word in said
    assert scripts.names(pod.data) == ["PG_VERSION"]


@postgres
def test_init_over_files_that_are_no_database_leaves_them_alone(pod: Pod) -> None:
    pod.write("pgdata/letter.txt", "mine")
    code, said = pod.run(INIT)
    assert (code, "holds files but no database" in said) == (1, True), said
    assert (pod.data / "letter.txt").read_text() == "mine"


@postgres
@pytest.mark.parametrize("text", ["", None])
def test_init_without_a_password_names_the_file(pod: Pod, text: str | None) -> None:
    pod.password.unlink()
    if text is not None:
        pod.write("password", text)
    code, said = pod.run(INIT)
    assert (code, str(pod.password) in said) == (1, True), said
    assert not pod.data.exists()


@postgres
def test_init_on_a_missing_volume_names_it(pod: Pod) -> None:
    code, said = pod.run(INIT, PGDATA="/nowhere/pgdata")
    assert (code, "mount the volume" in said) == (1, True), said


@postgres
@pytest.mark.needs("root")
def test_init_on_a_full_volume_says_so_and_heals_when_it_grows(pod: Pod) -> None:
    small = Path(tempfile.mkdtemp(prefix="pyrox-full-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=777", "tmpfs", str(small)], check=True)
    try:
        code, said = pod.run(INIT, PGDATA=str(small / "pgdata"))
        assert (code, "enlarge the PersistentVolumeClaim" in said) == (1, True), said
        subprocess.run(["mount", "-o", "remount,size=400m", str(small)], check=True)
        code, said = pod.run(INIT, PGDATA=str(small / "pgdata"))
        assert (code, scripts.names(small)) == (0, ["pgdata"]), said
    finally:
        subprocess.run(["umount", str(small)], check=True)
        small.rmdir()


@postgres
def test_server_without_a_database_names_the_init_container(pod: Pod) -> None:
    code, said = pod.run(SERVER)
    assert (code, "init-entrypoint.sh" in said) == (1, True), said


def test_server_given_another_program_becomes_it(pod: Pod) -> None:
    assert pod.run(SERVER, "echo", "hello") == (0, "hello\n")


@postgres
async def test_server_takes_the_mounted_configuration_and_the_password(initialised: Pod) -> None:
    port = pg.free_port()
    scripts.configuration(initialised, port, "work_mem = 5MB")
    with scripts.running(initialised.start(SERVER)):
        await until(lambda: scripts.query(port, "SHOW work_mem"))
        assert scripts.query(port, "SHOW work_mem") == "5MB"
        assert scripts.query(port, "SHOW hba_file") == str(initialised.volume / "pg_hba.conf")


@postgres
async def test_server_keeps_arguments_that_name_another_configuration(initialised: Pod) -> None:
    port = pg.free_port()
    scripts.configuration(initialised, port)
    other = initialised.write("other.conf", (initialised.volume / "postgresql.conf").read_text())
    with scripts.running(initialised.start(SERVER, "postgres", "-c", f"config_file={other}")):
        await until(lambda: scripts.query(port, "SHOW config_file"))
        assert scripts.query(port, "SHOW config_file") == str(other)


@postgres
async def test_server_killed_starts_over_a_lock_whose_number_is_another_process(initialised: Pod) -> None:
    port = pg.free_port()
    scripts.configuration(initialised, port)
    with scripts.running(initialised.start(SERVER)):
        await until(lambda: scripts.query(port, "SELECT 1"))
    stranger = initialised.start(SERVER, "sleep", "60")
    lock = initialised.data / "postmaster.pid"
    try:
        await until(lambda: Path(f"/proc/{stranger.pid}/comm").read_text().strip() == "sleep")
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with scripts.running(initialised.start(SERVER)):
            await until(lambda: scripts.query(port, "SELECT 1"))
            assert lock.read_text().splitlines()[0] != str(stranger.pid)
    finally:
        scripts.end(stranger)


def served(port: int) -> int:
    """The serial number of the certificate that PostgreSQL shows; 0 while it does not answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            # SSLRequest: length 8, code 80877103 (PostgreSQL's protocol, "SSL Session Encryption").
            plain.sendall((8).to_bytes(4) + (80877103).to_bytes(4))
            if plain.recv(1) != b"S":
                return 0
            with context.wrap_socket(plain) as tls:
                return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"").serial_number
    except OSError:
        return 0


def put_certificate(pod: Pod, pki: Pki) -> int:
    """Mount another certificate; its serial number."""
    files = pki.files(Subject("CENTRAL_DB_SERVICE", "central-db"))
    pod.write("server.key", files.key.read_text())
    pod.write("server.crt", files.cert.read_text())
    return x509.load_pem_x509_certificate(files.cert.read_bytes()).serial_number


@postgres
async def test_changed_certificate_is_served_without_a_restart(initialised: Pod, tmp_path: Path) -> None:
    port, pki = pg.free_port(), Pki(tmp_path)
    first = put_certificate(initialised, pki)
    files = [
        f"ssl_{kind}_file = '{initialised.volume}/server.{end}'"
        for kind, end in (("cert", "crt"), ("key", "key"))
    ]
    scripts.configuration(initialised, port, "ssl = on", *files)
    watched = {"CERT_WATCHER_DIR": str(initialised.volume), "CERT_WATCHER_INTERVAL": "0.05"}
    with scripts.running(initialised.start(SERVER)) as server:
        await until(lambda: served(port))
        assert served(port) == first
        with scripts.running(initialised.start(WATCHER, **watched)) as watcher:
            assert "watching" in await asyncio.to_thread(scripts.line, watcher)
            second = put_certificate(initialised, pki)
            await until(lambda: served(port) == second)
            assert "the certificate changed" in await asyncio.to_thread(scripts.line, watcher)
        assert server.poll() is None


@postgres
async def test_watcher_that_cannot_reach_the_server_tries_again(initialised: Pod, tmp_path: Path) -> None:
    put_certificate(initialised, Pki(tmp_path))
    watched = {"CERT_WATCHER_DIR": str(initialised.volume), "CERT_WATCHER_INTERVAL": "0.05"}
    with scripts.running(initialised.start(WATCHER, **watched)) as watcher:
        await asyncio.to_thread(scripts.line, watcher)
        put_certificate(initialised, Pki(tmp_path))
        said = [await asyncio.to_thread(scripts.line, watcher) for _ in range(6)]
    assert len([line for line in said if "trying again" in line]) >= 2


def test_watcher_asked_to_end_ends_at_once(pod: Pod) -> None:
    with scripts.running(
        pod.start(WATCHER, CERT_WATCHER_DIR=str(pod.volume), CERT_WATCHER_INTERVAL="600")
    ) as watcher:
        assert "watching" in scripts.line(watcher)
        os.kill(watcher.pid, signal.SIGTERM)
        assert watcher.wait(timeout=30) == 0


@pytest.fixture
def central(pod: Pod, tmp_path: Path) -> Pod:
    """A pod of Central: a command `central` that shows its bundle, a CA of the system, one more."""
    pod.write("bin/central", '#!/bin/sh\necho "$@"\ncat "${SSL_CERT_FILE:-/dev/null}"\n', 0o755)
    pod.write("system.crt", Pki(tmp_path / "system").ca.cert_pem.decode())
    # No newline at the end, as people write such files.
    pod.write("more/00-proxy.crt", Pki(tmp_path / "more").ca.cert_pem.decode().rstrip("\n"))
    pod.environment |= {
        "PATH": f"{pod.volume}/bin:/usr/bin:/bin",
        "ROX_SYSTEM_CA_FILE": str(pod.volume / "system.crt"),
        "ROX_ADDITIONAL_CA_DIR": str(pod.volume / "more"),
        "SSL_CERT_DIR": str(pod.volume / "ssl" / "certs"),
    }
    return pod


def certificates(text: str) -> int:
    """How many certificates a bundle holds, each of which can be read."""
    return len(x509.load_pem_x509_certificates(text.encode()))


def test_central_starts_with_the_additional_cas_beside_those_of_the_system(central: Pod) -> None:
    code, said = central.run("main/central-entrypoint.sh", "--listen", ":8443")
    assert (code, said.startswith("--listen :8443\n")) == (0, True), said
    assert certificates(said) == 2
    assert scripts.names(central.volume / "ssl/certs") == ["ca-certificates.crt"]


def test_central_leaves_out_a_file_that_is_no_certificate_and_names_it(central: Pod) -> None:
    central.write("more/01-junk.crt", "not a certificate")
    code, said = central.run("main/central-entrypoint.sh")
    assert (code, "01-junk.crt: no PEM certificate" in said) == (0, True), said
    assert certificates(said) == 2


def test_central_with_a_read_only_root_writes_below_tmp(central: Pod) -> None:
    scratch = central.write("tmp/here", "").parent
    code, said = central.run("main/central-entrypoint.sh", SSL_CERT_DIR="/proc/nowhere", TMPDIR=str(scratch))
    assert (code, certificates(said)) == (0, 2), said
    assert (scratch / "ca/ca-certificates.crt").exists()


def test_central_that_can_write_nowhere_starts_and_says_so(central: Pod) -> None:
    code, said = central.run(
        "main/central-entrypoint.sh", SSL_CERT_DIR="/proc/nowhere", TMPDIR="/proc/nowhere"
    )
    assert (code, "additional CAs are not used" in said) == (0, True), said


def test_scanner_gets_its_arguments(pod: Pod) -> None:
    pod.write("bin/scanner", '#!/bin/sh\necho "$@"\n', 0o755)
    pod.environment["PATH"] = f"{pod.volume}/bin:/usr/bin:/bin"
    told = pod.run("scanner-v4/entrypoint.sh", "--conf=/etc/scanner/config.yaml")
    assert told == (0, "--conf=/etc/scanner/config.yaml\n")


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize(
    "script", sorted(scripts.IMAGES.rglob("*.sh")), ids=lambda path: str(path.relative_to(scripts.IMAGES))
)
def test_script_is_clean_to_shellcheck(script: Path) -> None:
    ended = subprocess.run(
        [shutil.which("shellcheck") or "", str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.stdout == ""
    first = script.read_text().splitlines()[0]
    assert first == "#!/bin/sh" or "set -euo pipefail" in script.read_text()
