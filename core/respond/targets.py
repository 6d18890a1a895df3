"""The processes of an act: found, held by pidfd, and confirmed as the intended ones.

The pidfd is opened first, and the process checked then: afterwards its pid may be reused, but a signal through the
pidfd reaches the original process or none. The process of the alert must have the start time that it had at the event,
by the clock since boot, which setting the wall clock does not change. /proc counts starts in hundredths of a second, so
a process that had started in that of the event could have ended, and another have its pid and start: `is_young` detects
this, and confirmation.py resolves it.

Processes that share its table of descriptors are searched for afterwards (sharers.py), and added.
"""

import os
import signal
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Final

from mozu.core.api.responders import AlertProcess, Scope
from mozu.core.common.boot_clock import TICK, same_start
from mozu.core.common.cgroup_control import cgroups_of, controlled_cgroup
from mozu.core.common.pid_namespace import sees_all_processes
from mozu.core.respond.process_facts import PROC, ProcessFacts, process_facts
from mozu.core.respond.sharers import all_pids, share_files

_MOST_TARGETS: Final = 4096


class NotTheSame(Exception):
    """The process of the alert has ended, its pid was reused, or that is unknown."""


class HeldProcess:
    """A process and its pidfd, to be closed."""

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        """Open the pidfd and read the facts. Raises OSError, among them ProcessLookupError if the process has ended."""
        self._pid = pid
        self._fd = os.pidfd_open(pid)
        found = process_facts(pid, proc)
        if found is None:
            self.close()
            raise ProcessLookupError(f"process {pid} has ended")
        self.facts: ProcessFacts = found

    @property
    def pid(self) -> int:
        """Process id."""
        return self._pid

    @property
    def name(self) -> str:
        """The kernel's comm."""
        return self.facts.name

    def signal(self, number: int) -> bool:
        """Send a signal; return False if the process has ended. Raises OSError."""
        try:
            signal.pidfd_send_signal(self._fd, number)
        except ProcessLookupError:
            return False
        return True

    def is_alive(self) -> bool:
        """Return True if the process has not been reaped: its pid is not reused."""
        return self.signal(0)

    def close(self) -> None:
        """Close the pidfd. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class HeldProcesses:
    """Processes of one act; a context manager that closes them."""

    def __init__(self) -> None:
        self.held: list[HeldProcess] = []

    def __enter__(self) -> "HeldProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.held:
            one.close()
        self.held.clear()

    def find(self, scope: Scope, subject: AlertProcess | None, proc: Path = PROC) -> None:
        """Hold the processes of a scope; for SHARERS the process itself, until `add_sharers`. Raises NotTheSame."""
        if scope is Scope.NONE:
            return
        if subject is None:
            raise NotTheSame("the alert is about no process")
        if scope is Scope.CONTAINER:
            self._container(subject, proc)
            return
        main = self._main(subject, proc)
        if scope is Scope.GROUP:
            self._hold(all_pids(proc), partial(_is_of_group, main.facts.group, subject.uid), proc)
        elif scope is Scope.CGROUP:
            self._cgroup(controlled_pids(cgroups_of(main.pid, proc)), proc)

    def add_sharers(self, pids: Iterable[int], proc: Path = PROC) -> None:
        """Hold those of `pids` that share the process's table of descriptors. Raises NotTheSame."""
        main = self.held[0].facts.thread
        self._hold(pids, lambda facts: share_files(main, facts.thread), proc)

    def again(self, pids: Iterable[int], starts: Iterable[int], proc: Path = PROC) -> None:
        """Hold the processes of an earlier act that still exist."""
        for pid, start in zip(pids, starts, strict=False):
            self._hold((pid,), partial(_began_at, start), proc)

    def _main(self, subject: AlertProcess, proc: Path) -> HeldProcess:
        try:
            held = HeldProcess(subject.pid, proc)
        except ProcessLookupError:
            raise NotTheSame(f"process {subject.pid} ({subject.name}) has ended{_elsewhere()}") from None
        except OSError as error:
            raise _cannot_hold(subject.pid, error) from error
        self.held.append(held)
        check_identity(held.facts, subject)
        if not held.is_alive():
            raise NotTheSame(f"process {subject.pid} ({subject.name}) has ended")
        return held

    def _container(self, subject: AlertProcess, proc: Path) -> None:
        if subject.container is None:
            raise NotTheSame(f"process {subject.pid} ({subject.name}) is in no container")
        container = subject.container.full_id
        found = controlled_pids(subject.cgroups, container) or controlled_pids(cgroups_of(subject.pid, proc), container)
        self._cgroup(found, proc)
        if not self.held:
            raise NotTheSame(f"container {subject.container.id} has ended")

    def _cgroup(self, pids: Iterable[int], proc: Path) -> None:
        self._hold(pids, lambda facts: True, proc)

    def _hold(self, pids: Iterable[int], belongs: Callable[[ProcessFacts], bool], proc: Path) -> None:
        known = {one.pid for one in self.held}
        for pid in pids:
            if pid in known:
                continue
            if len(self.held) >= _MOST_TARGETS:
                raise NotTheSame(f"there are more than {_MOST_TARGETS} processes")
            try:
                held = HeldProcess(pid, proc)
            except ProcessLookupError:
                continue
            except OSError as error:  # one that is left out could be one that is protected
                raise _cannot_hold(pid, error) from error
            if belongs(held.facts):
                self.held.append(held)
            else:
                held.close()


def _elsewhere() -> str:
    """Return another possible cause for a missing process, if mozu is in a pid namespace of its own; else an empty
    text."""
    if sees_all_processes():
        return ""
    return ", or mozu cannot see it: it runs in a pid namespace of its own, and needs that of the host (`--pid=host`)"


def _cannot_hold(pid: int, error: OSError) -> NotTheSame:
    """Return the error for a process that cannot be held, for example because no descriptor is free."""
    return NotTheSame(f"process {pid} cannot be held: {error.strerror}")


def controlled_pids(cgroups: Iterable[tuple[str, str]], container: str = "") -> list[int]:
    """Return the processes of the cgroup, or of the container's cgroup."""
    found = controlled_cgroup(cgroups, container)
    return [] if found is None else list(found.pids())


def check_identity(facts: ProcessFacts, subject: AlertProcess) -> None:
    """Raise NotTheSame if this is not the process of the alert."""
    text = f"process {subject.pid} is not the one that the alert is about"
    if not subject.boot_start:
        raise NotTheSame(f"when process {subject.pid} ({subject.name}) began is not known")
    if not same_start(facts.start, subject.boot_start):
        raise NotTheSame(f"{text}: its number was used again")


def is_young(subject: AlertProcess) -> bool:
    """Return True if the process was so young that a successor could have the same start time in /proc."""
    return subject.age <= TICK


def _is_of_group(group: int, uid: int, facts: ProcessFacts) -> bool:
    """Return True if the process is in the group and may be acted on. Any process may enter a group of its session, of
    whichever user (setpgid(2)): only those of the user of the alert's process count, unless that is root."""
    return facts.group == group and (uid <= 0 or facts.uid == uid)


def _began_at(start: int, facts: ProcessFacts) -> bool:
    return facts.start == start


@cache
def boot_identity() -> str:
    """Return the id of this boot of the kernel; start times of another boot are meaningless. Empty if unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
