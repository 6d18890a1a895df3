"""PtraceSource: starts or attaches, runs the tracer thread, and yields batches of events."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from mozu.core.abi.syscall_specs import DEFAULT_TYPES, SYSCALL_SPECS
from mozu.core.api import Context, Counts, SourceBroken, SourceUnavailable
from mozu.core.common.descriptors import initial_soft_limit
from mozu.core.filter.demand import Demand, state_types
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace import native, seccomp
from mozu.plugins.sources.ptrace.event_queue import EventQueue
from mozu.plugins.sources.ptrace.reading import EXEC_EVENT, EXIT_EVENT, FORK_EVENT, SIGNAL_EVENT, TRACEABLE_TYPES
from mozu.plugins.sources.ptrace.reading.processes import parent_of
from mozu.plugins.sources.ptrace.tracer import TraceDemand, Tracer

BATCH_SECONDS: Final = 0.02
"""Seconds in which a batch may grow (wake-up coalescing)."""
MAX_BATCH: Final = 2000
KILL_AFTER: Final = 2.0
"""Grace period, seconds: programs that the command left running are killed after it."""
TREE: Final = frozenset({FORK_EVENT, EXEC_EVENT, "execveat", EXIT_EVENT})
"""Always emitted: without them no event has a process."""
_READ_AT_USE: Final = frozenset({"fds"})
"""State dependencies without events of their own: at each use of a descriptor, what it stands for is read."""
_THREADS: Final = frozenset({"clone", "clone3"})
_WAKE_INTERVAL: Final = 0.02
_LAUNCHER: Final = Path(__file__).with_name("launcher.py")


def wanted_types(demand: Demand) -> tuple[frozenset[str], frozenset[str]]:
    """(types to emit, types that this source does not have) of a demand."""
    named = frozenset(demand.of("syscall"))
    if "*" in named:
        named |= DEFAULT_TYPES
    state = state_types(demand.state_dependencies("syscall") - _READ_AT_USE)
    return TREE | (named | state) & TRACEABLE_TYPES, named - TRACEABLE_TYPES - {"*"}


def trace_demand(demand: Demand) -> TraceDemand:
    """The demand for the tracer."""
    types, state = demand.of("syscall"), demand.state_dependencies("syscall")
    threads = bool(_THREADS & types.keys()) or "*" in types or "threads" in state
    return TraceDemand(wanted_types(demand)[0], threads=threads, environment="env" in state)


class PtraceSource:
    """System calls of one command and its descendants, or of one process. See mozu.core.api.Source."""

    def __init__(self, command: Sequence[str], pid: int | None, *, job_control: bool, context: Context) -> None:
        self._command, self._pid = tuple(command), pid
        self._job_control = job_control
        self._log: logging.Logger = context.log
        self._queue: EventQueue | None = None
        self._tracer: Tracer | None = None
        self._thread: threading.Thread | None = None
        self._traceable: frozenset[str] = frozenset()
        """Types that can be emitted: those that the command's seccomp filter stops at, and signals, which need none."""
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._stopping = False

    @property
    def command_started(self) -> bool:
        """Whether the command could be run at all."""
        return self._tracer is not None and self._tracer.armed

    @property
    def command_status(self) -> int | None:
        """Status of waitpid for the command; None while it runs."""
        return None if self._tracer is None else self._tracer.root_status

    def observed_pids(self) -> Sequence[int]:
        """The traced process and its ancestors: no other process needs a history."""
        chain = [self._pid or (0 if self._tracer is None else self._tracer.root)]
        while chain[-1] > 0:
            chain.append(parent_of(chain[-1]))
        return chain[:-1]

    def signal_command(self, number: int) -> None:
        """Forward a signal to the command."""
        tracer = self._tracer
        if tracer is not None and tracer.root and tracer.root_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(tracer.root, number)

    async def start(self, demand: Demand) -> None:
        """Start the process that becomes the command, or attach. Raises SourceUnavailable."""
        self._check()
        types, missing = wanted_types(demand)
        if missing:
            self._log.warning("source ptrace cannot see the event types %s", ", ".join(sorted(missing)))
        self._traceable = types | {SIGNAL_EVENT} if self._command else TRACEABLE_TYPES
        self._queue = EventQueue(asyncio.get_running_loop())
        self._tracer = Tracer(self._queue, trace_demand(demand), self._log, filtered=bool(self._command))
        if self._job_control:
            self._tracer.on_terminal_stop = _stop_with_the_command
        native.prepare_wake()
        self._thread = threading.Thread(target=self._trace, args=(self._tracer,), name="mozu-ptrace", daemon=True)
        self._thread.start()
        await asyncio.to_thread(self._ready.wait)
        if self._failure is not None:
            raise SourceUnavailable(f"source ptrace: {self._failure}") from self._failure

    def _check(self) -> None:
        if os.uname().machine != "x86_64" or sys.platform != "linux":
            raise SourceUnavailable("source ptrace reads the calls of Linux on x86-64 only")

    # --- on the thread

    def _trace(self, tracer: Tracer) -> None:
        assert self._queue is not None
        process = None
        try:
            if self._command:
                process = self._launch(tracer)
            else:
                self._attach(tracer)
            self._ready.set()
            tracer.run()
        except BaseException as error:  # noqa: BLE001  start and batches raise it
            self._failure = error
        finally:
            if process is not None:
                process.returncode = tracer.root_status or 0  # the thread has waited for it already
            self._ready.set()
            tracer.reader_context.sockets.close()
            self._queue.end()

    def _launch(self, tracer: Tracer) -> "subprocess.Popen[bytes]":
        """Start the launcher, which stops until it is traced and then becomes the command, with all descriptors."""
        numbers = [SYSCALL_SPECS[name].number for name in self._traceable if SYSCALL_SPECS[name].is_syscall]
        program = seccomp.build_filter(numbers).hex()
        arguments = [sys.executable, "-I", "-S", str(_LAUNCHER), program, str(initial_soft_limit()), *self._command]
        process = subprocess.Popen(arguments, close_fds=False, env=_environment())
        tracer.root = process.pid
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise SourceUnavailable(f"the command could not be prepared (status {status})")
        try:
            native.seize(process.pid, native.OPTIONS | native.EXITKILL)
        except (OSError, native.TaskGone) as error:
            process.kill()
            os.waitpid(process.pid, 0)
            raise SourceUnavailable(
                f"this machine does not allow tracing ({error}); in a container allow ptrace in its seccomp profile"
            ) from error
        tracer.adopt(process.pid, process.pid)
        return process

    def _attach(self, tracer: Tracer) -> None:
        pid = self._pid
        assert pid is not None
        try:
            threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
        except OSError as error:
            raise SourceUnavailable(f"there is no process {pid}") from error
        for tid in threads:
            try:
                native.seize(tid, native.OPTIONS)
                native.resume(native.INTERRUPT, tid)
            except native.TaskGone:
                continue
            except OSError as error:
                raise SourceUnavailable(
                    f"process {pid} may not be traced ({error.strerror}); it must be of the same user and not traced "
                    "already, and the sysctl kernel.yama.ptrace_scope may ask for root"
                ) from error
            tracer.adopt(tid, pid)

    # --- on the loop

    async def batches(self) -> AsyncIterator[Sequence[SyscallEvent]]:
        """Events in the order of the stops. Ends when every traced process has exited or was detached.

        Raises SourceBroken where the tracer fails: a command is not run a second time.
        """
        if self._queue is None or self._tracer is None:
            return
        queue, tracer = self._queue, self._tracer
        if self._command:
            self.signal_command(signal.SIGCONT)
        killing = False
        try:
            while not (queue.ended and queue.is_empty):
                await queue.arrived.wait()
                if not queue.ended:
                    await asyncio.sleep(BATCH_SECONDS)
                batch = queue.take(MAX_BATCH)
                if batch:
                    yield batch
                if tracer.root_status is not None and not killing:
                    killing = True
                    asyncio.get_running_loop().call_later(KILL_AFTER, self._kill_leftovers)
            if self._failure is not None:
                raise SourceBroken(f"source ptrace: {self._failure}") from self._failure
        finally:
            queue.abandoned = True
            await self._end()

    def _kill_leftovers(self) -> None:
        """The command has exited and left programs running, which cannot run without their tracer."""
        tracer = self._tracer
        if tracer is None or self._queue is None or self._queue.ended:
            return
        left = tracer.processes.running()
        if left:
            self._log.warning("the command left %d programs running (%s), which are killed", len(left), _named(left))
        tracer.pending_action = lambda: _kill(tracer)
        self._wake()

    def _wake(self) -> None:
        thread, tracer = self._thread, self._tracer
        if thread is not None and tracer is not None and thread.is_alive() and tracer.pending_action is not None:
            native.wake(thread.ident or 0)
            asyncio.get_running_loop().call_later(_WAKE_INTERVAL, self._wake)

    async def update(self, demand: Demand) -> None:
        """Emit other types from now on. The seccomp filter of a running command stays: what it allows is not seen."""
        if self._tracer is None:
            return
        demanded = trace_demand(demand)
        unseen = (demanded.types - self._traceable) | wanted_types(demand)[1]
        if unseen:
            text = "source ptrace cannot see the event types %s of a command that runs already; start it again"
            self._log.warning(text, ", ".join(sorted(unseen)))
        self._tracer.wanted = demanded

    def counts(self) -> Mapping[str, Counts]:
        """Per event type. Nothing is lost: a full queue makes the program wait."""
        received = {} if self._tracer is None else dict(self._tracer.received)
        return {name: Counts(seen=count, received=count) for name, count in sorted(received.items())}

    async def stop(self) -> None:
        """End a command (SIGTERM, after the grace period SIGKILL); detach from an attached process. Idempotent."""
        if self._stopping or self._tracer is None:
            return
        self._stopping = True
        tracer = self._tracer
        if self._command:
            self.signal_command(signal.SIGTERM)
            self.signal_command(signal.SIGCONT)
            asyncio.get_running_loop().call_later(KILL_AFTER, self._kill_leftovers)
            return
        tracer.pending_action = tracer.detach_all
        self._wake()

    async def _end(self) -> None:
        """Wait for the tracer thread, whose tasks are killed or detached where they still run."""
        tracer, thread = self._tracer, self._thread
        if tracer is None or thread is None:
            return
        if thread.is_alive() and not (self._queue is not None and self._queue.ended):
            work: Callable[[], None] = (lambda: _kill(tracer)) if self._command else tracer.detach_all
            tracer.pending_action = work
            while thread.is_alive():
                native.wake(thread.ident or 0)
                await asyncio.sleep(_WAKE_INTERVAL)
        thread.join()


def _kill(tracer: Tracer) -> None:
    for pid in tracer.processes.running():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _named(pids: Sequence[int]) -> str:
    names = []
    for pid in pids[:5]:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as file:
            names.append(f"{file.read().strip()} {pid}")
    return ", ".join(names) + (" …" if len(pids) > 5 else "")


def _stop_with_the_command() -> None:
    """Stop mozu too, so that the shell sees its job stopped; SIGCONT to the process group continues both."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _environment() -> dict[bytes, bytes]:
    """This process's own, without what the interpreter set for itself when it started."""
    found = dict(os.environb)
    with open("/proc/self/environ", "rb") as file:
        if not any(word.startswith(b"LC_CTYPE=") for word in file.read().split(b"\0")):
            found.pop(b"LC_CTYPE", None)
    return found
