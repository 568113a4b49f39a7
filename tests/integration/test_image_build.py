"""Images that `tools.images` builds without a container engine, over a root of a few programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tools.images import engines
from tools.images.builder import Builder, Image
from tools.images.containerfile import Unreadable
from tools.images.contents import read
from tools.images.context import Context
from tools.images.layers import Cache

pytestmark = pytest.mark.needs("root")
EPOCH = 1767225600
FILE = """\
ARG BASE=none
FROM ${BASE} AS made
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,source=script.sh,target=/tmp/script.sh /bin/sh /tmp/script.sh
FROM ${BASE}
RUN echo old > /gone && echo $VERSION:$GREETING > /empty
COPY --from=made /out/ /
COPY app/ /app/
COPY script.sh /scripts/
ARG VERSION
ENV GREETING=hello PATH=/app:/bin
RUN rm /gone && echo $VERSION:$GREETING > /said && exec /bin/cat /proc/sys/kernel/random/uuid > /random
LABEL version=${VERSION}
EXPOSE 8443
WORKDIR /app
USER 4000:4000
STOPSIGNAL SIGINT
ENTRYPOINT ["tool"]
CMD ["--help"]
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a shell, cat, mkdir and rm, and the directories that a base has."""
    made = tmp_path_factory.mktemp("base")
    for name in ("bin", "dev", "etc", "proc", "tmp", "usr/share/doc", "var/lib/dpkg", "var/log"):
        (made / name).mkdir(parents=True)
    for name in ("sh", "cat", "mkdir", "rm"):
        program = shutil.which(name)
        assert program is not None
        shutil.copy(program, made / "bin" / name)
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+\.so\S*)", told):
            target = made / library.strip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
    return made


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    made = tmp_path / "checkout"
    (made / "app/__pycache__").mkdir(parents=True)
    (made / "app/tool").write_text("#!/bin/sh\n")
    (made / "app/tool").chmod(0o755)
    (made / "app/__pycache__/x.pyc").write_text("x")
    (made / "script.sh").write_text("mkdir /out\necho $SOURCE_DATE_EPOCH > /out/epoch\n")
    (made / ".dockerignore").write_text("**/__pycache__\n")
    return made


def builder(checkout: Path, root: Path, cache: Path, version: str = "1.2") -> Builder:
    return Builder(
        context=Context(root=checkout),
        cache=Cache(root=cache, epoch=EPOCH),
        base=str(root),
        epoch=EPOCH,
        version=version,
    )


def contents(image: Image) -> dict[str, str]:
    """Every plain file above the base by its path, with its text."""
    found: dict[str, str] = {}
    for layer in image.layers[1:]:
        with tarfile.open(layer.tar) as tar:
            for entry in tar:
                if entry.isreg():
                    data = tar.extractfile(entry)
                    assert data is not None
                    found[entry.name] = data.read().decode()
    return found


def test_image_holds_what_its_containerfile_says(checkout: Path, root: Path, tmp_path: Path) -> None:
    found = contents(builder(checkout, root, tmp_path / "cache").build(FILE))
    assert found.pop("random") != ""
    assert found == {
        "gone": "old\n",
        ".wh.gone": "",
        "empty": ":\n",
        "epoch": f"{EPOCH}\n",
        "app/tool": "#!/bin/sh\n",
        "scripts/script.sh": (checkout / "script.sh").read_text(),
        "said": "1.2:hello\n",
    }


def test_configuration_is_what_its_containerfile_says(checkout: Path, root: Path, tmp_path: Path) -> None:
    made = builder(checkout, root, tmp_path / "cache")
    made.save(made.build(FILE), tmp_path / "image.tar", ["localhost/x:1"])
    with tarfile.open(tmp_path / "image.tar") as tar:
        manifest = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))[0]
        config = json.load(tar.extractfile(manifest["Config"]) or pytest.fail("no configuration"))
    assert config["config"] == {
        "Env": ["PATH=/app:/bin", "GREETING=hello"],
        "Labels": {"version": "1.2"},
        "ExposedPorts": {"8443/tcp": {}},
        "WorkingDir": "/app",
        "User": "4000:4000",
        "StopSignal": "SIGINT",
        "Entrypoint": ["tool"],
        "Cmd": ["--help"],
    }
    assert [f"{digest.removeprefix('sha256:')}.tar" for digest in config["rootfs"]["diff_ids"]] == manifest[
        "Layers"
    ]
    assert config["created"] == "2026-01-01T00:00:00Z"


def test_two_builds_of_the_same_checkout_give_the_same_layers(
    checkout: Path, root: Path, tmp_path: Path
) -> None:
    steady = FILE.replace("/bin/cat /proc/sys/kernel/random/uuid", "/bin/cat /epoch")
    images = []
    for name in ("1", "2"):
        made = builder(checkout, root, tmp_path / name)
        images.append(made.save(made.build(steady), tmp_path / f"{name}.tar", ["localhost/x:1"]))
    assert images[0] == images[1]
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_step_runs_again_only_when_what_it_reads_changed(checkout: Path, root: Path, tmp_path: Path) -> None:
    def layers(version: str = "1.2") -> list[str]:
        image = builder(checkout, root, tmp_path / "cache", version).build(FILE)
        return [layer.digest for layer in image.layers]

    first = layers()
    assert layers() == first
    (checkout / "app/__pycache__/x.pyc").write_text("y")
    assert layers() == first
    # The last step writes something random, so it shows that it ran again.
    (checkout / "app/tool").write_text("#!/bin/sh\n# changed\n")
    changed = layers()
    assert changed[:3] == first[:3]
    assert set(changed[3:]).isdisjoint({first[3], first[-1]})
    assert layers("1.3")[-1] != changed[-1]


def test_copy_of_the_checkout_elsewhere_finds_the_same_layers(
    checkout: Path, root: Path, tmp_path: Path
) -> None:
    first = builder(checkout, root, tmp_path / "cache").build(FILE)
    shutil.copytree(checkout, tmp_path / "clone")
    # The last step writes something random, so it shows that it did not run again.
    again = builder(tmp_path / "clone", root, tmp_path / "cache").build(FILE)
    assert again.layers == first.layers


def test_other_stage_with_the_same_outcome_keeps_the_layers_above(
    checkout: Path, root: Path, tmp_path: Path
) -> None:
    first = builder(checkout, root, tmp_path / "cache").build(FILE)
    script = checkout / "script.sh"
    other = FILE.replace("COPY script.sh /scripts/\n", "")
    before = builder(checkout, root, tmp_path / "cache").build(other)
    script.write_text(script.read_text() + "# no difference\n")
    after = builder(checkout, root, tmp_path / "cache").build(other)
    assert [layer.digest for layer in after.layers] == [layer.digest for layer in before.layers]
    assert len(first.layers) == len(before.layers) + 1


def test_step_that_fails_is_named_with_what_it_said_and_leaves_no_mount(
    checkout: Path, root: Path, tmp_path: Path
) -> None:
    text = "FROM ${BASE}\nRUN echo reason >&2; cat /nothing\n"
    with pytest.raises(SystemExit, match=r"(?s)line 2: RUN echo reason.*reason"):
        builder(checkout, root, tmp_path / "cache").build(text)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def test_build_after_an_interrupted_one_starts_the_step_anew(
    checkout: Path, root: Path, tmp_path: Path
) -> None:
    text = "FROM ${BASE}\nRUN echo done > /done\n"
    whole = builder(checkout, root, tmp_path / "cache").build(text)
    folder = whole.layers[-1].directory.parent
    (folder / "layer.json").unlink()
    (folder / "diff/half").write_text("left")
    again = builder(checkout, root, tmp_path / "cache").build(text)
    assert contents(again) == {"done": "done\n"}


def test_image_that_starts_from_a_registry_needs_an_engine(
    checkout: Path, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(Unreadable, match="FROM debian"):
        builder(checkout, root, tmp_path / "cache").build("FROM debian\n")


@pytest.mark.needs("buildah")
def test_buildah_makes_the_same_files_of_the_same_containerfile(
    checkout: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady = FILE.replace("/bin/cat /proc/sys/kernel/random/uuid", "/bin/cat /epoch")
    ours = builder(checkout, root, tmp_path / "cache")
    ours.save(ours.build(steady), tmp_path / "ours.tar", ["localhost/x:1"])
    store = f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/store"\nrunroot = "{tmp_path}/run"\n'
    (tmp_path / "storage.conf").write_text(store)
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
    (checkout / "Containerfile").write_text(steady)
    order = engines.Order(
        containerfile=checkout / "Containerfile",
        reference="localhost/x:1",
        archive=tmp_path / "theirs.tar",
        base="localhost/base:1",
        version="1.2",
        epoch=EPOCH,
    )
    commands = engines.import_base("buildah", ours.root().tar, order.base)
    for command in [*commands, *engines.build("buildah", order, checkout)]:
        subprocess.run(command, check=True, capture_output=True, timeout=100)
    mine, theirs = (read(tmp_path / f"{name}.tar") for name in ("ours", "theirs"))
    # What buildah mounts while a step runs, it leaves behind as empty files.
    mounted = {"etc/hostname", "etc/hosts", "etc/resolv.conf", "run/.containerenv"}
    assert {name: digest for name, digest in theirs.sha1.items() if name not in mounted} == {
        name: digest for name, digest in mine.sha1.items() if name not in mounted
    }
    assert theirs.reference == mine.reference == "localhost/x:1"


@pytest.mark.parametrize("kind", ["directory", "archive"])
def test_base_is_taken_from_either_form(root: Path, tmp_path: Path, kind: str) -> None:
    base = root
    if kind == "archive":
        base = tmp_path / "root.tar"
        with tarfile.open(base, "w") as tar:
            tar.add(root, arcname=".")
    (tmp_path / "empty").mkdir()
    image = builder(tmp_path / "empty", base, tmp_path / "cache").build("FROM ${BASE}\nRUN echo a > /a\n")
    assert (image.layers[0].directory / "bin/sh").exists()
    assert contents(image) == {"a": "a\n"}
