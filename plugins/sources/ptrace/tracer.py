"""Tracer: the thread that makes every ptrace call and every waitpid, since the kernel ties a tracee to a thread.

A program that was started here has a seccomp filter and runs at native speed between the demanded calls. One that was
attached to has none, and stops at each of its calls (PTRACE_SYSCALL).
"""

import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from mozu.core.abi.signals import signal_sender
from mozu.core.model.arch import MACHINE
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import call_name
from mozu.plugins.sources.ptrace import native
from mozu.plugins.sources.ptrace.call_gate import DENIED, CallGate
from mozu.plugins.sources.ptrace.event_queue import EventQueue
from mozu.plugins.sources.ptrace.injected_opens import InjectedOpens
from mozu.plugins.sources.ptrace.native import TaskGone
from mozu.plugins.sources.ptrace.process_tree import ProcessTree
from mozu.plugins.sources.ptrace.program_warnings import ProgramWarnings
from mozu.plugins.sources.ptrace.reading import (
    EXEC_EVENT,
    EXIT_EVENT,
    FORK_EVENT,
    SIGNAL_EVENT,
    THREAD_EXIT_EVENT,
    ReaderContext,
    readers,
)
from mozu.plugins.sources.ptrace.reading.processes import (
    CloneReader,
    ExecReader,
    clone_flags,
    exit_event,
    fork_event,
    pid_namespace,
    signal_event,
    thread_exit_event,
)
from mozu.plugins.sources.ptrace.reading.reader import SyscallReader, TracedTask
from mozu.plugins.sources.ptrace.seccomp import OTHER_ABI

_CLONE_EVENTS: Final = frozenset({native.EVENT_FORK, native.EVENT_VFORK, native.EVENT_CLONE})
_STOP_SIGNALS: Final = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_KILLS: Final = frozenset({"kill", "tkill", "tgkill"})
_CLONE_FILES, _CLONE_PARENT, _CLONE_THREAD = 0x400, 0x8000, 0x10000


class TraceDemand:
    """The demand as the tracer needs it. Replaced as a whole when it changes."""

    def __init__(
        self, types: Iterable[str], *, threads: bool, environment: bool, stdio: bool = False, realpath: bool = False
    ) -> None:
        self.types = frozenset(types)
        self.threads, self.environment, self.stdio, self.realpath = threads, environment, stdio, realpath


class Tracer:
    """Follows programs and writes events into the queue, until all of them have exited or are detached."""

    def __init__(self, queue: EventQueue, wanted: TraceDemand, log: logging.Logger, *, filtered: bool) -> None:
        self.wanted = wanted
        self.warnings = ProgramWarnings(log)
        self.root = 0
        self.root_status: int | None = None
        """Status of waitpid, once the command has exited."""
        self.armed = not filtered
        """True once the command itself runs: the launcher's calls before its execve make no events."""
        self.on_terminal_stop: Callable[[], None] | None = None
        """The command was stopped from its terminal."""
        self.requests: deque[Callable[[], None]] = deque()
        """Work for this thread; who appends some calls `native.wake` until it is empty again."""
        self.idle: Callable[[], bool] = lambda: False
        """Called between two stops; with no task left it decides whether the tracer goes on."""
        self.lets_go: Callable[[TracedTask, str | None], bool] = lambda task, path: False
        """Returns whether a task that is about to execute a program must be let go."""
        self.limited: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        """Around the handling of each stop."""
        self.gate: CallGate | None = None
        """Decides which calls do not run; None: all run."""
        self.injected_opens: InjectedOpens | None = None
        """Does opens that the gate lets through; None: they run as they are."""
        self._queue, self._filtered = queue, filtered
        self._resume_request = native.CONT if filtered else native.SYSCALL
        """The request that resumes a task outside a demanded call."""
        self.reader_context = ReaderContext()
        self._readers = readers(self.reader_context)
        self.tasks: dict[int, TracedTask] = {}
        self.processes = ProcessTree()
        self._own_pidns = pid_namespace(os.getpid())
        self._exec = next(reader for reader in self._readers.values() if reader.name == EXEC_EVENT)
        self._handlers: dict[int, Callable[[TracedTask], None]] = {
            native.EVENT_EXEC: self._on_exec,
            native.EVENT_SECCOMP: self._on_entry,
            **dict.fromkeys(_CLONE_EVENTS, self._on_clone),
        }

    # --- stops

    def adopt(self, tid: int, pid: int, parent: int = 0) -> None:
        """Follow a task that this thread has just seized. `parent`: of its process, 0 if that is not traced."""
        self.tasks[tid] = TracedTask(tid, pid)
        self.processes.add(pid, parent if parent in self.processes else 0)

    def is_traced(self, tid: int) -> bool:
        """Return whether this is a traced task, or the main thread of a process that has others left."""
        return tid in self.tasks or tid in self.processes

    def run(self) -> None:
        """Handle stops and exits until no task is left."""
        while True:
            tid, status = native.wait(block=True)
            if tid > 0:
                with contextlib.suppress(TaskGone), self.limited:
                    self._dispatch(tid, status)
            while self.requests:
                self.requests[0]()
                self.requests.popleft()
            if not self.idle() and tid < 0:
                return

    def _dispatch(self, tid: int, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self._on_end(tid, status)
            return
        task = self.tasks.get(tid) or self._unannounced(tid)
        sig, event = status >> 8 & 0xFF, status >> 16
        if event == native.EVENT_STOP:
            self._on_event_stop(task, sig)
        elif event:
            handler = self._handlers.get(event)
            if handler is not None:
                handler(task)
            else:
                self._resume(task)
        elif sig == native.SYSCALL_STOP:
            self._on_syscall_stop(task)
        else:
            if SIGNAL_EVENT in self.wanted.types:
                self._put(signal_event(task, signal_sender(sig, *native.read_siginfo(tid)), sig))
            self._resume(task, sig)

    def _resume(self, task: TracedTask, sig: int = 0) -> None:
        runs_on = task.reader is None and task.result is None
        native.resume(self._resume_request if runs_on else native.SYSCALL, task.tid, sig)

    def _on_event_stop(self, task: TracedTask, sig: int) -> None:
        """PTRACE_EVENT_STOP: a group-stop lasts until SIGCONT, as without a tracer; all others are the tracer's own."""
        if task.is_new:
            task.is_new = False
            self._on_child_start(task)
        if sig not in _STOP_SIGNALS:
            self._resume(task)
            return
        native.resume(native.LISTEN, task.tid)
        if task.tid == self.root and sig != signal.SIGSTOP and self.on_terminal_stop is not None:
            self.on_terminal_stop()

    # --- calls

    def _on_syscall_stop(self, task: TracedTask) -> None:
        if not self._filtered and native.read_op(task.tid) == native.ENTRY:
            self._on_entry(task)
            return
        reader, task.reader = task.reader, None
        is_over = InjectedOpens.ends(task)
        if task.result is not None:
            native.set_result(task.tid, task.result)
            task.result = None
        if reader is not None and is_over:
            self._put(*reader.leave(task, native.read_result(task.tid)))
        self._resume(task)

    def _on_entry(self, task: TracedTask) -> None:
        call = native.read_syscall(task.tid)
        gate = self.gate if self.armed else None
        if gate is not None and gate.refuses_unjudged(task, call):
            task.reader = None
            self._answer(task, DENIED)
            return
        if call.data == OTHER_ABI or call.arch != MACHINE.audit_arch or call.number & MACHINE.other_abi_bit:
            self.warnings.other_abi(task.pid)
            self._resume(task)
            return
        if gate is not None and gate.confines(call):
            for one in self.tasks.values():
                one.is_confined |= one.pid == task.pid
        reader = self._readers.get(call.number)
        task.reader = None
        if reader is not None and reader.name in self.wanted.types:
            task.args = call.args
            task.at_entry = reader.enter(task)
            if isinstance(reader, ExecReader) and self.lets_go(task, task.at_entry[0]):
                self.let_go(task)
                return
            task.reader = reader
            if gate is not None and reader.name in gate.types:
                self._judge(gate, task, reader)
                return
        self._resume(task)

    def _judge(self, gate: CallGate, task: TracedTask, reader: SyscallReader) -> None:
        """The call at whose entry it is stopped runs, is denied, or is done for it (injected_opens.py)."""
        try:
            held = None if self.injected_opens is None else self.injected_opens.hold(task, reader)
        except OSError as error:
            self._answer(task, -(error.errno or 0) or DENIED)
            return
        try:
            if gate.denies(task, reader, held):
                self._answer(task, DENIED)
            elif held is None or self.injected_opens is None:
                self._resume(task)
            else:
                self.injected_opens.give(task, reader, held, gate)
        finally:
            if held is not None:
                held.close()

    def _answer(self, task: TracedTask, result: int) -> None:
        """The call at whose entry it is stopped does not run; what it returns is set at the exit."""
        native.skip_call(task.tid)
        task.result = result
        self._resume(task)

    def close(self) -> None:
        """No task is left."""
        self.reader_context.sockets.close()
        if self.injected_opens is not None:
            self.injected_opens.close()

    # --- fork, exec, exit

    def _on_clone(self, task: TracedTask) -> None:
        tid = native.read_event_message(task.tid)
        if tid not in self.tasks:
            self._add(tid, task, self._flags(task.tid, is_child=False))
        self._resume(task)

    def _flags(self, tid: int, *, is_child: bool) -> int:
        number, first = native.read_clone_call(tid, is_child=is_child)
        return clone_flags(call_name(number, MACHINE.abi) or "", tid, first)

    def _unannounced(self, tid: int) -> TracedTask:
        """A new task that stopped before its creator's PTRACE_EVENT_CLONE, or whose creator has been killed."""
        flags = self._flags(tid, is_child=True)
        pid, parent = _tgid_and_ppid(tid)
        creator = (
            TracedTask(pid, pid) if flags & _CLONE_THREAD else self.tasks.get(parent) or TracedTask(parent, parent)
        )
        return self._add(tid, creator, flags)

    def _add(self, tid: int, creator: TracedTask, flags: int) -> TracedTask:
        task = TracedTask(tid, creator.pid if flags & _CLONE_THREAD else tid)
        task.is_confined = creator.is_confined
        self.tasks[tid] = task
        is_thread = task.pid != tid
        parent = _tgid_and_ppid(tid)[1] if is_thread or flags & _CLONE_PARENT else creator.pid
        if not is_thread:
            self.processes.add(tid, parent)
        if not is_thread or self.wanted.threads:
            nested = pid_namespace(tid) != self._own_pidns
            event = fork_event(creator, task, parent, shares_files=bool(flags & _CLONE_FILES), nested=nested)
            if not is_thread:
                self.reader_context.start_times[tid] = event.observed.start
            self._put(event)
        task.is_new = True
        return task

    def _on_child_start(self, task: TracedTask) -> None:
        """The return of clone in the child is an event, too."""
        if self.wanted.types.isdisjoint(_CLONES):
            return
        number, first = native.read_clone_call(task.tid, is_child=True)
        reader = self._readers.get(number)
        if isinstance(reader, CloneReader):
            self._put(reader.child(task, clone_flags(reader.name, task.tid, first)))

    def _on_exec(self, task: TracedTask) -> None:
        old = native.read_event_message(task.tid)
        caller = self.tasks.pop(old, task) if old != task.tid else task
        reader = caller.reader if isinstance(caller.reader, ExecReader) else self._exec
        task.at_entry = caller.at_entry if caller.reader is not None else None
        task.reader = None
        self.armed = True
        self.reader_context.environment = self.wanted.environment
        self.reader_context.stdio, self.reader_context.realpath = self.wanted.stdio, self.wanted.realpath
        self.warnings.executed(task.tid)
        assert isinstance(reader, ExecReader)
        self._put(reader.done(task, old))
        task.at_entry = None
        self._resume(task)

    def _on_end(self, tid: int, status: int) -> None:
        task = self.tasks.pop(tid, None)
        if tid == self.root:
            self.root_status = status
        if task is None:
            return
        if task.reader is not None and task.reader.name in _KILLS and os.WIFSIGNALED(status):
            self._put(*task.reader.leave(task, 0))  # it killed its own process: the call never returned
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            self._put(signal_event(task, 0, int(signal.SIGKILL)))  # SIGKILL makes no signal stop
        if task.pid != tid:
            if self.wanted.threads:
                self._put(thread_exit_event(task))
            return
        self.reader_context.start_times.pop(tid, None)
        self.reader_context.sockets.forget(tid)
        self._put(exit_event(tid, status, self.processes.remove(tid)))

    def let_go(self, task: TracedTask) -> None:
        """Let a stopped task run on untraced."""
        native.resume(native.DETACH, task.tid)
        del self.tasks[task.tid]
        if task.pid == task.tid:
            self.processes.remove(task.pid)

    def detach_all(self) -> None:
        """Let all tasks run on untraced: each is interrupted, and detached with the signal that it stopped for."""
        for tid in list(self.tasks):
            with contextlib.suppress(TaskGone, OSError):
                native.resume(native.INTERRUPT, tid)
        while self.tasks:
            tid, status = native.wait(block=True)
            if tid < 0:
                return
            if tid and not os.WIFSTOPPED(status):
                self._on_end(tid, status)
            elif tid:
                self._detach(tid, status)

    def _detach(self, tid: int, status: int) -> None:
        self.tasks.pop(tid, None)
        sig, event = status >> 8 & 0xFF, status >> 16
        with contextlib.suppress(TaskGone):
            if event in _CLONE_EVENTS:
                child = native.read_event_message(tid)
                self.tasks.setdefault(child, TracedTask(child, child))
            is_signal = not event and sig != native.SYSCALL_STOP
            is_stop = event == native.EVENT_STOP and sig in _STOP_SIGNALS
            native.resume(native.DETACH, tid, sig if is_signal or is_stop else 0)

    def _put(self, *events: SyscallEvent) -> None:
        for event in events:
            if self.armed and (event.type in self.wanted.types or event.type in _ALWAYS):
                self._queue.put(event)


_ALWAYS: Final = frozenset({FORK_EVENT, EXEC_EVENT, EXIT_EVENT, THREAD_EXIT_EVENT})
_CLONES: Final = frozenset({"clone", "clone3", "fork", "vfork"})


def _tgid_and_ppid(tid: int) -> tuple[int, int]:
    """Tgid and PPid of /proc/TID/status."""
    try:
        with open(f"/proc/{tid}/status") as file:
            rows = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return tid, 0
    return int(rows["Tgid"]), int(rows["PPid"])
