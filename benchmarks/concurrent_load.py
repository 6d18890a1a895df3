"""Concurrent load: work in a thread beside what is measured."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def concurrent_load(work: Callable[[], object], pause: float = 0.0) -> Iterator[None]:
    """Repeat the work in a thread, with pauses of so many seconds, while the block runs; wait for the last one."""
    ending = threading.Event()

    def again() -> None:
        while not ending.wait(pause):
            work()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
