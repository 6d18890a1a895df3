"""The end of deliveries to a sink: a stop does not wait for what would be in vain."""

import asyncio
from contextlib import suppress

from mozu.core.api import Sink
from mozu.core.delivery.sink_counters import LOOP_HELD, NOT_STARTED
from mozu.core.isolation.isolated import Isolated


class DeliveryGivenUp(Exception):
    """The stop has begun, and it would be in vain to wait for the sink; why."""


class DeliveryEnd:
    """Of one sink worker."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """No alert comes any more."""
        self._begun.set()

    async def wait_suspended(self, sink: Isolated[Sink]) -> None:
        """Until the sink is not left out any more. Raises DeliveryGivenUp once the end has begun: it would hold the
        event loop again."""
        while seconds := sink.suspension.left():
            if self._begun.is_set():
                raise DeliveryGivenUp(LOOP_HELD)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._begun.wait()

    def expect_start(self, sink: Isolated[Sink]) -> None:
        """Raise DeliveryGivenUp at the end of a sink that has never started: its start is not tried again."""
        if self._begun.is_set() and not sink.is_ready:
            raise DeliveryGivenUp(NOT_STARTED)
