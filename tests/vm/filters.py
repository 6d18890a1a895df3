"""A step in a virtual machine: the kernel filters under mozu's own rules, at each of their levels."""

import ctypes
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.vm.service import CONFIGURATION, DROP_IN, Failed, alerts, run, until, watching

LEVELS: Final = ("low", "medium", "paranoid")
ALERT: Final = "Password database read by an unexpected program"
OPENS: Final = 1000
"""Number of opens of a file that no rule asks for."""
_CONFIGURATION: Final = """
http: {{listen: "127.0.0.1:18765"}}
start_deadline: 900
evaluators:
  - falco: {{rules: [/etc/mozu/rules.enabled, /etc/mozu/rules.d], level: {level}}}
"""
_PATIENT: Final = """
[Service]
TimeoutStartSec=900
"""
"""Drop-in with a longer timeout: a start with mozu's own rules takes minutes in an emulated machine."""
_NEXT_ID, _DESCRIPTOR, _INFO = 11, 13, 15
"""BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD."""
_LENGTH: Final = 232
"""Size of struct bpf_prog_info of Linux 6.1 in bytes."""
_NAME_AT, _VERIFIED_AT = 64, 216
"""Offsets in bpf_prog_info of `name`, a text of 16 bytes, and of `verified_insns`."""
_PREFIX: Final = "filter_"
_SYS_BPF: Final = 321
_libc = ctypes.CDLL(None, use_errno=True)


def filters() -> dict[str, Any]:
    """Check at each level that every filter loads, that a program that reads the password database raises its alert,
    and that opens of other files are discarded.
    """
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text(_PATIENT)
    found = {level: _at(level) for level in LEVELS}
    CONFIGURATION.unlink()
    _restart()
    return found


def _restart() -> None:
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "mozu.service")
    watching()


def _at(level: str) -> dict[str, Any]:
    CONFIGURATION.write_text(_CONFIGURATION.format(level=level))
    _restart()
    invocation = run("systemctl", "show", "--property=InvocationID", "--value", "mozu.service").strip()
    log = run("journalctl", f"_SYSTEMD_INVOCATION_ID={invocation}", "-o", "cat").splitlines()
    if refused := [line for line in log if "no kernel filter" in line]:
        raise Failed(f"{level}: the kernel refuses a filter: {refused}")
    before = len(alerts(ALERT))

    def raised() -> bool:
        run("cat", "/etc/shadow")  # each time: after a start an emulated machine is so busy that opens are lost
        return len(alerts(ALERT)) > before

    until("an alert in the journal", raised)
    verified = _verified()
    return {"filters": len(verified), "most instructions verified": max(verified.values()), **_discarded(level)}


def _discarded(level: str) -> dict[str, Any]:
    """Return the counts of opens of a file that no rule asks for. Raises Failed if too few were discarded."""
    before = _counts()
    for _ in range(OPENS):
        Path("/etc/debian_version").read_text()
    after = _counts()
    found = {name: after[name] - before[name] for name in ("seen", "filtered", "received", "lost")}
    if found["filtered"] < OPENS or found["received"] >= OPENS:
        raise Failed(f"{level}: {OPENS} opens that no rule asks for, of all opens meanwhile {found}")
    return {"opens": found}


def _counts() -> dict[str, int]:
    said = json.loads(run("/usr/bin/mozu", "status", "--json", check=False))
    counts: dict[str, int] = said["statistics"]["sources"]["syscalls"]["types"]["openat"]
    return counts


def _verified() -> dict[str, int]:
    """Return name of a filter, at most 15 bytes → instructions that the verifier processed; its limit is a million."""
    found: dict[str, int] = {}
    for descriptor in _programs():
        info = ctypes.create_string_buffer(_LENGTH)
        _bpf(_INFO, struct.pack("<IIQ", descriptor, _LENGTH, ctypes.addressof(info)))
        os.close(descriptor)
        name = info.raw[_NAME_AT : _NAME_AT + 16].rstrip(b"\0").decode()
        if name.startswith(_PREFIX):
            (count,) = struct.unpack_from("<I", info, _VERIFIED_AT)
            found[name] = max(found.get(name, 0), count)
    return found


def _programs() -> Iterator[int]:
    """Yield descriptors of all programs of the machine; the caller closes them."""
    number = 0
    while True:
        try:
            _, attributes = _bpf(_NEXT_ID, struct.pack("<III", number, 0, 0))
        except FileNotFoundError:
            return
        (number,) = struct.unpack_from("<I", attributes, 4)
        yield _bpf(_DESCRIPTOR, struct.pack("<III", number, 0, 0))[0]


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    """Return the result, and the attributes as the kernel leaves them. Raises OSError."""
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    if (result := _libc.syscall(_SYS_BPF, command, buffer, len(attributes))) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result, buffer.raw
