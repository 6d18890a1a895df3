"""The thread that traces: every ptrace call and every wait is made here, as the kernel demands.

A program that was started here carries a filter and runs at native speed between the calls that somebody wants to see.
One that was attached to has none, and stops at each of its calls.
"""

import contextlib
import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from mozu.core.abi.signals import signal_sender
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import call_name
from mozu.plugins.sources.ptrace import native
from mozu.plugins.sources.ptrace.family import Family
from mozu.plugins.sources.ptrace.native import Gone
from mozu.plugins.sources.ptrace.outbox import Outbox
from mozu.plugins.sources.ptrace.reading import (
    BORN,
    ENDED,
    SIGNALLED,
    STARTED,
    THREAD_ENDED,
    ReaderContext,
    readers,
)
from mozu.plugins.sources.ptrace.reading.processes import (
    Clones,
    Execs,
    birth,
    delivered,
    end,
    flags_of,
    namespace,
    thread_end,
)
from mozu.plugins.sources.ptrace.reading.reader import TracedTask
from mozu.plugins.sources.ptrace.seccomp import FOREIGN
from mozu.plugins.sources.ptrace.warnings import Warnings

_BIRTHS: Final = frozenset({native.EVENT_FORK, native.EVENT_VFORK, native.EVENT_CLONE})
_STOPS: Final = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_KILLS: Final = frozenset({"kill", "tkill", "tgkill"})
_CLONE_FILES, _CLONE_PARENT, _CLONE_THREAD = 0x400, 0x8000, 0x10000


class Wanted:
    """What is told. Replaced as a whole when demand changes."""

    def __init__(self, types: Iterable[str], *, threads: bool, environment: bool) -> None:
        self.types = frozenset(types)
        self.threads, self.environment = threads, environment


class Tracer:
    """Follows programs and writes events into the outbox, until all of them have ended or are let go."""

    def __init__(self, outbox: Outbox, wanted: Wanted, log: logging.Logger, *, filtered: bool) -> None:
        self.wanted = wanted
        self.received: Counter[str] = Counter()
        self.warnings = Warnings(log)
        self.root = 0
        self.root_status: int | None = None
        """As wait gives it, once the command has ended."""
        self.armed = not filtered
        """Whether the command itself runs: what the launcher does before is no event."""
        self.on_terminal_stop: Callable[[], None] | None = None
        """The command was stopped from its terminal."""
        self.errand: Callable[[], None] | None = None
        """Something to do on this thread; whoever sets it calls `native.wake` until it is None again."""
        self._outbox, self._filtered = outbox, filtered
        self._on = native.CONT if filtered else native.SYSCALL
        """How a task goes on that is in no call of interest."""
        self.around = ReaderContext()
        self._readers = readers(self.around)
        self.tasks: dict[int, TracedTask] = {}
        self.family = Family()
        self._namespace = namespace(os.getpid())
        self._exec = next(reader for reader in self._readers.values() if reader.name == STARTED)
        self._handlers: dict[int, Callable[[TracedTask], None]] = {
            native.EVENT_EXEC: self._executed,
            native.EVENT_SECCOMP: self._begins,
            **dict.fromkeys(_BIRTHS, self._bore),
        }

    # --- the loop

    def adopt(self, tid: int, pid: int) -> None:
        """A task that this thread has just become the tracer of."""
        self.tasks[tid] = TracedTask(tid, pid)
        self.family.add(pid, 0)

    def run(self) -> None:
        """Until no task is left."""
        while True:
            tid, status = native.wait(block=True)
            if tid < 0:
                return
            if tid > 0:
                with contextlib.suppress(Gone):
                    self._news(tid, status)
            errand = self.errand
            if errand is not None:
                errand()
                self.errand = None

    def _news(self, tid: int, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self._ended(tid, status)
            return
        task = self.tasks.get(tid) or self._appeared(tid)
        sig, event = status >> 8 & 0xFF, status >> 16
        if event == native.EVENT_STOP:
            self._stopped(task, sig)
        elif event:
            handler = self._handlers.get(event)
            if handler is not None:
                handler(task)
            else:
                self._go_on(task)
        elif sig == native.SYSCALL_STOP:
            self._at_call(task)
        else:
            if SIGNALLED in self.wanted.types:
                self._put(delivered(task, signal_sender(sig, *native.siginfo_of(tid)), sig))
            self._go_on(task, sig)

    def _go_on(self, task: TracedTask, sig: int = 0) -> None:
        native.resume(self._on if task.reader is None else native.SYSCALL, task.tid, sig)

    def _stopped(self, task: TracedTask, sig: int) -> None:
        """A group-stop lasts until SIGCONT, as without a tracer; every other stop is the tracer's own."""
        if task.is_new:
            task.is_new = False
            self._begun(task)
        if sig not in _STOPS:
            self._go_on(task)
            return
        native.resume(native.LISTEN, task.tid)
        if task.tid == self.root and sig != signal.SIGSTOP and self.on_terminal_stop is not None:
            self.on_terminal_stop()

    # --- calls

    def _at_call(self, task: TracedTask) -> None:
        if not self._filtered and native.op_of(task.tid) == native.ENTRY:
            self._begins(task)
            return
        reader, task.reader = task.reader, None
        if reader is not None:
            self._put(*reader.leave(task, native.result_of(task.tid)))
        self._go_on(task)

    def _begins(self, task: TracedTask) -> None:
        call = native.call_of(task.tid)
        if call.data == FOREIGN or call.arch != native.ARCH_X86_64 or call.number & native.X32:
            self.warnings.foreign(task.pid)
            self._go_on(task)
            return
        reader = self._readers.get(call.number)
        task.reader = None
        if reader is not None and reader.name in self.wanted.types:
            task.args = call.args
            task.given = reader.enter(task)
            task.reader = reader
        self._go_on(task)

    # --- births, programs, ends

    def _bore(self, task: TracedTask) -> None:
        tid = native.message_of(task.tid)
        if tid not in self.tasks:
            self._add(tid, task, self._flags(task.tid))
        self._go_on(task)

    def _flags(self, tid: int) -> int:
        number, first, _ = native.birth_of(tid)
        return flags_of(call_name(number) or "", tid, first)

    def _appeared(self, tid: int) -> TracedTask:
        """A new task that stopped before its creator did, or whose creator was killed meanwhile."""
        flags = self._flags(tid)
        pid, parent = _numbers(tid)
        creator = (
            TracedTask(pid, pid) if flags & _CLONE_THREAD else self.tasks.get(parent) or TracedTask(parent, parent)
        )
        return self._add(tid, creator, flags)

    def _add(self, tid: int, creator: TracedTask, flags: int) -> TracedTask:
        task = TracedTask(tid, creator.pid if flags & _CLONE_THREAD else tid)
        self.tasks[tid] = task
        is_thread = task.pid != tid
        parent = _numbers(tid)[1] if is_thread or flags & _CLONE_PARENT else creator.pid
        if not is_thread:
            self.family.add(tid, parent)
        if not is_thread or self.wanted.threads:
            nested = namespace(tid) != self._namespace
            told = birth(creator, task, parent, shares_files=bool(flags & _CLONE_FILES), nested=nested)
            if not is_thread:
                self.around.births[tid] = told.time
            self._put(told)
        task.is_new = True
        return task

    def _begun(self, task: TracedTask) -> None:
        """What clone returns in the child is an event, too."""
        if self.wanted.types.isdisjoint(_CLONES):
            return
        number, first, _ = native.birth_of(task.tid)
        reader = self._readers.get(number)
        if isinstance(reader, Clones):
            self._put(reader.child(task, flags_of(reader.name, task.tid, first)))

    def _executed(self, task: TracedTask) -> None:
        old = native.message_of(task.tid)
        caller = self.tasks.pop(old, task) if old != task.tid else task
        reader = caller.reader if isinstance(caller.reader, Execs) else self._exec
        task.given = caller.given if caller.reader is not None else None
        task.reader = None
        self.armed = True
        self.around.environment = self.wanted.environment
        self.warnings.program(task.tid)
        assert isinstance(reader, Execs)
        self._put(reader.done(task, old))
        task.given = None
        self._go_on(task)

    def _ended(self, tid: int, status: int) -> None:
        task = self.tasks.pop(tid, None)
        if tid == self.root:
            self.root_status = status
        if task is None:
            return
        if task.reader is not None and task.reader.name in _KILLS and os.WIFSIGNALED(status):
            self._put(*task.reader.leave(task, 0))  # it hit its own process, and never came back from the call
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            self._put(delivered(task, 0, int(signal.SIGKILL)))  # for which no task stops
        if task.pid != tid:
            if self.wanted.threads:
                self._put(thread_end(task))
            return
        self.around.births.pop(tid, None)
        self.around.sockets.forget(tid)
        self._put(end(tid, status, self.family.remove(tid)))

    def let_go(self) -> None:
        """Run on untraced, all of them: each is stopped once more, and detached from with the signal it stopped for."""
        for tid in list(self.tasks):
            with contextlib.suppress(Gone, OSError):
                native.resume(native.INTERRUPT, tid)
        while self.tasks:
            tid, status = native.wait(block=True)
            if tid < 0:
                return
            if tid and not os.WIFSTOPPED(status):
                self._ended(tid, status)
            elif tid:
                self._detach(tid, status)

    def _detach(self, tid: int, status: int) -> None:
        self.tasks.pop(tid, None)
        sig, event = status >> 8 & 0xFF, status >> 16
        with contextlib.suppress(Gone):
            if event in _BIRTHS:
                child = native.message_of(tid)
                self.tasks.setdefault(child, TracedTask(child, child))
            is_signal = not event and sig != native.SYSCALL_STOP
            is_stop = event == native.EVENT_STOP and sig in _STOPS
            native.resume(native.DETACH, tid, sig if is_signal or is_stop else 0)

    def _put(self, *events: SyscallEvent) -> None:
        for event in events:
            if self.armed and (event.type in self.wanted.types or event.type in _ALWAYS):
                self.received[event.type] += 1
                self._outbox.put(event)


_ALWAYS: Final = frozenset({BORN, STARTED, ENDED, THREAD_ENDED})
_CLONES: Final = frozenset({"clone", "clone3", "fork", "vfork"})


def _numbers(tid: int) -> tuple[int, int]:
    """(process, parent) of a task."""
    try:
        with open(f"/proc/{tid}/status") as file:
            rows = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return tid, 0
    return int(rows["Tgid"]), int(rows["PPid"])
