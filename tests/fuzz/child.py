"""Runs one parser or one attack in this process, whose memory is bounded.

`python -m tests.fuzz.child fuzz NAME SECONDS SEED` or `… attack NAME`; the last line of its
output is JSON: how many inputs were tried, or what was said, and the peak of memory.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
import time
from pathlib import Path
from random import Random

from tests.fuzz.attacks import ATTACKS
from tests.fuzz.parsers import PARSERS

MEMORY = 512 << 20
_WORDS = (b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x7f\xff\xff\xff", b"\n", b":", b"(")


def changed(sample: bytes, random: Random) -> bytes:
    """The sample with a few bytes replaced, cut, doubled, or filled with numbers that lie."""
    data = bytearray(sample)
    for _ in range(random.randint(1, 8)):
        place = random.randrange(len(data) + 1)
        match random.randrange(6):
            case 0:
                data[place : place + 1] = random.randbytes(1)
            case 1:
                word = random.choice(_WORDS)
                data[place : place + len(word)] = word
            case 2:
                data[place:place] = random.choice(_WORDS) * random.choice((1, 2, 1000))
            case 3:
                del data[place : place + random.choice((1, 4, 512))]
            case 4:
                end = min(len(data), place + random.choice((16, 512, 4096)))
                data[place:place] = data[place:end]
            case _:
                del data[place + random.randrange(len(data) + 1) :]
    return bytes(data)


def fuzz(name: str, seconds: float, seed: int) -> int:
    """How many inputs were read; the one that failed is printed."""
    parser, random = PARSERS[name], Random(f"{name} {seed}")
    for sample in parser.samples:
        parser.run(sample)
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = changed(random.choice(parser.samples), random)
        try:
            parser.run(data)
        except BaseException:
            sys.stderr.write(f"seed {seed}, input {count}: {base64.b64encode(data).decode()}\n")
            raise
        count += 1
    return count


def peak() -> int:
    """Bytes of memory that were resident at once; `ru_maxrss` would begin with the parent's."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def main(kind: str, name: str, *more: str) -> None:
    """Bound the memory and run."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    said: object = fuzz(name, float(more[0]), int(more[1])) if kind == "fuzz" else ATTACKS[name][0]()
    sys.stdout.write(json.dumps({"said": said, "peak": peak()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
