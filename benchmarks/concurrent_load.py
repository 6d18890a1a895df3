"""Something that goes on beside what is measured."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def concurrent_load(work: Callable[[], object], pause: float = 0.0) -> Iterator[None]:
    """Do it again and again in a thread, so many seconds apart, while the block runs; the last time is waited for."""
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
