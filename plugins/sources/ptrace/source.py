"""The source: a command or a process in, batches of events out."""

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
from mozu.core.api.hookspecs import Context, Counts
from mozu.core.errors import SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand, state_types
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace import native, seccomp
from mozu.plugins.sources.ptrace.outbox import Outbox
from mozu.plugins.sources.ptrace.reading import BORN, ENDED, SIGNALLED, STARTED, TOLD
from mozu.plugins.sources.ptrace.reading.processes import parent_of
from mozu.plugins.sources.ptrace.tracer import Tracer, Wanted

NAP: Final = 0.02
"""Seconds in which a batch may grow."""
BATCH: Final = 2000
LINGER: Final = 2.0
"""Seconds that programs which the command left running have to end by themselves."""
TREE: Final = frozenset({BORN, STARTED, "execveat", ENDED})
"""Always told: without it no event has a process."""
_ASKED: Final = frozenset({"fds"})
"""Facets that need no events here: at each use of a descriptor the kernel is asked what it is."""
_THREADS: Final = frozenset({"clone", "clone3"})
_RETRY: Final = 0.02
_LAUNCHER: Final = Path(__file__).with_name("launcher.py")


def wanted_types(demand: Demand) -> tuple[frozenset[str], frozenset[str]]:
    """(types to tell, types that this source does not have) of a demand."""
    named = frozenset(demand.of("syscall"))
    if "*" in named:
        named |= DEFAULT_TYPES
    state = state_types(demand.state_dependencies("syscall") - _ASKED)
    return TREE | (named | state) & TOLD, named - TOLD - {"*"}


def wanted(demand: Demand) -> Wanted:
    """For the tracer."""
    needs = demand.of("syscall")
    threads = bool(_THREADS & needs.keys()) or "*" in needs or "threads" in demand.state_dependencies("syscall")
    return Wanted(wanted_types(demand)[0], threads=threads, environment="env" in demand.state_dependencies("syscall"))


class PtraceSource:
    """System calls of one command and its descendants, or of one process. See mozu.core.api.hookspecs.Source."""

    def __init__(self, command: Sequence[str], pid: int | None, *, job_control: bool, context: Context) -> None:
        self._command, self._pid = tuple(command), pid
        self._job_control = job_control
        self._log: logging.Logger = context.log
        self._outbox: Outbox | None = None
        self._tracer: Tracer | None = None
        self._thread: threading.Thread | None = None
        self._filtered: frozenset[str] = frozenset()
        """Types that can be told: those that the filter of the command stops at, and signals, which need none."""
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._stopping = False

    @property
    def command_started(self) -> bool:
        """Whether the command could be run at all."""
        return self._tracer is not None and self._tracer.armed

    @property
    def command_status(self) -> int | None:
        """Of the command as wait gives it; None while it runs."""
        return None if self._tracer is None else self._tracer.root_status

    def concerned(self) -> Sequence[int]:
        """The traced process and its ancestors: nobody else's past matters."""
        chain = [self._pid or (0 if self._tracer is None else self._tracer.root)]
        while chain[-1] > 0:
            chain.append(parent_of(chain[-1]))
        return chain[:-1]

    def signal_command(self, number: int) -> None:
        """Hand a signal on to the command."""
        tracer = self._tracer
        if tracer is not None and tracer.root and tracer.root_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(tracer.root, number)

    async def start(self, demand: Demand) -> None:
        """Make the process that becomes the command, or attach. Raises SourceUnavailable."""
        self._check()
        types, missing = wanted_types(demand)
        if missing:
            self._log.warning("source ptrace cannot see the event types %s", ", ".join(sorted(missing)))
        self._filtered = types | {SIGNALLED} if self._command else TOLD
        self._outbox = Outbox(asyncio.get_running_loop())
        self._tracer = Tracer(self._outbox, wanted(demand), self._log, filtered=bool(self._command))
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
        assert self._outbox is not None
        process = None
        try:
            if self._command:
                process = self._launch(tracer)
            else:
                self._attach(tracer)
            self._ready.set()
            tracer.run()
        except BaseException as error:  # noqa: BLE001  whoever waits for this thread raises it
            self._failure = error
        finally:
            if process is not None:
                process.returncode = tracer.root_status or 0  # the thread has waited for it already
            self._ready.set()
            tracer.around.sockets.close()
            self._outbox.end()

    def _launch(self, tracer: Tracer) -> "subprocess.Popen[bytes]":
        """A child that waits until it is traced and becomes the command then; no descriptor is kept from it."""
        numbers = [SYSCALL_SPECS[name].number for name in self._filtered if SYSCALL_SPECS[name].is_syscall]
        program = seccomp.build(numbers).hex()
        arguments = [sys.executable, "-I", "-S", str(_LAUNCHER), program, *self._command]
        process = subprocess.Popen(arguments, close_fds=False, env=_environment())
        tracer.root = process.pid
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise SourceUnavailable(f"the command could not be prepared (status {status})")
        try:
            native.seize(process.pid, native.OPTIONS | native.EXITKILL)
        except (OSError, native.Gone) as error:
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
            except native.Gone:
                continue
            except OSError as error:
                raise SourceUnavailable(
                    f"process {pid} may not be traced ({error.strerror}); it must be of the same user and not traced "
                    "already, and the sysctl kernel.yama.ptrace_scope may ask for root"
                ) from error
            tracer.adopt(tid, pid)

    # --- on the loop

    async def batches(self) -> AsyncIterator[Sequence[SyscallEvent]]:
        """Events in the order in which the tracer saw them. Ends when all that was traced has ended or was let go.

        Raises SourceBroken where the tracer fails: a command is not run a second time.
        """
        if self._outbox is None or self._tracer is None:
            return
        outbox, tracer = self._outbox, self._tracer
        if self._command:
            self.signal_command(signal.SIGCONT)
        cleared = False
        try:
            while not (outbox.ended and outbox.is_empty):
                await outbox.arrived.wait()
                if not outbox.ended:
                    await asyncio.sleep(NAP)
                batch = outbox.take(BATCH)
                if batch:
                    yield batch
                if tracer.root_status is not None and not cleared:
                    cleared = True
                    asyncio.get_running_loop().call_later(LINGER, self._clear)
            if self._failure is not None:
                raise SourceBroken(f"source ptrace: {self._failure}") from self._failure
        finally:
            outbox.abandoned = True
            await self._end()

    def _clear(self) -> None:
        """The command has ended and left programs behind, which cannot run without their tracer."""
        tracer = self._tracer
        if tracer is None or self._outbox is None or self._outbox.ended:
            return
        left = tracer.family.living()
        if left:
            self._log.warning("the command left %d programs running (%s), which are ended", len(left), _named(left))
        tracer.errand = lambda: _kill(tracer)
        self._wake()

    def _wake(self) -> None:
        thread, tracer = self._thread, self._tracer
        if thread is not None and tracer is not None and thread.is_alive() and tracer.errand is not None:
            native.wake(thread.ident or 0)
            asyncio.get_running_loop().call_later(_RETRY, self._wake)

    async def update(self, demand: Demand) -> None:
        """Tell other types from now on. The filter of a running command stays: what it lets pass is not seen."""
        if self._tracer is None:
            return
        fresh = wanted(demand)
        unseen = (fresh.types - self._filtered) | wanted_types(demand)[1]
        if unseen:
            text = "source ptrace cannot see the event types %s of a command that runs already; start it again"
            self._log.warning(text, ", ".join(sorted(unseen)))
        self._tracer.wanted = fresh

    def counts(self) -> Mapping[str, Counts]:
        """Per event type. Nothing is lost: a full queue lets the program wait."""
        received = {} if self._tracer is None else dict(self._tracer.received)
        return {name: Counts(seen=count, received=count) for name, count in sorted(received.items())}

    async def stop(self) -> None:
        """Ask a command to end (SIGTERM, and after a while SIGKILL); let an attached process go. Idempotent."""
        if self._stopping or self._tracer is None:
            return
        self._stopping = True
        tracer = self._tracer
        if self._command:
            self.signal_command(signal.SIGTERM)
            self.signal_command(signal.SIGCONT)
            asyncio.get_running_loop().call_later(LINGER, self._clear)
            return
        tracer.errand = tracer.let_go
        self._wake()

    async def _end(self) -> None:
        """The thread ends: by itself, or because what it traces is killed or let go."""
        tracer, thread = self._tracer, self._thread
        if tracer is None or thread is None:
            return
        if thread.is_alive() and not (self._outbox is not None and self._outbox.ended):
            work: Callable[[], None] = (lambda: _kill(tracer)) if self._command else tracer.let_go
            tracer.errand = work
            while thread.is_alive():
                native.wake(thread.ident or 0)
                await asyncio.sleep(_RETRY)
        thread.join()


def _kill(tracer: Tracer) -> None:
    for pid in tracer.family.living():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _named(pids: Sequence[int]) -> str:
    names = []
    for pid in pids[:5]:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as file:
            names.append(f"{file.read().strip()} {pid}")
    return ", ".join(names) + (" …" if len(pids) > 5 else "")


def _stop_with_the_command() -> None:
    """So that the shell that started mozu sees its job stopped; SIGCONT to the group wakes both."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _environment() -> dict[bytes, bytes]:
    """This process's own, without what the interpreter set for itself when it started."""
    found = dict(os.environb)
    with open("/proc/self/environ", "rb") as file:
        if not any(word.startswith(b"LC_CTYPE=") for word in file.read().split(b"\0")):
            found.pop(b"LC_CTYPE", None)
    return found
