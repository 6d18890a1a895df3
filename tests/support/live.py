"""A live source without the pipeline: start it, act, look at the events.

with Live(EbpfSource(8 << 20, context()), demand("openat")) as live:
    act = live.act(acts.open_file, "/etc/hostname")
    act.events["openat"] …
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

import uvloop

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Context, Source
from mozu.core.filter.demand import Demand, Interest
from mozu.core.metrics import Metrics
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.syscalls import event_type
from tests.support.actor import Actor

T = TypeVar("T")
TRIES: Final = 6
PATIENCE: Final = 20.0
"""Seconds within which an expected event must happen."""

_LOUD_FAMILIES: Final = frozenset({"transfer", "memory", "mapping", "switch", "fault"})
_LOUD: Final = frozenset({"futex", "select", "epoll_wait", "fstat", "lseek", "getdents64", "sendfile", "splice"})


def _is_quiet(name: str) -> bool:
    declared = event_type(name)
    bare = declared is None or not declared.params
    return not bare and SYSCALL_SPECS[name].family not in _LOUD_FAMILIES and name not in _LOUD


QUIET: Final = tuple(sorted(filter(_is_quiet, SYSCALL_SPECS)))
"""Calls that even a busy machine makes so seldom that all of them can be kept while a test runs."""


def context(name: str = "live") -> Context:
    """Return a context such as the core passes to a component."""
    return Context(name, logging.getLogger(name), Metrics(), FieldRegistry())


def demand(*types: str, state_dependencies: Iterable[str] = ()) -> Demand:
    """Return the demand of every event of these types."""
    return Demand({"syscall": dict.fromkeys(types, Interest(frozenset(state_dependencies)))})


class Act(NamedTuple):
    """The events while a child acted."""

    pid: int
    value: Any
    """Result of the act's function."""
    events: list[SyscallEvent]
    """Events of the child and its descendants, in order, its end included."""

    def of(self, kind: str) -> list[SyscallEvent]:
        """Return the events of a type."""
        return [event for event in self.events if event.type == kind]

    def last(self, kind: str) -> SyscallEvent:
        """Return the last event of a type; a test's act is the last that its child does."""
        found = self.of(kind)
        assert found, f"no {kind} among {[event.type for event in self.events]}"
        return found[-1]


class Live:
    """A source that runs on its own thread, with the events that it yields. The loop is uvloop's, as in the product.

    `shared`: the source outlives the test that needs it, and nothing is kept from the end of an act to the next
    `forget`.
    """

    def __init__(
        self, source: Source, wanted: Demand, loop: asyncio.AbstractEventLoop | None = None, *, shared: bool = False
    ) -> None:
        self.source = source
        self._shared, self._keeping = shared, not shared
        self._wanted = wanted
        self.actor = Actor()
        self._arrived = threading.Condition()
        self._events: list[SyscallEvent] = []
        self._failure: BaseException | None = None
        self._loop = loop or uvloop.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(60)
        if self._failure is not None:
            self.actor.close()
        self._raise()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.actor.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._collect())
        except BaseException as error:  # noqa: BLE001  the test's own thread raises it
            self._failure = error
        finally:
            self._started.set()
            self._loop.close()

    async def _collect(self) -> None:
        await self.source.start(self._wanted)
        self._started.set()
        async for batch in self.source.batches():
            with self._arrived:
                if self._keeping:
                    self._events.extend(event for event in batch if isinstance(event, SyscallEvent))
                    self._arrived.notify_all()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def ended(self) -> None:
        """Wait for the last batch of a source that a test has stopped."""
        self._thread.join(PATIENCE)

    def stop(self) -> None:
        """Stop the source and wait for its last batch."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self.source.stop(), self._loop).result(PATIENCE)
            self._thread.join(PATIENCE)
        self._raise()

    def update(self, wanted: Demand) -> None:
        """Change the demand while events flow."""
        self.run(self.source.update(wanted))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine to its end, in the source's loop."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def seen(self) -> list[SyscallEvent]:
        """Return all events so far."""
        with self._arrived:
            return list(self._events)

    def forget(self) -> None:
        """Drop the events so far."""
        with self._arrived:
            self._events.clear()
            self._keeping = True

    def wait(self, found: Callable[[list[SyscallEvent]], bool]) -> list[SyscallEvent]:
        """Wait until `found` is true of the events so far."""
        deadline = time.monotonic() + PATIENCE
        with self._arrived:
            while not found(self._events):
                self._raise()
                left = deadline - time.monotonic()
                assert left > 0, f"waited {PATIENCE} s in vain; last events: {self._events[-5:]}"
                self._arrived.wait(left)
            return list(self._events)

    def lost(self) -> int:
        """Return the count of events that the source has lost so far."""
        return sum(count.lost + (count.missed or 0) for count in self.source.counts().values())

    def whole(self, once: Callable[[int], T]) -> T:
        """Return the result of `once`, called with the number of the try; try again if events were lost during the
        call.

        Raises AssertionError if events were lost in each of TRIES tries.
        """
        for number in range(TRIES):
            before = self.lost()
            found = once(number)
            if self.lost() == before:
                return found
        raise AssertionError(f"events were lost in each of {TRIES} tries: the machine is too busy for a comparison")

    def act(self, function: Callable[..., Any], *arguments: Any) -> Act:
        """Run a function of a module in a child; return its events, up to and with its end."""
        self.forget()
        pid, value = self.actor.act(function, *arguments)
        events = self.wait(lambda seen: any(e.type == "procexit" and e.pid == pid for e in reversed(seen)))
        family, mine = {pid}, []
        for event in events:
            if event.type == "_fork" and event.pid in family:
                family.add(event.observed.pid)
            if event.pid in family:
                mine.append(event)
        if self._shared:
            with self._arrived:
                self._events.clear()
                self._keeping = False
        return Act(pid, value, mine)
