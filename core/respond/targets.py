"""The processes of an act: found, held by pidfd, and known to be the ones that are meant.

A pidfd is opened first and the process looked at then: once it is open its number may come to mean another process,
but a signal through the pidfd reaches the first one or none. The process of the alert must have the start that it had
at the event, by the clock since the boot, which no setting of the wall clock moves. /proc counts starts in hundredths
of a second, so one that had begun in that of the event could have ended, and another have its number and its start:
`is_young` says so, and confirmation.py what is asked then.
Those that share its table of descriptors are looked for afterwards (sharers.py), and added.
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
    """The process that the alert is about has ended, its number is another's, or that is not known."""


class HeldProcess:
    """A process and its pidfd; close it."""

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        """Raises ProcessLookupError."""
        self._pid = pid
        self._fd = os.pidfd_open(pid)
        found = process_facts(pid, proc)
        if found is None:
            self.close()
            raise ProcessLookupError(f"process {pid} has ended")
        self.facts: ProcessFacts = found

    @property
    def pid(self) -> int:
        """Its number."""
        return self._pid

    @property
    def name(self) -> str:
        """The kernel's comm."""
        return self.facts.name

    def signal(self, number: int) -> bool:
        """Send a signal; False if it has ended. Raises OSError."""
        try:
            signal.pidfd_send_signal(self._fd, number)
        except ProcessLookupError:
            return False
        return True

    def is_alive(self) -> bool:
        """It has not been waited for: its number is still its own."""
        return self.signal(0)

    def close(self) -> None:
        """Let it go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class HeldProcesses:
    """Of one act; a context that closes them."""

    def __init__(self) -> None:
        self.held: list[HeldProcess] = []

    def __enter__(self) -> "HeldProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.held:
            one.close()
        self.held.clear()

    def find(self, scope: Scope, subject: AlertProcess | None, proc: Path = PROC) -> None:
        """Hold the processes of a scope; of SHARERS the process itself, until `add_sharers`. Raises NotTheSame."""
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
        """Hold those of `pids` that share the table of the process. Raises NotTheSame."""
        main = self.held[0].facts.thread
        self._hold(pids, lambda facts: share_files(main, facts.thread), proc)

    def again(self, pids: Iterable[int], starts: Iterable[int], proc: Path = PROC) -> None:
        """Hold those of an earlier act that are still there."""
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
    """Return what else it may be where numbers of processes are not those of the kernel."""
    if sees_all_processes():
        return ""
    return ", or mozu cannot see it: it runs in a pid namespace of its own, and needs that of the host (`--pid=host`)"


def _cannot_hold(pid: int, error: OSError) -> NotTheSame:
    """No descriptor is free, for example."""
    return NotTheSame(f"process {pid} cannot be held: {error.strerror}")


def controlled_pids(cgroups: Iterable[tuple[str, str]], container: str = "") -> list[int]:
    """Of the cgroup, or of the one of the container."""
    found = controlled_cgroup(cgroups, container)
    return [] if found is None else list(found.pids())


def check_identity(facts: ProcessFacts, subject: AlertProcess) -> None:
    """Raises NotTheSame where this is not the process that the alert is about."""
    text = f"process {subject.pid} is not the one that the alert is about"
    if not subject.boot_start:
        raise NotTheSame(f"when process {subject.pid} ({subject.name}) began is not known")
    if not same_start(facts.start, subject.boot_start):
        raise NotTheSame(f"{text}: its number was used again")


def is_young(subject: AlertProcess) -> bool:
    """Return whether it had run so shortly that one that followed it could have its start, as /proc counts."""
    return subject.age <= TICK


def _is_of_group(group: int, uid: int, facts: ProcessFacts) -> bool:
    """Any process may enter a group of its session, of whichever user (setpgid(2)): of a group those of the user of the
    alert's process are meant, where that is not root."""
    return facts.group == group and (uid <= 0 or facts.uid == uid)


def _began_at(start: int, facts: ProcessFacts) -> bool:
    return facts.start == start


@cache
def boot_identity() -> str:
    """Of this boot of the kernel: starts of another one mean nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
