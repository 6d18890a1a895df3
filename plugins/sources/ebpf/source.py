"""The source `ebpf`: attaches BPF programs for the demand, polls the ring buffer, yields batches of events."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, cast

from mozu.core.abi.limits import DATA_MAX
from mozu.core.api import (
    CompilePredicates,
    Context,
    Counts,
    Flood,
    KernelDenial,
    KernelKills,
    Settings,
    SourceUnavailable,
    UnattendedActs,
)
from mozu.core.filter.demand import Demand
from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent
from mozu.plugins.sources.ebpf import checks
from mozu.plugins.sources.ebpf.accounts import Accounts, event_counts
from mozu.plugins.sources.ebpf.acts.in_kernel import InKernel, warn_of
from mozu.plugins.sources.ebpf.btf import BTF_FILE
from mozu.plugins.sources.ebpf.decode import RecordDecoder
from mozu.plugins.sources.ebpf.decode.reading import Clock, ClockStep
from mozu.plugins.sources.ebpf.entry_paths import Switch
from mozu.plugins.sources.ebpf.kernel_filter import Chosen, choose, discardable_opens
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.loader import Loader, prepared_loader
from mozu.plugins.sources.ebpf.loader_thread import LoaderThread
from mozu.plugins.sources.ebpf.maps import MAX_PROC_VERDICTS
from mozu.plugins.sources.ebpf.ring import MAX_BATCH, FlowMap, RingBuffer, RingWaiter
from mozu.plugins.sources.ebpf.settings import EbpfSettings
from mozu.plugins.sources.ebpf.tracepoints import (
    ATTACH_ORDER,
    CGROUP_EVENTS,
    PROCESS_EVENTS,
    filterable_types,
    recorded_beside,
    wanted_types,
)
from mozu.plugins.sources.ebpf.verdicts import JudgedCalls, Prepared, ProcessFilterCache
from mozu.plugins.sources.ebpf.visibility import fork_probe

CHECK_INTERVAL: Final = 1.0
"""Seconds between two checks of the wall clock and of the loss counters."""
CACHE_SUSPEND_SECONDS: Final = 60.0
"""Seconds for which no verdicts are written after a loss of forks, execs, exits or moves, because the state may be
wrong."""


class EbpfSource:
    """Live system calls of this machine. See mozu.core.api.Source.

    `take_gaps` returns the steps of the wall clock since its last call.
    """

    def __init__(
        self, ring_size: int, context: Context, compat32: Switch = "auto", *, kernel_filter: bool = True,
        btf_file: Path = BTF_FILE, snaplen: int = DATA_MAX,
    ) -> None:  # fmt: skip
        self._ring_size, self._snaplen, self._btf_file = ring_size, snaplen, btf_file
        self._compat32, self._kernel_filter = compat32, kernel_filter
        self._cacheable = cacheable_fields(context.fields, sees_moves=checks.has_cgroup_tracepoint())
        self._compile_predicates: CompilePredicates | None = None
        self._process_cache: ProcessFilterCache | None = None
        self._lost_before = 0
        self._log = context.log
        self._loader: Loader | None = None
        self._thread = LoaderThread()
        self._paths: frozenset[str] = frozenset()
        """Entry paths that are open besides the native one."""
        self._records: frozenset[str] = frozenset()
        """Records wanted besides those of calls, in the names of `Loader.configure`."""
        self._ring: RingBuffer | None = None
        self._flow: FlowMap | None = None
        self._accounts: Accounts | None = None
        self._judged: JudgedCalls | None = None
        self._waiter: RingWaiter | None = None
        self._floods: list[Flood] = []
        """Floods collected when the maps were unmapped."""
        self._clock = Clock()
        self._decoder = RecordDecoder()
        self._clock_steps: list[ClockStep] = []
        self._stopping = asyncio.Event()
        self._final: Mapping[str, Counts] = {}
        self._warned: set[str] = set()
        self._filtered: frozenset[str] = frozenset()
        """Event types that have a kernel filter."""
        self._unfiltered: frozenset[str] = frozenset()
        """Event types that rules name and that have no kernel filter."""
        context.metrics.gauge("kernel_filter_types", lambda: len(self._filtered), state="filtered")
        context.metrics.gauge("kernel_filter_types", lambda: len(self._unfiltered), state="unfiltered")
        self._kills = InKernel(context)
        self._recognised = 0
        """Number of discarded opens at the last end."""
        context.metrics.gauge("kernel_judged_calls_total", self._judged_calls)

    async def start(self, demand: Demand) -> None:
        """Load and attach; from then on demanded calls are in the ring buffer. Raises SourceUnavailable."""
        self._stopping.clear()
        checks.check_machine()
        checks.check_capabilities()
        checks.warn_of_namespace(self._log)
        self._thread = thread = LoaderThread()
        try:
            loader, chosen = await asyncio.gather(  # kernel filters are chosen while the verifier looks at programs
                thread.make(partial(self._prepare, wanted_types(demand)[0])), self._choose(demand)
            )
        except BaseException:
            await thread.end()
            raise
        self._loader, self._ring = loader, RingBuffer(loader.ring, self._ring_size)
        self._flow = FlowMap(loader.maps["FLOW"], self._ring_size)
        self._judged = JudgedCalls(loader.maps, self._flow)
        self._accounts = Accounts(loader.maps["ACCOUNTS"], asyncio.get_running_loop().time)
        self._waiter = RingWaiter(self._ring.fd, self._ring_size, self._flow, self._ring.pending)
        if self._compile_predicates is not None:
            at, ask = self._ring, self._compile_predicates
            self._process_cache = ProcessFilterCache(loader.maps, MAX_PROC_VERDICTS, ask, lambda: at.producer_position)
        self._decoder.offset = self._clock.offset
        try:
            await self._update(loader, self._judged, demand, chosen)
        except BaseException:
            await self._close()
            raise

    async def _choose(self, demand: Demand) -> Chosen:
        """Return the kernel filters, chosen on a thread: half a second of Python for mozu's own rules, in which no
        single call holds the interpreter's lock for long."""
        fields = self._cacheable if self._compile_predicates is not None else ()
        return await asyncio.to_thread(choose, demand, self._types(demand), fields)

    def _types(self, demand: Demand) -> Collection[str]:
        """Return the event types that may have a kernel filter."""
        return filterable_types(demand) if self._kernel_filter else ()

    def _prepare(self, types: frozenset[str]) -> Loader:
        return prepared_loader(
            types, self._ring_size, self._compat32, self._btf_file, self._snaplen, self._log,
            can_be_pinned=self._kills.goes_on,
        )  # fmt: skip

    async def update(self, demand: Demand) -> None:
        """Attach the programs of new event types, then detach those no longer wanted; others are not touched.

        If that fails, the former programs continue.
        """
        loader, judged = self._loader, self._judged
        if loader is not None and judged is not None and not self._stopping.is_set():
            await self._update(loader, judged, demand, await self._choose(demand))

    async def _update(self, loader: Loader, judged: JudgedCalls, demand: Demand, chosen: Chosen) -> None:
        types, missing = wanted_types(demand)
        needs, run = demand.of("syscall").keys(), self._thread.run
        records = recorded_beside(demand)
        judged.use(frozenset(), OpenedName.UNUSED)
        loader.configure(**dict.fromkeys(records | self._records, True))
        ordered = [*ATTACH_ORDER, *sorted(types.difference(ATTACH_ORDER))]
        unknown = await run(lambda loader: loader.attach(ordered))
        if unknown & PROCESS_EVENTS:
            raise SourceUnavailable("source ebpf: this kernel has no tracepoints sched_process_*")
        demanded = types - PROCESS_EVENTS
        paths = frozenset(path.name for path in loader.entry_paths if path.types & demanded)
        await run(lambda loader: loader.set_entry_paths(paths | self._paths))
        try:
            refused = await self._exchange(chosen)
            await self._kills.update(loader, self._thread)
            await run(lambda loader: loader.detach(loader.attached - types))
            await run(lambda loader: loader.set_entry_paths(paths))
        except BaseException:  # the filters of the rules before may be gone: every call passes
            self._thread.post(lambda loader: loader.set_filters({}))
            raise
        if self._loader is None or self._stopping.is_set():
            return
        loader.configure(**dict.fromkeys(records, True))
        self._paths, self._records = paths, records
        judged.use(*discardable_opens(demand, self._types(demand)))
        self._filtered = frozenset(loader.filters)
        self._unfiltered = (types & needs) - self._filtered
        _say_what_is_filtered(self._log, self._filtered, self._unfiltered, refused)
        warn_of(self._log, "source ebpf: the event types %s are not watched: %s", loader.unloaded)
        self._warn(missing | unknown & needs)

    async def _exchange(self, chosen: Chosen) -> Mapping[str, str]:
        """Replace the kernel filters; return those that the kernel has refused, with the reason."""
        cache, prepared = self._process_cache, Prepared()
        if cache is not None:
            prepared = await self._thread.run(lambda _: cache.prepare(chosen.predicates))
            cache.configure(frozenset(), Prepared())
        refused = await self._thread.run(lambda loader: loader.set_filters(chosen.functions))
        if cache is not None and self._loader is not None:  # it may have been closed meanwhile
            filters = self._loader.filters.items()
            asking = frozenset(name for name, function in filters if function.uses_process_predicates)
            cache.configure(asking, prepared)
            cache.prefetch(await asyncio.to_thread(checks.running_pids))
        return refused

    def _warn(self, names: frozenset[str]) -> None:
        fresh = sorted(names - self._warned)
        if fresh:
            self._warned.update(fresh)
            self._log.warning("source ebpf cannot see the event types %s on this kernel", ", ".join(fresh))

    async def batches(self) -> AsyncIterator[Sequence[SyscallEvent | UndecodedEvent]]:
        """Yield events in the order of the ring, at most MAX_BATCH at once. Ends after `stop`, when the ring is empty.

        At its end the ring buffer and the maps are freed; `counts` keeps the last numbers.
        """
        if self._ring is None or self._flow is None or self._waiter is None:
            return
        try:
            async for batch in self._poll(self._ring, self._flow, self._waiter):
                yield batch
        finally:
            await self._close()

    def use_process_predicates(self, compile_predicates: CompilePredicates) -> None:
        """Set the compiler of the kernel filter's process predicates. The core calls it before `start`."""
        self._compile_predicates = compile_predicates

    def use_kills(self, kills: KernelKills) -> None:
        """Use these rules; see `KillsInKernel`."""
        self._kills.use(kills)

    def take_denials(self) -> Sequence[KernelDenial]:
        """Return the denials since the last call; see `DeniesInKernel`."""
        return self._kills.take_denials()

    def take_unattended(self) -> Sequence[UnattendedActs]:
        """Return acts while no mozu ran; see `ActsUnattended`."""
        return self._kills.take_unattended()

    def change_settings(self, settings: Settings) -> None:
        """Switch the kernel filter, from the next `update` on. See `ChangesSettings`."""
        assert isinstance(settings, EbpfSettings)
        self._kernel_filter = settings.kernel_filter

    def leave_undecoded(self, types: frozenset[str]) -> None:
        """Return events of these types undecoded; see `LeavesUndecoded`."""
        self._decoder.leave_undecoded(types)

    def discard_judged(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        """Let the kernel discard equal calls; see `DiscardsJudged`."""
        if self._judged is not None:
            self._judged.take(events, classes)

    def invalidate_processes(self) -> None:
        """Drop all verdicts and evaluate them again, because the state of a process was wrong and has been repaired."""
        if self._judged is not None:
            self._judged.forget()
        if self._process_cache is not None:
            self._process_cache.invalidate()

    def shrink(self) -> int:
        """Drop the verdicts on processes; return their number. See `Shrinks`."""
        return 0 if self._process_cache is None else self._process_cache.shrink()

    def state_applied(self, batch: Sequence[Event]) -> None:
        """Write verdicts on processes into the kernel's maps, and count calls by process. See `FollowsState`."""
        if self._ring is not None and self._process_cache is not None:
            self._process_cache.publish(self._ring.consumer_position)
            self._process_cache.observe(cast("Sequence[SyscallEvent | UndecodedEvent]", batch))  # this source's own

    async def _poll(
        self, ring: RingBuffer, flow: FlowMap, waiter: RingWaiter
    ) -> AsyncIterator[Sequence[SyscallEvent | UndecodedEvent]]:
        """Drain the ring buffer, and wait as in ring.py."""
        loop = asyncio.get_running_loop()
        next_check = loop.time() + CHECK_INTERVAL
        while True:
            stopping = self._stopping.is_set()
            waiter.before_drain()
            batch: list[SyscallEvent | UndecodedEvent] = ring.drain(self._decoder, MAX_BATCH)
            flow.set_consumed(ring.consumer_position)
            if batch:
                yield batch
            elif stopping:
                return
            elif self._process_cache is not None:
                self._process_cache.publish(ring.consumer_position)  # all before are in the state: see `state_applied`
            if self._stopping.is_set():
                await asyncio.sleep(0)
            else:
                is_pending = self._process_cache is not None and self._process_cache.is_pending
                await waiter.after_drain(len(batch), busy=is_pending)
            if loop.time() >= next_check:
                next_check = loop.time() + CHECK_INTERVAL
                self._check_clock()
                self._suspend_cache_after_loss()

    def _suspend_cache_after_loss(self) -> None:
        """Suspend verdicts after a loss: after a lost exec the state still has the program before it."""
        if self._loader is None or self._process_cache is None:
            return
        lost = 0
        for name in PROCESS_EVENTS | CGROUP_EVENTS:
            _, _, in_ring, _, missed = self._loader.count(name)
            lost += in_ring + (missed or 0)
        if lost != self._lost_before:
            self._lost_before = lost
            self._process_cache.suspend(CACHE_SUSPEND_SECONDS)

    def _check_clock(self) -> None:
        step = self._clock.check()
        self._decoder.offset = self._clock.offset
        if step is not None:
            self._clock_steps.append(step)

    def _judged_calls(self) -> int:
        """Return the number of opens that the kernel has discarded because equal ones were judged."""
        return self._recognised if self._judged is None else self._judged.recognised()

    def take_gaps(self) -> list[str]:
        """Return sentences, oldest first, on steps of the wall clock since the last call, and on changed maps."""
        steps, self._clock_steps = self._clock_steps, []
        return [*(f"the wall clock was set by {step.by / 1e9:+.3f} s" for step in steps), *self._kills.take_gaps()]

    def take_floods(self) -> list[Flood]:
        """Return the floods that have begun or ended; see `ReportsFloods`."""
        taken, self._floods = self._floods, []
        return taken if self._accounts is None else [*taken, *self._accounts.take_floods()]

    def make_probe(self) -> Callable[[Event], bool]:
        """Make a probe; see `MakesProbes`. Raises SourceUnavailable if nothing is attached."""
        if self._loader is None:
            raise SourceUnavailable("source ebpf: no program is attached")
        return fork_probe(self._loader.own_pid)

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts by event type, since the start."""
        loader = self._loader
        if loader is None:
            return self._final
        return event_counts(loader, self._decoder)

    async def stop(self) -> None:
        """Record nothing from now on; `batches` yields the remaining events and ends. Idempotent."""
        if self._loader is not None and not self._stopping.is_set():
            self._loader.configure(off=True)
        self._stopping.set()
        if self._waiter is not None:
            self._waiter.interrupt()

    async def _close(self) -> None:
        if self._loader is None:
            return
        self._process_cache = None
        await self._thread.run(Loader.end_records)
        if self._waiter is not None:
            self._waiter.close()
            self._waiter = None
        if self._ring is not None:
            self._ring.drain(self._decoder.discard, sys.maxsize)
        if self._accounts is not None:
            self._floods += self._accounts.close()
            self._accounts = None
        self._recognised, self._judged = self._judged_calls(), None
        self._kills.close()
        if self._flow is not None:
            self._flow.close()
            self._flow = None
        self._final = self.counts()
        self._loader = None
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        await self._thread.end()


def _say_what_is_filtered(
    log: logging.Logger, filtered: Collection[str], unfiltered: Collection[str], refused: Mapping[str, str]
) -> None:
    """Log how many event types have a kernel filter, and at `debug` which. `refused`: reason for a missing
    filter although the rules allow one, by event type."""
    if filtered:
        names, others = (", ".join(sorted(found)) or "none" for found in (filtered, unfiltered))
        log.info("kernel filter: %d event types filtered, %d unfiltered", len(filtered), len(unfiltered))
        log.debug("kernel filter: filtered event types: %s; unfiltered: %s", names, others)
    warn_of(log, "source ebpf: no kernel filter for %s: %s", refused)
