"""The common parts of all checks: the error that names a broken sentence, time limits, the watch over the loop.

Whatever a component raises, of any class, becomes that error, with the call that raised it.
"""

import asyncio
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from mozu.core.api import Kind
from mozu.core.api.contract import faults
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.isolation.detached import GivenUp, detached
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.texts import text_of

SECONDS: Final = 10.0
"""The time limit of a call, by default the same as in a run."""
STALL_SECONDS: Final = 0.5
"""A component that holds the event loop so long is reported; in a run the watchdog speaks after 0.1 s."""
_LOOK: Final = 0.05
_EARLIEST: Final = 10**17
"""ns since the epoch: March 1973. µs, ms and seconds of today are less."""


class BrokenContract(AssertionError):
    """A sentence of docs/plugins/component.md does not hold."""


def expect(holds: object, sentence: str) -> None:
    """Raises BrokenContract with the sentence unless it holds."""
    if not holds:
        raise BrokenContract(sentence)


def expect_time(time: object, of: str) -> None:
    """Raises BrokenContract where a time cannot be ns since the epoch: in seconds, ms or µs it lies before 1973."""
    right = isinstance(time, int) and time >= _EARLIEST
    expect(right, f"a time MUST be ns since the epoch; that of {of} is {time}, which is before 1973: is it in seconds?")


class ContractAdvice(UserWarning):
    """A sentence of the contract with SHOULD that does not hold: a warning of the checks, which fails no test."""


def advise(holds: object, sentence: str) -> None:
    """Warn of a sentence with SHOULD unless it holds."""
    if not holds:
        warnings.warn(sentence, ContractAdvice, stacklevel=2)


class BrokenSentences:
    """The sentences that do not hold, where one does not speak against the checks after it."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def expect(self, holds: object, sentence: str) -> None:
        """Note the sentence unless it holds."""
        if not holds:
            self._sentences.append(sentence)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Note what a check in the block finds, and go on."""
        try:
            yield
        except BrokenContract as error:
            self._sentences.append(str(error))

    def check(self) -> None:
        """Raises BrokenContract with all of them, one a line."""
        expect(not self._sentences, "\n".join(self._sentences))


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Raises BrokenContract for whatever the component's code in the block raises."""
    try:
        yield
    except BrokenContract:
        raise
    except BaseException as error:
        if is_ours(error):
            raise
        raise BrokenContract(f"`{what}` raised {_named(error)}") from error


def _named(error: BaseException) -> str:
    name, text = type(error).__name__, text_of(error)
    return text if text.startswith(name) else f"{name}: {text}"


def expect_members(kind: Kind, component: object, *, blocking: bool) -> None:
    """Names, parameters and `async` of its methods."""
    broken = list(faults(kind, component, blocking=blocking))
    expect(not broken, "; ".join(broken))


async def done(
    what: str, call: Callable[[], object], *, thread: WorkerThread | None = None, seconds: float = SECONDS
) -> object:
    """The result of a call, made as a run makes it: on the component's own thread if it is `blocking`.

    Raises BrokenContract if it raises, does not end, holds the event loop, or gives a coroutine where it may not.
    """
    if thread is not None:
        result = await _ended(what, thread.run(call), seconds)
        if isinstance(result, Awaitable):
            raise BrokenContract(f"`{what}` MUST be a plain function: the component is `blocking`")
        return result
    with watched_loop(what):
        result = call()
        return await _ended(what, result, seconds) if isinstance(result, Awaitable) else result


async def _ended(what: str, work: Awaitable[object], seconds: float) -> object:
    with calling(what):
        try:
            return await detached(work, what, seconds)
        except GivenUp:
            raise BrokenContract(f"`{what}` MUST end, and did not within {seconds:g} s") from None


async def stopped_twice(stop: Callable[[], object], *, thread: WorkerThread | None = None) -> None:
    """Stop, and once more."""
    await done("stop", stop, thread=thread)
    await stopped_again(stop, thread=thread)


async def stopped_again(stop: Callable[[], object], *, thread: WorkerThread | None = None) -> None:
    """Stop what was stopped."""
    try:
        await done("stop", stop, thread=thread)
    except BrokenContract as error:
        raise BrokenContract(f"`stop` MUST be idempotent; the second one: {error}") from error


@contextmanager
def own_thread(*, blocking: bool) -> Iterator[WorkerThread | None]:
    """The one thread of a `blocking` component, on which all calls of one instance are made; None for another."""
    thread = WorkerThread("mozu-kit") if blocking else None
    try:
        yield thread
    finally:
        if thread is not None:
            thread.close()


@contextmanager
def watched_loop(what: str, seconds: float = STALL_SECONDS) -> Iterator[None]:
    """Raises BrokenContract where the work in it raises, or has held the event loop for `seconds` on end, with the
    line."""
    watch = _LoopWatch(asyncio.get_running_loop(), seconds)
    watch.start()
    try:
        with calling(what):
            yield
    finally:
        watch.stop()
    if watch.place:
        text = f"`{what}` MUST NOT block the event loop, and held it for more than {seconds:g} s in {watch.place}"
        raise BrokenContract(f"{text}: await, use a thread, or declare the component `blocking`")


class _LoopWatch:
    """A thread that asks the loop for a heartbeat."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop, self._seconds = loop, seconds
        self._target = threading.get_ident()
        self._alive, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mozu-kit-watch", daemon=True)
        self.place = ""

    def start(self) -> None:
        self._loop.call_soon(self._alive.set)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(1.0)

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK):
            self._alive.clear()
            self._loop.call_soon_threadsafe(self._alive.set)
            began, frame = time.monotonic(), None
            while not self._alive.wait(_LOOK) and not self._stopped.is_set():
                now = sys._current_frames().get(self._target)
                if now is None or (frame is not None and _outermost(now) is not _outermost(frame)):
                    began = time.monotonic()  # another callback: the machine is slow, and no single one holds the loop
                frame = now
                if time.monotonic() - began >= self._seconds:
                    self.place = self.place or _place(frame)


def _outermost(frame: FrameType) -> FrameType:
    """The frame of the callback that the loop runs, as far as frames tell: the last one below the loop's own code."""
    found = frame
    while found.f_back is not None and not found.f_back.f_globals.get("__name__", "").startswith("asyncio"):
        found = found.f_back
    return found


def _place(frame: FrameType | None) -> str:
    return "unknown" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
