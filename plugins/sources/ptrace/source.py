"""PtraceSource: starts or attaches, runs the tracer thread, and yields batches of events."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from mozu.core.abi.limits import DATA_MAX
from mozu.core.abi.syscall_specs import DEFAULT_TYPES
from mozu.core.api import CallJudge, CallVerdict, Context, Counts, SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand, state_types
from mozu.core.model.event import Event, SyscallEvent
from mozu.plugins.sources.ptrace import native
from mozu.plugins.sources.ptrace.call_gate import CallGate
from mozu.plugins.sources.ptrace.capability import machine_problem
from mozu.plugins.sources.ptrace.event_queue import EventQueue
from mozu.plugins.sources.ptrace.follow import Follower
from mozu.plugins.sources.ptrace.launch import launch
from mozu.plugins.sources.ptrace.others import unasked
from mozu.plugins.sources.ptrace.probe import TracedProbe
from mozu.plugins.sources.ptrace.reading import EXEC_EVENT, EXIT_EVENT, FORK_EVENT, SIGNAL_EVENT, TRACEABLE_TYPES
from mozu.plugins.sources.ptrace.reading.processes import parent_of
from mozu.plugins.sources.ptrace.tracer import TraceDemand, Tracer

BATCH_SECONDS: Final = 0.02
"""Seconds in which a batch may grow (wake-up coalescing)."""
MAX_BATCH: Final = 2000
KILL_AFTER: Final = 2.0
"""Grace period, seconds: programs that the command left running are killed after it."""
DETACH_SECONDS: Final = 3.0
"""A task in an uninterruptible sleep cannot be detached; the kernel lets it go when mozu ends."""
TREE: Final = frozenset({FORK_EVENT, EXEC_EVENT, "execveat", EXIT_EVENT})
"""Always emitted: without them no event has a process."""
_READ_AT_USE: Final = frozenset({"fds"})
"""State dependencies without events of their own: at each use of a descriptor, what it stands for is read."""
_THREADS: Final = frozenset({"clone", "clone3"})
_WAKE_INTERVAL: Final = 0.02


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
    return TraceDemand(
        wanted_types(demand)[0], threads=threads, environment="env" in state, stdio="stdio" in state,
        realpath="realpath" in state,
    )  # fmt: skip


class PtraceSource:
    """System calls of a command, of a process, each with its descendants, or of a whole pid namespace.

    See mozu.core.api.Source.
    """

    def __init__(
        self, command: Sequence[str], pid: int | None, *, job_control: bool, context: Context, deny: bool = False,
        snaplen: int = DATA_MAX,
        refuses_others: bool = False,
    ) -> None:  # fmt: skip
        self._command, self._pid = tuple(command), pid
        self._job_control, self._denies, self._snaplen = job_control, deny, snaplen
        self._refuses_others = refuses_others
        self._judge_of: Callable[[], CallJudge] | None = None
        self._judge: Callable[[SyscallEvent], CallVerdict] | None = None
        """None: calls run unasked."""
        self._log: logging.Logger = context.log
        self._queue: EventQueue | None = None
        self._tracer: Tracer | None = None
        self._follower: Follower | None = None
        self._thread: threading.Thread | None = None
        self._traceable: frozenset[str] = frozenset()
        """Types that can be emitted: those that the command's seccomp filter stops at, and signals, which need none."""
        self._unseen: frozenset[str] = frozenset()
        """Types that are wanted and cannot be emitted."""
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._stopping = False
        context.metrics.gauge("ptrace_processes", lambda: 0 if self._tracer is None else len(self._tracer.processes))
        context.metrics.gauge(
            "ptrace_refused_processes", lambda: 0 if self._follower is None else self._follower.refused.total()
        )

    @property
    def command_started(self) -> bool:
        """True once the command runs."""
        return self._tracer is not None and self._tracer.armed

    @property
    def command_status(self) -> int | None:
        """Status of waitpid for the command; None while it runs."""
        return None if self._tracer is None else self._tracer.root_status

    def observed_pids(self) -> Sequence[int] | None:
        """The traced processes and the ancestors of the first: no other process needs a history."""
        if not self._command and self._pid is None:
            return None
        tracer = self._tracer
        chain = [self._pid or (0 if tracer is None else tracer.root)]
        while chain[-1] > 0:
            chain.append(parent_of(chain[-1]))
        return sorted({*chain[:-1], *(() if tracer is None else tracer.processes.running())})

    def limits(self) -> Sequence[str]:
        """Return the source's limits. See `StatesLimits`."""
        found = [] if self._follower is None else self._follower.limits()
        if self._command or self._pid is not None:
            found.append("processes that are not descendants of the traced one")
        if self._tracer is not None and self._tracer.warnings.unread:
            found.append(f"{self._tracer.warnings.unread} calls of 32-bit or x32 programs")
        if self._unseen:
            found.append(f"the event types {', '.join(sorted(self._unseen))}")
        if self._tracer is not None and self._tracer.gate is not None:
            return found  # they are refused
        return [*found, "requests of io_uring"]

    def ask_before(self, judge_of: Callable[[], CallJudge]) -> None:
        """See `AsksBefore`."""
        self._judge_of = judge_of

    def signal_command(self, number: int) -> None:
        """Forward a signal to the command."""
        tracer = self._tracer
        if tracer is not None and tracer.root and tracer.root_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(tracer.root, number)

    async def start(self, demand: Demand) -> None:
        """Start the process that becomes the command, or attach. Raises SourceUnavailable."""
        if (problem := machine_problem()) is not None:
            raise SourceUnavailable(f"source ptrace: {problem}")
        types, missing = wanted_types(demand)
        if missing:
            self._log.warning("source ptrace cannot see the event types %s", ", ".join(sorted(missing)))
        if self._refuses_others and not self._command and self._pid is None and (problem := unasked()) is not None:
            raise SourceUnavailable(f"source ptrace: {problem}")
        self._unseen = missing
        self._traceable = types | {SIGNAL_EVENT} if self._command else TRACEABLE_TYPES
        self._failure, self._stopping = None, False
        self._ready.clear()
        lossless = bool(self._command) or self._pid is not None
        self._queue = EventQueue(asyncio.get_running_loop(), lossless=lossless)
        self._tracer = Tracer(self._queue, trace_demand(demand), self._log, filtered=bool(self._command))
        self._tracer.reader_context.snaplen = self._snaplen
        if self._denies and self._judge_of is not None:
            self._tracer.gate = self._gate(self._judge_of(), self._queue)
        self._follower = None if self._command else Follower(self._tracer, self._pid, self._log)
        if self._job_control:
            self._tracer.on_terminal_stop = _stop_with_the_command
        native.prepare_wake()
        self._thread = threading.Thread(target=self._trace, args=(self._tracer,), name="mozu-ptrace", daemon=True)
        self._thread.start()
        await asyncio.to_thread(self._ready.wait)
        if self._failure is not None:
            raise SourceUnavailable(f"source ptrace: {self._failure}") from self._failure

    def _gate(self, judge: CallJudge, queue: EventQueue) -> CallGate:
        if not judge.types:
            raise SourceUnavailable(
                "source ptrace: `deny` is set and nothing denies; give a rule `mozu: {respond: deny}`, or an allow-list"
            )
        self._judge = judge.judge
        gate = CallGate(judge.types, queue.ask, self._log)
        if gate.undeniable:
            text = "source ptrace cannot deny calls of the types %s: rules about these raise alerts only"
            self._log.warning(text, ", ".join(sorted(gate.undeniable)))
        return gate

    # --- on the thread

    def _trace(self, tracer: Tracer) -> None:
        assert self._queue is not None
        process: subprocess.Popen[bytes] | None = None
        try:
            if self._follower is None:
                process = launch(tracer, self._command, self._traceable, self._log)
            else:
                self._follower.attach()
            self._ready.set()
            tracer.run()
        except BaseException as error:  # noqa: BLE001  start and batches raise it
            self._failure = error
        finally:
            if process is not None:
                process.returncode = tracer.root_status or 0  # the thread has waited for it already
            self._ready.set()
            tracer.close()
            self._queue.end()

    # --- on the loop

    async def batches(self) -> AsyncIterator[Sequence[SyscallEvent]]:
        """Events in the order of the stops. Ends when every traced process has exited or was detached.

        Raises SourceBroken where the tracer of a command fails: that is not run a second time.
        """
        if self._queue is None or self._tracer is None:
            return
        queue, tracer = self._queue, self._tracer
        if self._command:
            self.signal_command(signal.SIGCONT)
        self._wake_to_scan(tracer)
        killing = False
        try:
            while not (queue.ended and queue.is_empty):
                await queue.arrived.wait()
                if not queue.ended:
                    await self._let_grow(queue)
                batch = queue.take(MAX_BATCH)
                if batch:
                    yield batch
                if self._judge is not None:
                    queue.answer(self._judge)
                if tracer.root_status is not None and not killing:
                    killing = True
                    asyncio.get_running_loop().call_later(KILL_AFTER, self._kill_leftovers)
            if self._failure is not None:
                broken = SourceBroken if self._command else SourceUnavailable
                raise broken(f"source ptrace: {self._failure}") from self._failure
        finally:
            queue.abandoned = True
            await self._end()

    async def _let_grow(self, queue: EventQueue) -> None:
        """A batch grows, unless a program waits for an answer."""
        if self._judge is None:
            await asyncio.sleep(BATCH_SECONDS)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BATCH_SECONDS):
                await queue.asked.wait()

    def _wake_to_scan(self, tracer: Tracer) -> None:
        """The tracer's thread may wait for a stop: have it look for processes that appeared otherwise."""
        thread, follower = self._thread, self._follower
        if follower is not None and follower.scans and thread is not None and tracer is self._tracer:
            if thread.is_alive():
                native.wake(thread.ident or 0)
            asyncio.get_running_loop().call_later(follower.scan_seconds, self._wake_to_scan, tracer)

    def _kill_leftovers(self) -> None:
        """The command has exited and left programs running, which cannot run without their tracer."""
        tracer = self._tracer
        if tracer is None or self._queue is None or self._queue.ended:
            return
        left = tracer.processes.running()
        if left:
            self._log.warning("the command left %d programs running (%s), which are killed", len(left), _named(left))
        self._request(lambda: _kill(tracer))

    def _request(self, work: Callable[[], None]) -> None:
        """Have the tracer's thread do this."""
        if self._tracer is not None:
            self._tracer.requests.append(work)
            self._wake()

    def _wake(self) -> None:
        thread, tracer = self._thread, self._tracer
        if thread is not None and tracer is not None and thread.is_alive() and tracer.requests:
            if self._follower is not None:
                self._follower.poke()
            native.wake(thread.ident or 0)
            asyncio.get_running_loop().call_later(_WAKE_INTERVAL, self._wake)

    async def update(self, demand: Demand) -> None:
        """Emit other types from now on. The seccomp filter of a running command stays: what it allows is not seen."""
        if self._tracer is None:
            return
        demanded = trace_demand(demand)
        self._unseen = (demanded.types - self._traceable) | wanted_types(demand)[1]
        if self._unseen and self._command:
            text = "source ptrace cannot see the event types %s of a command that runs already; start it again"
            self._log.warning(text, ", ".join(sorted(self._unseen)))
        self._tracer.wanted = demanded

    def make_probe(self) -> Callable[[Event], bool]:
        """See `MakesProbes`. Raises SourceUnavailable where nothing is traced any more."""
        if self._tracer is None or self._queue is None or self._queue.ended:
            raise SourceUnavailable("source ptrace: nothing is traced any more")
        probe = TracedProbe(self._tracer)
        self._request(probe.cause)
        return probe.recognises

    def counts(self) -> Mapping[str, Counts]:
        """Per event type. Of a command, and of a process, nothing is lost: a full queue makes the program wait."""
        queue = self._queue
        if queue is None:
            return {}
        received, lost = dict(queue.received), dict(queue.lost)
        return {
            name: Counts(seen=received.get(name, 0) + lost.get(name, 0), lost=lost.get(name, 0),
                         received=received.get(name, 0))
            for name in sorted(received | lost)
        }  # fmt: skip

    async def stop(self) -> None:
        """End a command (SIGTERM, after the grace period SIGKILL); detach from attached processes. Idempotent."""
        if self._stopping or self._tracer is None:
            return
        self._stopping = True
        if self._command:
            self.signal_command(signal.SIGTERM)
            self.signal_command(signal.SIGCONT)
            asyncio.get_running_loop().call_later(KILL_AFTER, self._kill_leftovers)
        elif self._follower is not None and self._queue is not None:
            self._request(self._follower.detach)
            asyncio.get_running_loop().call_later(DETACH_SECONDS, self._queue.end)

    async def _end(self) -> None:
        """Wait for the tracer thread, whose tasks are killed or detached where they still run."""
        tracer, thread = self._tracer, self._thread
        if tracer is None or thread is None:
            return
        if thread.is_alive() and not (self._queue is not None and self._queue.ended):
            self._request((lambda: _kill(tracer)) if self._follower is None else self._follower.detach)
        await asyncio.to_thread(thread.join, None if self._command else DETACH_SECONDS)


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
