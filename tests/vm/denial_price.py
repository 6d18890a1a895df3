"""The price of calls with and without the programs of denials at their hooks, in turns; the machine is emulated. The
programs are those of a mozu that was killed and whose denials go on: nothing else of mozu runs. They are taken from
their hooks and put there again before each measurement (benchmarks/workloads/one_call.c).
"""

import ctypes
import os
import socket
import statistics
import struct
import subprocess
from pathlib import Path
from typing import Final

from mozu.core.model.syscalls import machine_number
from mozu.plugins.sources.ebpf import bpf_syscall
from tests.vm.service import HERE, until

ONE_CALL: Final = HERE / "programs/one_call"
ROUNDS: Final = 31
_PINS: Final = Path("/sys/fs/bpf/mozu")
_GET_PROGRAM, _INFO = 13, 15
"""BPF_PROG_GET_FD_BY_ID and BPF_OBJ_GET_INFO_BY_FD of linux/bpf.h."""
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Case:
    """Pair of calls: one that no rule matches and one that is denied."""

    def __init__(self, verb: str, times: int, other: str, denied: str) -> None:
        self.verb = verb
        self._times, self._other, self._denied = str(times), other, denied
        self.found: dict[str, list[int]] = {"without": [], "other": [], "denied": []}

    def take(self, state: str) -> None:
        """Take one measurement, in ns for each call."""
        argument = self._denied if state == "denied" else self._other
        command = [str(ONE_CALL), self._times, self.verb, argument]
        self.found[state].append(int(subprocess.run(command, capture_output=True, check=True).stdout))

    def row(self) -> dict[str, float]:
        """Return the least ns of each state, since other load only adds; and the median ratios to the same call without
        programs, of the same round.
        """
        row: dict[str, float] = {f"{name} ns": min(ns) for name, ns in self.found.items()}
        for name in ("other", "denied"):
            turns = zip(self.found[name], self.found["without"], strict=True)
            row[f"{name} ratio"] = round(statistics.median(one / base for one, base in turns), 2)
        return row


def measured(folder: Path, port: int, other_port: int) -> dict[str, dict[str, float]]:
    """Return verb → its row. `folder` has the marked files of denials.py; `port` is the one that is denied."""
    cases = [
        Case("open", 2000, str(folder / "other"), str(folder / "marked")),
        Case("exec", 20, str(ONE_CALL), str(folder / "dropped")),
        Case("connect", 1000, str(other_port), str(port)),
        Case("send", 2000, str(other_port), str(port)),
    ]
    hooks = [_Hook(place) for place in sorted(_PINS.glob("*/*/deny_*"))]
    for _ in range(ROUNDS):
        for hook in hooks:
            hook.leave()
        until("nothing is denied", lambda: _is_done(folder / "marked", port))  # the kernel detaches in its own time
        for case in cases:
            case.take("without")
        for hook in hooks:
            hook.enter()
        for case in cases:
            case.take("other")
            case.take("denied")
    return {case.verb: case.row() for case in cases}


def _is_done(marked: Path, port: int) -> bool:
    """Return True if an open and a datagram that were denied are allowed."""
    try:
        os.close(os.open(marked, os.O_RDONLY))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.sendto(b"x", ("127.0.0.1", port))
    except PermissionError:
        return False
    return True


class _Hook:
    """Program at a hook of the security modules, and its pin."""

    def __init__(self, place: Path) -> None:
        self._place = place
        link = bpf_syscall.get_pinned(place)
        self._program = _program_of(link)
        os.close(link)

    def leave(self) -> None:
        self._place.unlink()

    def enter(self) -> None:
        link = bpf_syscall.attach_hook(self._program)
        bpf_syscall.pin(link, self._place)
        os.close(link)


def _program_of(link: int) -> int:
    """Return a descriptor of the program that is attached: struct bpf_link_info has type, id and prog_id."""
    info = ctypes.create_string_buffer(64)
    _bpf(_INFO, struct.pack("<IIQ", link, len(info), ctypes.addressof(info)))
    return _bpf(_GET_PROGRAM, struct.pack("<III", struct.unpack_from("<III", info)[2], 0, 0))


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    found: int = _LIBC.syscall(machine_number("bpf"), command, buffer, len(attributes))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found
