"""The ways into the kernel beside the native call, and which calls can be made by each.

The programs of a way find a call out, whoever makes it, and hand it to the program of the native call that it stands
for. So every event type that is watched is watched by these ways too, with the same code.
"""

from typing import Final, Literal, NamedTuple

from mozu.plugins.sources.ebpf import checks, compat, programs, uring
from mozu.plugins.sources.ebpf.tracepoints import Program

COMPAT: Final = "compat32"
IO_URING: Final = "io_uring"
"""As `SyscallEvent.way` calls them."""
Switch = Literal["auto", "on", "off"]
"""`auto`: where this machine's kernel lets anybody in by it."""


class Way(NamedTuple):
    """One way in."""

    name: str
    programs: tuple[Program, ...]
    types: frozenset[str]
    """Event types whose calls can be made by it."""


def watched_ways(compat32: Switch) -> list[Way]:
    """Those to watch on this machine."""
    found: list[Way] = []
    if compat32 == "on" or (compat32 == "auto" and compat.accepted()):
        found.append(Way(COMPAT, (compat.PROGRAM,), compat.types()))
    if not uring.why_not(programs.read_types(), checks.tracefs()):
        found.append(Way(IO_URING, uring.PROGRAMS, uring.types()))
    return found
