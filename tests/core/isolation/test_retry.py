"""Components that did not start are tried again, as long as they are in use."""

import asyncio

from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.retry import retry_start
from mozu.core.metrics import Metrics
from mozu.core.testing import virtual_clock


def tried(*, retired_after: int) -> tuple[bool, int]:
    """Return True if the component started at its third attempt, and the number of attempts."""
    component = Isolated[object]("enricher", "late", object(), Metrics())
    component.is_ready = False
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        component.is_retired = attempts >= retired_after
        if attempts < 3:
            raise OSError("not yet")

    started = virtual_clock.run(retry_start(component, attempt, asyncio.Event()))
    assert started == component.is_ready
    return started, attempts


def test_a_component_is_tried_until_it_starts() -> None:
    assert (True, 3) == tried(retired_after=99)


def test_a_component_that_a_reload_has_removed_is_not_tried_again() -> None:
    assert (False, 2) == tried(retired_after=2)
