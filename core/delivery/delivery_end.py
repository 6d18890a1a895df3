"""The end of deliveries to a sink: stopping does not wait for deliveries that cannot succeed."""

import asyncio
from contextlib import suppress

from mozu.core.api import Sink
from mozu.core.delivery.sink_counters import LOOP_HELD, NOT_STARTED
from mozu.core.isolation.isolated import Isolated


class DeliveryGivenUp(Exception):
    """The stop has begun, and waiting for the sink would be in vain; the message says why."""


class DeliveryEnd:
    """The end of one sink worker's deliveries."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """Begin the end: no more alerts come."""
        self._begun.set()

    async def wait_suspended(self, sink: Isolated[Sink]) -> None:
        """Wait until the sink is no longer suspended. Raises DeliveryGivenUp once the end has begun, because the sink
        would hold the event loop again."""
        while seconds := sink.suspension.left():
            if self._begun.is_set():
                raise DeliveryGivenUp(LOOP_HELD)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._begun.wait()

    def expect_start(self, sink: Isolated[Sink]) -> None:
        """Raise DeliveryGivenUp if the end has begun and the sink has never started: its start is not tried again."""
        if self._begun.is_set() and not sink.is_ready:
            raise DeliveryGivenUp(NOT_STARTED)
