"""The sentence of a process violation, from the processes it holds.

Upstream's words (`violationmessages/printer/process.go`), made anew at every merge.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator

# From here on binaries are counted instead of named.
_NAMED_MAX = 9


def process_message(processes: Sequence[ProcessIndicator]) -> str:
    """Which binaries ran, with which arguments, under which user ids."""
    paths = list(dict.fromkeys(process.signal.exec_file_path for process in processes))
    arguments = list(dict.fromkeys(process.signal.args for process in processes))
    users = list(dict.fromkeys(process.signal.uid for process in processes))
    return _binaries(paths) + " executed" + _arguments(arguments) + _users(users)


def _binaries(paths: Sequence[str]) -> str:
    quoted = [f"'{path}'" for path in paths]
    if len(quoted) == 1:
        return f"Binary {quoted[0]}"
    if len(quoted) == 2:
        return f"Binaries {quoted[0]} and {quoted[1]}"
    if len(quoted) <= _NAMED_MAX:
        return f"Binaries {', '.join(quoted[:-1])}, and {quoted[-1]}"
    return f"{len(quoted)} binaries"


def _arguments(arguments: Sequence[str]) -> str:
    if len(arguments) > 1:
        return f" with {len(arguments)} different arguments"
    return f" with arguments '{arguments[0]}'" if arguments and arguments[0] else " without arguments"


def _users(users: Sequence[int]) -> str:
    return f" under user ID {users[0]}" if len(users) == 1 else f" under {len(users)} different user IDs"
