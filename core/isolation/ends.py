"""Which exceptions end a call of a component without being its failure: mozu's own cancellation.

A component may raise anything. SystemExit and KeyboardInterrupt would end the process, CancelledError the task that
called it, so each is the component's failure unless mozu has caused it.
"""

import asyncio
import functools
import signal
import threading


def is_ours(error: BaseException) -> bool:
    """Whether an exception that came out of a component's code was caused by mozu, and must go on."""
    if isinstance(error, asyncio.CancelledError):
        return is_being_cancelled()
    if isinstance(error, GeneratorExit):
        return _task() is None  # a coroutine that is closed outside its task; a running one gets none
    return isinstance(error, KeyboardInterrupt) and _is_by_signal()


def is_being_cancelled() -> bool:
    """Whether the running task was cancelled, by whatever holds it."""
    task = _task()
    return task is not None and task.cancelling() > 0


def _task() -> "asyncio.Task[object] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None


def _is_by_signal() -> bool:
    """Whether Ctrl-C raises KeyboardInterrupt here: by Python's own handler, or that of `asyncio.Runner` (a partial).
    Once the engine handles SIGINT no signal does."""
    handler = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and (handler is signal.default_int_handler or isinstance(handler, functools.partial))
