"""Remains of a killed runtime: its shims, and the containers that they hold."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROGRAMS: Final = ("dockerd", "containerd", "docker-", "runc")


def end_below(root: Path) -> bool:
    """Kill the shims of runtimes below this directory, found by their command lines; return True if there were any."""
    sought = str(root).encode()
    found = [pid for pid, command in _commands() if sought in command and _program(command).startswith(_PROGRAMS)]
    for pid in [*(child for shim in found for child in _children(shim)), *found]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


def _commands() -> Iterator[tuple[int, bytes]]:
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(place.name), (place / "cmdline").read_bytes()


def _program(command: bytes) -> str:
    return Path(command.partition(b"\0")[0].decode(errors="replace")).name


def _children(pid: int) -> list[int]:
    """Return a shim's children: the first processes of its containers, whose end is the end of all others in them."""
    with suppress(OSError):
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
