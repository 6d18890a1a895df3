"""The source: demand in, batches of events out."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from mozu.core.abi.syscall_specs import DEFAULT_TYPES, SYSCALL_SPECS
from mozu.core.api.hookspecs import Context, Counts, Holds
from mozu.core.errors import SourceUnavailable
from mozu.core.filter.demand import Demand, state_types
from mozu.core.filter.predicate import Predicate
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import checks, kernel
from mozu.plugins.sources.ebpf.clock import Clock, ClockStep
from mozu.plugins.sources.ebpf.compiler import load_bcc
from mozu.plugins.sources.ebpf.decode import RecordDecoder
from mozu.plugins.sources.ebpf.entry_paths import Switch, usable_entry_paths
from mozu.plugins.sources.ebpf.kernel_filter import Gate, choose
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.maps import MAX_PROC_VERDICTS
from mozu.plugins.sources.ebpf.process_filter_cache import Acquaintances
from mozu.plugins.sources.ebpf.ring_buffer import RingBuffer

NAP: Final = 0.005
"""Seconds between a wake-up and the drain. Draining at once would wake up for every record: up to ten times dearer for
those who are watched."""
LONG_NAP: Final = 0.05
"""Seconds between two drains while few records keep coming. A wake-up costs about a quarter of a millisecond, most of
it because those who are watched have taken the caches."""
FEW: Final = 1000
"""So many events a drain."""
FLOOD: Final = 160e6
"""Bytes a second that a burst may write. Where so many fill the ring within LONG_NAP, naps are shorter."""
BATCH: Final = 2000
_EVERYTHING: Final = 1 << 30
CLOCK_EVERY: Final = 1.0
LOSS_PAUSE: Final = 60.0
"""Seconds after a loss of births, execs or ends for which nothing is told of processes: the state may be wrong."""
TREE: Final = frozenset({"_fork", "execve", "procexit"})
"""Always watched: without it no event has a process. It costs nothing but at births and deaths."""
FIRST: Final = ("procexit", "execve", "_fork")
"""Attached before all others, in this order: who is seen to be born must be seen to die, however soon."""
ASKED: Final = frozenset({"fds"})
"""Facets that need no events here: at each use of a descriptor the kernel is asked what it is."""
THREADS: Final = frozenset({"clone", "clone3"})
"""Types that tell of threads."""


def wanted_types(demand: Demand) -> tuple[frozenset[str], frozenset[str]]:
    """(types to watch, types that this source does not have) of a demand."""
    needs = demand.of("syscall")
    named = frozenset(needs)
    if "*" in named:
        named |= DEFAULT_TYPES
    state = state_types(demand.facets("syscall") - ASKED)
    return TREE | (named | state) & frozenset(SYSCALL_SPECS), named - frozenset(SYSCALL_SPECS) - {"*"}


def residents() -> list[int]:
    """The processes that there are."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


class EbpfSource:
    """Live system calls of this machine. See mozu.core.api.hookspecs.Source.

    `take_gaps` gives the steps of the wall clock since it was last asked.
    """

    def __init__(
        self, ring_size: int, context: Context, compat32: Switch = "auto", *, kernel_filter: bool = True
    ) -> None:
        self._ring_size = ring_size
        self._compat32 = compat32
        self._kernel_filter = kernel_filter
        self._lasting = [field.name for field in context.fields if "lasting" in field.traits]
        self._decide: Callable[[Sequence[Predicate]], Holds] | None = None
        self._acquaintances: Acquaintances | None = None
        self._lost_before = 0
        self._log = context.log
        self._loader: Loader | None = None
        self._ring: RingBuffer | None = None
        self._clock = Clock()
        self._decoder = RecordDecoder()
        self._steps: list[ClockStep] = []
        self._stopping, self._wake = asyncio.Event(), asyncio.Event()
        self._final: Mapping[str, Counts] = {}
        self._warned: set[str] = set()

    async def start(self, demand: Demand) -> None:
        """Compile, load, attach. From here on every demanded call is in the ring. Raises SourceUnavailable."""
        self._stopping.clear()
        kernel.check_machine()
        checks.check_capabilities()
        load_bcc()
        self._loader = await asyncio.to_thread(self._prepare, wanted_types(demand)[0])
        self._ring = RingBuffer(self._loader.ring, self._ring_size)
        if self._decide is not None:
            maps, ring = self._loader.maps, self._ring
            self._acquaintances = Acquaintances(maps, MAX_PROC_VERDICTS, self._decide, lambda: ring.written)
        self._decoder.offset = self._clock.offset
        try:
            await self.update(demand)
        except BaseException:
            await self._close()
            raise

    def _prepare(self, types: frozenset[str]) -> Loader:
        loader = Loader(self._ring_size, usable_entry_paths(self._compat32))
        try:
            loader.prepare(types)
        except BaseException:
            loader.close()
            raise
        return loader

    async def update(self, demand: Demand) -> None:
        """Attach what is newly wanted, then detach what no longer is; what stays is not touched."""
        if self._loader is None or self._stopping.is_set():
            return
        types, missing = wanted_types(demand)
        facets = demand.facets("syscall")
        threads = bool(THREADS & demand.of("syscall").keys()) or "*" in demand.of("syscall") or "threads" in facets
        self._loader.configure(threads=threads, environment="env" in facets, realpath="realpath" in facets)
        loader = self._loader
        only_rules = types - TREE - state_types(facets - ASKED) if self._kernel_filter else ()
        chosen = choose(demand, only_rules, self._lasting if self._acquaintances is not None else ())
        unknown = await asyncio.to_thread(loader.attach, [*FIRST, *sorted(types.difference(FIRST))])
        if unknown & TREE:
            raise SourceUnavailable("source ebpf: this kernel has no tracepoints sched_process_*")
        await asyncio.to_thread(loader.open, [path.name for path in loader.entry_paths if path.types & types - TREE])
        await asyncio.to_thread(loader.detach, loader.attached - types)
        if self._acquaintances is not None:
            self._acquaintances.choose(frozenset(), ())
        await asyncio.to_thread(self._gate, chosen.gates)
        if self._acquaintances is not None:
            asking = frozenset(name for name, gate in chosen.gates.items() if gate.asks_of_process)
            self._acquaintances.choose(asking, chosen.questions)
            self._acquaintances.introduce(await asyncio.to_thread(residents))
        if chosen.gates:
            self._log.info("the kernel leaves out what no rule can match of %s", ", ".join(sorted(chosen.gates)))
        self._warn(missing | unknown & demand.of("syscall").keys())

    def _gate(self, gates: Mapping[str, Gate]) -> None:
        if self._loader is not None and (problem := self._loader.gate(gates)):
            self._log.warning("source ebpf: the kernel does not filter for the rules: %s", problem)

    def _warn(self, names: frozenset[str]) -> None:
        fresh = sorted(names - self._warned)
        if fresh:
            self._warned.update(fresh)
            self._log.warning("source ebpf cannot see the event types %s on this kernel", ", ".join(fresh))

    async def batches(self) -> AsyncIterator[Sequence[SyscallEvent]]:
        """Events in the order of the ring, at most BATCH at once. Ends after `stop`, when the ring is empty.

        Its end gives the ring and the maps back; `counts` keeps the last numbers.
        """
        if self._ring is None:
            return
        try:
            async for batch in self._drained(self._ring):
                yield batch
        finally:
            await self._close()

    def acquaint(self, decide: Callable[[Sequence[Predicate]], Holds]) -> None:
        """How questions about processes are answered. The core calls it before `start`."""
        self._decide = decide

    def forget_processes(self) -> None:
        """The state was wrong about some process."""
        if self._acquaintances is not None:
            self._acquaintances.forget()

    async def _drained(self, ring: RingBuffer) -> AsyncIterator[Sequence[SyscallEvent]]:
        loop = asyncio.get_running_loop()
        next_check = loop.time() + CLOCK_EVERY
        long_nap = max(NAP, min(LONG_NAP, self._ring_size / FLOOD))
        while True:
            stopping = self._stopping.is_set()
            batch = ring.drain(self._decoder, BATCH)
            if batch:
                yield batch
            self._get_acquainted(ring, batch)
            if batch:
                nap = long_nap if len(batch) < FEW else NAP
                await asyncio.sleep(0 if stopping or len(batch) == BATCH else nap)
            elif stopping:
                return
            elif self._acquaintances is not None and self._acquaintances.is_asking:
                await asyncio.sleep(NAP)
            else:
                await self._wait(ring, loop)
            if loop.time() >= next_check:
                next_check = loop.time() + CLOCK_EVERY
                self._check_clock()
                self._check_losses()

    async def _wait(self, ring: RingBuffer, loop: asyncio.AbstractEventLoop) -> None:
        """Until a record is there and has had time to get company, or the source stops."""
        if self._stopping.is_set():
            return
        self._wake.clear()
        loop.add_reader(ring.fd, self._wake.set)
        timer = loop.call_later(CLOCK_EVERY, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            loop.remove_reader(ring.fd)
        if not self._stopping.is_set():
            await asyncio.sleep(NAP)

    def _get_acquainted(self, ring: RingBuffer, batch: Sequence[SyscallEvent]) -> None:
        """Of whom the kernel should know more, and what; the batch has gone through the state."""
        if self._acquaintances is not None:
            self._acquaintances.answer(ring.read)
            self._acquaintances.notice(batch)

    def _check_losses(self) -> None:
        """A lost exec leaves the state with the program before it."""
        if self._loader is None or self._acquaintances is None:
            return
        lost = 0
        for name in TREE:
            _, _, in_ring, missed = self._loader.count(name)
            lost += in_ring + (missed or 0)
        if lost != self._lost_before:
            self._lost_before = lost
            self._acquaintances.pause(LOSS_PAUSE)

    def _check_clock(self) -> None:
        step = self._clock.check()
        if step is not None:
            self._steps.append(step)
            self._decoder.offset = self._clock.offset

    def take_gaps(self) -> list[str]:
        """Steps of the wall clock since the last call, oldest first, each as a sentence."""
        steps, self._steps = self._steps, []
        return [f"the wall clock was set by {step.by / 1e9:+.3f} s" for step in steps]

    def counts(self) -> Mapping[str, Counts]:
        """Per event type, since the start. seen = filtered + lost + missed + received once the ring is empty.

        An entry path is counted by its name where the kernel skipped its programs: which calls those were is not known.
        """
        loader = self._loader
        if loader is None:
            return self._final
        found: dict[str, Counts] = {}
        for name, spec in SYSCALL_SPECS.items():
            if name in loader.watched:
                seen, filtered, lost, missed = loader.count(name)
                lost += self._decoder.discarded[spec.number]
                found[name] = Counts(seen, filtered, lost, missed, self._decoder.received[spec.number])
        for path, skipped in loader.missed_by_entry_path().items():
            if skipped:
                found[path] = Counts(seen=skipped, missed=skipped)
        return found

    async def stop(self) -> None:
        """See nothing more from now on; `batches` yields what is left and ends. Idempotent."""
        if self._loader is not None and not self._stopping.is_set():
            self._loader.configure(off=True)
        self._stopping.set()
        self._wake.set()

    async def _close(self) -> None:
        if self._loader is None:
            return
        self._acquaintances = None
        await asyncio.to_thread(self._loader.detach, self._loader.attached)
        if self._ring is not None:
            self._ring.drain(self._decoder.discard, _EVERYTHING)
        self._final = self.counts()
        loader, self._loader = self._loader, None
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        await asyncio.to_thread(loader.close)

