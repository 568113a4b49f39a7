"""Run the scripts of the images against Debian's PostgreSQL, as an unprivileged user.

Use with `needs("debian_postgres")`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[2] / "deploy" / "images"
BINARIES = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "s3cret of the test"


@dataclass
class Pod:
    """A volume, a password and an account: what a pod of a database gives to its scripts."""

    volume: Path
    account: str = "nobody"
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Where the cluster of files lies."""
        return self.volume / "pgdata"

    @property
    def scripts(self) -> Path:
        """Copies of the scripts that were started."""
        return self.volume.with_name(f"{self.volume.name}-scripts")

    @property
    def password(self) -> Path:
        """The file with the password."""
        return self.volume / "password"

    def start(self, script: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a script of `deploy/images`, in a process group of its own."""
        environment = {
            "PATH": f"{BINARIES}:/usr/bin:/bin",
            "PGDATA": str(self.data),
            "POSTGRES_PASSWORD_FILE": str(self.password),
            "POSTGRES_CONFIG_DIR": str(self.volume),
            **self.environment,
            **variables,
        }
        return subprocess.Popen(
            [str(self._reachable(script)), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd="/",
            user=self.account if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
        )

    def _reachable(self, script: str) -> Path:
        """A copy that the account may run, wherever the checkout lies."""
        copy = self.scripts / Path(script).name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(IMAGES / script, copy)
            copy.parent.chmod(0o755)
        return copy

    def run(self, script: str, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a script to its end; exit code and what it said."""
        process = self.start(script, *arguments, **variables)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            end(process)
        return process.returncode, out + err

    def give(self, *paths: Path) -> None:
        """Make files the account's own."""
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.account)
            for path in paths:
                os.chown(path, entry.pw_uid, entry.pw_gid)

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a file on the volume, the account's own."""
        path = self.volume / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        self.give(path.parent, path)
        return path


@contextlib.contextmanager
def pod() -> Iterator[Pod]:
    """A pod with an empty volume, gone afterwards."""
    # Not below pytest's directory: that is closed to other accounts.
    volume = Path(tempfile.mkdtemp(prefix="pyrox-image-"))
    made = Pod(volume)
    try:
        made.give(volume)
        made.write("password", PASSWORD + "\n")
        yield made
    finally:
        shutil.rmtree(volume)
        shutil.rmtree(made.scripts, ignore_errors=True)


def configuration(pod: Pod, port: int, *more: str) -> None:
    """The two files that the chart mounts."""
    lines = [f"port = {port}", "listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{pod.volume}'"]
    pod.write("postgresql.conf", "\n".join([*lines, "fsync = off", *more]) + "\n")
    pod.write("pg_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\n")


def query(port: int, sql: str) -> str:
    """One value over a password connection; empty while the server does not answer."""
    command = ["psql", "-X", "-A", "-t", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", sql]
    environment = {"PATH": f"{BINARIES}:/usr/bin:/bin", "PGPASSWORD": PASSWORD}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    return ended.stdout.strip()


def end(process: subprocess.Popen[str]) -> None:
    """End a script and all that it started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


@contextlib.contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A started script, ended afterwards."""
    try:
        yield process
    finally:
        end(process)


def line(process: subprocess.Popen[str]) -> str:
    """The script's next line on standard error; gRPC, forked with the test, may say something before."""
    assert process.stderr is not None
    while "gRPC" in (told := process.stderr.readline()) or "event_engine" in told:
        continue
    return told


def controldata(pod: Pod, key: str) -> str:
    """One line of `pg_controldata`."""
    told = subprocess.run(
        [str(BINARIES / "pg_controldata"), str(pod.data)],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    return next(line.split(":", 1)[1].strip() for line in told.splitlines() if line.startswith(key))


def names(directory: Path) -> Sequence[str]:
    """What lies in a directory."""
    return sorted(entry.name for entry in directory.iterdir())
