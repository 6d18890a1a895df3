"""Exceptions that end a component's call without being its failure: mozu's own cancellation.

A component may raise anything. SystemExit and KeyboardInterrupt would end the process, CancelledError the task that
called it, GeneratorExit the coroutine, so each is the component's failure unless mozu has caused it.
"""

import asyncio
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE

from mozu.core.isolation.ctrl_c import is_by_signal


def is_ours(error: BaseException) -> bool:
    """Return True if mozu caused an exception that a component's code raised, so that it must propagate."""
    if isinstance(error, asyncio.CancelledError):
        return is_being_cancelled()
    if isinstance(error, GeneratorExit):
        return _is_closed(error)
    return isinstance(error, KeyboardInterrupt) and is_by_signal()


def is_being_cancelled() -> bool:
    """Return True if the running task was cancelled, and not by a component (`OwnedTask`)."""
    task = _task()
    return task is not None and task.cancelling() > _asked_by_components(task)


def withdraw() -> None:
    """Withdraw the components' requests to cancel the running task."""
    task = _task()
    while task is not None and _asked_by_components(task):
        task.uncancel()


def _asked_by_components(task: object) -> int:
    number: int = getattr(task, "by_components", 0)
    return number


def _is_closed(error: GeneratorExit) -> bool:
    """Return True if the block that caught the exception is in a coroutine that is being closed: a coroutine without a
    running loop can only be closing. Other functions (callbacks, calls on threads) are never closed."""
    trace = error.__traceback__
    is_coroutine = trace is not None and bool(trace.tb_frame.f_code.co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR))
    return is_coroutine and asyncio._get_running_loop() is None


def _task() -> "asyncio.Task[object] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None
