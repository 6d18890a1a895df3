"""Deadlines of calls of components: a call that exceeds its deadline is abandoned, named and counted.

A call that awaits is cancelled at its deadline, and abandoned if it ignores that (`detached.py`). A call that holds the
event loop is interrupted (`interrupter.py`).
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

from mozu.core.errors import DeadlineExceeded
from mozu.core.isolation.detached import GivenUp, detached
from mozu.core.isolation.interrupter import Interrupted, limited
from mozu.core.isolation.isolated import Isolation

T = TypeVar("T")

STOP_SECONDS: Final = 10.0
"""Most seconds for `stop`, unless `stop_deadline` is set."""


async def within(component: Isolation, method: str, seconds: float, call: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `await call()`. Raises the call's errors, and DeadlineExceeded after `seconds`."""
    with _named(component, method, seconds):
        work = _limited(call, seconds, partial(_waiting, component, method, seconds))
        return await detached(work, f"{method} {component.kind} {component.name}", seconds)


@contextmanager
def deadline(component: Isolation, method: str, seconds: float) -> Iterator[None]:
    """Run a component's code that is called and not awaited. Raises DeadlineExceeded after `seconds`."""
    with _named(component, method, seconds), limited(seconds, partial(_waiting, component, method, seconds)):
        yield


async def _limited(call: Callable[[], Awaitable[T]], seconds: float, on_slow: Callable[[], None]) -> T:
    with limited(seconds, on_slow):
        return await call()


def _waiting(component: Isolation, method: str, seconds: float) -> None:
    """Log once per method that mozu waits for the component."""
    if method not in component.awaited:
        component.awaited.add(method)
        component.log.warning("waiting for %s: %s (%g s at most)", component, method, seconds)


@contextmanager
def _named(component: Isolation, method: str, seconds: float) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    except GivenUp:
        raise exceeded(component, method, seconds) from None
    except Interrupted:  # perhaps before its time, because mozu is to stop or sources run
        component.has_held = True
        raise exceeded(component, method, min(seconds, time.monotonic() - began)) from None


def exceeded(component: Isolation, method: str, seconds: float) -> DeadlineExceeded:
    """Return the error for an exceeded deadline, and count it."""
    component.metrics.counter("component_deadline_exceeded_total", method=method).value += 1
    return DeadlineExceeded(f"{component.kind} {component.name}: `{method}` did not end within {seconds:.3g} s")
