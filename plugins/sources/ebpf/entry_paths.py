"""Entry paths into the kernel besides the native call (32-bit ABI, io_uring), and the event types of each.

The programs of an entry path find the native call that a 32-bit call or a request corresponds to, and tail-call the
program of that call: every watched event type is watched on these paths too, by the same code.
"""

from typing import Final, Literal, NamedTuple

from mozu.plugins.sources.ebpf import btf, compat, compat_probe, uring
from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.tracepoints import Program

COMPAT: Final = "compat32"
IO_URING: Final = "io_uring"
"""Values of `SyscallEvent.entry_path`."""
ALL_CALLS: Final = "sys_exit"
"""Name under which the program of native and 32-bit calls is counted."""
Switch = Literal["auto", "on", "off"]
"""Setting of an entry path; `auto`: used if this machine's kernel accepts such calls."""


class EntryPath(NamedTuple):
    """An entry path."""

    name: str
    programs: tuple[Program, ...]
    types: frozenset[str]
    """Event types whose calls can use it."""
    array: str = "RAW_TP_PROGS"
    """Program array by which its programs, at raw tracepoints, tail-call."""


def usable_entry_paths(compat32: Switch, types: btf.Btf | None = None) -> list[EntryPath]:
    """Return the entry paths that this machine's kernel has. `types`: its BTF, if it has been read."""
    found: list[EntryPath] = []
    if compat32 == "on" or (compat32 == "auto" and compat_probe.accepted()):
        found.append(EntryPath(COMPAT, (compat.PROGRAM,), compat.types()))
    known = types or codegen.read_types()
    if not uring.why_not(known):
        found.append(EntryPath(IO_URING, uring.programs(known), uring.types()))
    return found
