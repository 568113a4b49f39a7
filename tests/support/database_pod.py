"""The pod of Central's database, as its administrator reaches it: by `kubectl exec` and psql.

For end-to-end tests that break the database. It knows no table of Central's.
"""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support import cluster
from tests.support.cluster import Json, apply, kubectl

# A server's session: keeps a table from being written to, says so, and says when somebody waits for it.
_HOLD = """
BEGIN;
LOCK TABLE {table} IN SHARE MODE;
\\echo held
DO $$ BEGIN
  WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))) LOOP
    PERFORM pg_sleep(0.05);
    PERFORM pg_stat_clear_snapshot();
  END LOOP;
END $$;
\\echo waited for
SELECT pg_sleep(600);
"""


@dataclass(frozen=True, slots=True)
class DatabasePod:
    """`deployment/central-db` of a namespace."""

    namespace: str

    def shell(self, script: str, *, seconds: float = 60) -> str:
        """What a script prints in the container; it finds the server and the password in its environment."""
        return kubectl(*self._exec(script), seconds=seconds).stdout

    def sql(self, statement: str, database: str = "postgres") -> str:
        """The plain rows of a statement."""
        return kubectl(*self._exec(f"psql -XAtq -v ON_ERROR_STOP=1 -d {database}"), stdin=statement).stdout

    @contextmanager
    def holding(self, table: str, database: str) -> Iterator[Held]:
        """Keep everybody from writing to a table until the block ends, or the pod does."""
        process = subprocess.Popen(
            ["kubectl", *self._exec(f"psql -Xq -v ON_ERROR_STOP=1 -d {database}")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            held = Held(process)
            held.begin(_HOLD.format(table=table))
            yield held
        finally:
            process.kill()
            process.communicate()

    def kill(self) -> None:
        """End the pod at once, as a node that dies does."""
        kubectl("delete", "pod", "-n", self.namespace, "-l", "app=central-db", "--force", "--grace-period=0")

    def log(self) -> str:
        """What PostgreSQL has logged in the pod that is there."""
        words = ("deployment/central-db", "-c", "central-db", "--tail=2000")
        return kubectl("logs", "-n", self.namespace, *words, check=False).stdout

    def _exec(self, script: str) -> tuple[str, ...]:
        secret = cluster.got("secret", "central-db-password", "-n", self.namespace)
        password = base64.b64decode(secret["data"]["password"]).decode()
        where = ("exec", "-i", "-n", self.namespace, "deployment/central-db", "-c", "central-db", "--")
        settings = (f"PGPASSWORD={password}", "PGHOST=127.0.0.1", "PGUSER=postgres")
        return (*where, "env", *settings, "sh", "-euc", script)


@dataclass(frozen=True, slots=True)
class Held:
    """A session that holds a table."""

    process: subprocess.Popen[str]

    def begin(self, script: str) -> None:
        """Take the table."""
        assert self.process.stdin is not None
        self.process.stdin.write(script)
        self.process.stdin.flush()
        self._hear("held")

    def wait(self) -> None:
        """Until another session waits for the table."""
        self._hear("waited for")

    def _hear(self, word: str) -> None:
        assert self.process.stdout is not None
        while word not in (line := self.process.stdout.readline()):
            assert line, f"the session ended before it said {word!r}"


@dataclass(slots=True)
class Volume:
    """A volume of a chosen size on the node: a memory file system below a directory of it.

    A privileged pod mounts it, where the node and pods that come later see it.
    """

    namespace: str
    image: str
    megabytes: int
    name: str = field(default_factory=lambda: f"e2e-volume-{secrets.token_hex(3)}")

    @property
    def path(self) -> str:
        """The directory on the node."""
        return f"/var/tmp/{self.name}"

    def make(self) -> None:
        """Mount it, empty."""
        apply(self._pod())
        kubectl("wait", "--for=condition=Ready", f"pod/{self.name}", "-n", self.namespace, "--timeout=100s")
        options = f"size={self.megabytes}m,mode=0777"
        self._run(f"mkdir {self._seen}; mount -t tmpfs -o {options} tmpfs {self._seen}")

    def fill(self) -> None:
        """Take all the room that is left."""
        self._run(f"dd if=/dev/zero of={self._seen}/filling bs=64k || true")

    def enlarge(self, megabytes: int) -> None:
        """Give it more room, as an administrator enlarges a volume."""
        self._run(f"mount -o remount,size={megabytes}m {self._seen}")

    def remove(self) -> None:
        """Unmount it and remove what made it."""
        self._run(f"umount -l {self._seen}; rmdir {self._seen}")
        kubectl("delete", "pod", self.name, "-n", self.namespace, "--grace-period=0", "--force")

    @property
    def _seen(self) -> str:
        """The directory as the pod sees it."""
        return f"/node/{self.name}"

    def _run(self, script: str) -> None:
        kubectl("exec", "-n", self.namespace, self.name, "--", "sh", "-euc", script)

    def _pod(self) -> Json:
        mount = {"name": "node", "mountPath": "/node", "mountPropagation": "Bidirectional"}
        container: Json = {
            "name": "volume",
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["sleep", "3600"],
            "securityContext": {"privileged": True, "runAsUser": 0},
            "volumeMounts": [mount],
            "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}},
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "containers": [container],
                "volumes": [{"name": "node", "hostPath": {"path": "/var/tmp"}}],
                "terminationGracePeriodSeconds": 0,
            },
        }
