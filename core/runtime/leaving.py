"""Exit of the process in every case, even if a thread or the event loop cannot be brought to an end."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

_log = logging.getLogger("mozu.engine")

_THREAD_SECONDS: Final = 1.0
"""Seconds that threads of components may keep the process alive once all else has ended."""


_LAST_SECONDS: Final = 2.0
"""Seconds that the final report may take: it may call a component that hangs."""
_last_words: Final[list[Callable[[], object]]] = []


@contextmanager
def last_words(say: Callable[[], object]) -> Iterator[None]:
    """Have `leave` call this function first, on a thread, if it ends the process while the block runs."""
    _last_words.append(say)
    try:
        yield
    finally:
        _last_words.clear()


def leave(code: int, why: str) -> NoReturn:
    """End the process without the interpreter's own end, which would wait for threads."""
    _log.error("%s: leaving", why)
    for say in _last_words:
        thread = threading.Thread(target=say, name="mozu-last-words", daemon=True)
        thread.start()
        thread.join(_LAST_SECONDS)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):
            stream.flush()
    os._exit(code)


def leave_soon(code: int) -> None:
    """Make sure that no hanging thread keeps the process, which the caller is about to end."""
    if any(not thread.daemon for thread in _others()):
        threading.Thread(target=_leave_later, args=(code,), name="mozu-leaving", daemon=True).start()


def _leave_later(code: int) -> None:
    time.sleep(_THREAD_SECONDS)  # if the process ends before, so does this thread
    names = ", ".join(sorted(thread.name for thread in _others() if not thread.daemon))
    leave(code, f"threads are still at work that mozu does not wait for ({names})")


def _others() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
