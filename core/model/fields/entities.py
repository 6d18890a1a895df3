"""Identities of processes that are valid beyond a run of mozu and beyond a machine: the keys by which SIEMs join
alerts.

An identity is made of the host's id, the boot, the process id and the start in hundredths of a second since the boot,
as /proc/PID/stat counts it. Each of these is the same in each run of mozu, whatever the wall clock was set to between
them, and together they are unique.
"""

from hashlib import blake2b
from typing import Final

from mozu.core.model.event import Process

_TICK: Final = 10_000_000
"""Nanoseconds per unit of the start in /proc/PID/stat: USER_HZ is 100 on every machine of mozu's."""
_MOST: Final = 1 << 14


class ProcessEntities:
    """The identities of the processes of one machine, or of one recording."""

    def __init__(self, host_id: str = "", boot_id: str = "", *, boot_offset: int = 0, live: bool = True) -> None:
        """Set up identities. `boot_offset`: ns by which mozu's time namespace is ahead of the kernel's count. `live`
        False: a recording of another program, which has starts by the wall clock only."""
        self.host_id, self.boot_id, self.boot_offset = host_id, boot_id, boot_offset
        """The id of the machine, that of its boot, and the offset; without a machine's id no process has an
        identity."""
        self._live = live
        self._known: dict[tuple[int, int], str] = {}

    def of(self, process: Process) -> str | None:
        """Return the identity, 32 hexadecimal digits; None if the start of the process or the machine's id is not
        known."""
        start = process.boot_start
        if not start:
            start = 0 if self._live else process.start
        found = self._known.get((process.pid, start))
        return found or (self._made(process.pid, start) if start and self.host_id else None)

    def _made(self, pid: int, start: int) -> str:
        count = (start + self.boot_offset) // _TICK if self._live else start
        text = f"{self.host_id}\0{self.boot_id}\0{pid}\0{count}"
        if len(self._known) >= _MOST:
            self._known.clear()
        found = self._known[pid, start] = blake2b(text.encode(), digest_size=16).hexdigest()
        return found
