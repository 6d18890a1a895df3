"""Detached work: a component's coroutine in a task of its own, which is abandoned if it does not end.

A task group waits for its tasks without limit, and so does an `await` of a coroutine; one that ignores its cancellation
would keep mozu from stopping. Detached work is cancelled, and abandoned if it continues all the same: nothing waits for
it any more, and it ends with the process.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final, Generic, TypeVar

import msgspec

from mozu.core.cpu_wait import ExtraTime

T = TypeVar("T")

GRACE: Final = 0.2
"""Seconds for cancelled work to clean up before it is abandoned."""


class CancelledByItself(RuntimeError):
    """Work has ended as cancelled, though the task that awaits it was not cancelled."""


class GivenUp(Exception):
    """Work has not ended within its time."""


_abandoned: set["asyncio.Task[_Outcome[object]]"] = set()
"""Work that ignores its cancellation; referenced here, so that it is not collected while it runs."""


class _Outcome(msgspec.Struct, Generic[T]):
    """The result or exception of work. A task that raises SystemExit or KeyboardInterrupt would end the event loop."""

    value: T | None = None
    error: BaseException | None = None


async def detached(work: Awaitable[T], name: str, seconds: float | None = None) -> T:
    """Return the result of `work`. Raises its errors, and GivenUp if it has not ended after `seconds`, without the time
    spent waiting for a CPU.

    Work that cancels itself raises CancelledByItself: only the caller's own cancellation is raised as such.
    """
    # no task group owns the task, because it would wait for the task
    task = asyncio.ensure_future(_outcome(work))
    task.set_name(name)
    left, extra = seconds, ExtraTime()
    try:
        while not (await asyncio.wait([task], timeout=left))[0]:
            left = extra.take()
            if not left:
                break
    except asyncio.CancelledError:
        await _give_up(task)
        raise
    if not task.done():
        await _give_up(task)
        raise GivenUp
    if task.cancelled():
        raise CancelledByItself(f"{name} was cancelled by itself")
    outcome = task.result()
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # a T: it has not raised


async def _outcome(work: Awaitable[T]) -> _Outcome[T]:
    try:
        return _Outcome(await work)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  raised again by `detached`
        return _Outcome(error=error)


async def _give_up(task: "asyncio.Task[_Outcome[T]]") -> None:
    task.cancel()
    try:
        await asyncio.wait([task], timeout=GRACE)
    finally:
        if not task.done():
            _abandoned.add(task)  # type: ignore[arg-type]  # what it gives is never looked at
            task.add_done_callback(_abandoned.discard)
