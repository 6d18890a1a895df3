"""Delivery of records to the Kafka sink in the way of the core."""

import asyncio
from collections.abc import Sequence

from mozu.core.api import Record, Rejected
from mozu.plugins.sinks.kafka.sink import KafkaSink


async def until_taken(made: KafkaSink, batch: Sequence[Record]) -> None:
    """Deliver a batch until all records are taken; those to be tried again are delivered again."""
    left = list(batch)
    while left:
        outcomes = await made.deliver(left)
        assert not any(isinstance(outcome, Rejected) for outcome in outcomes)
        left = [record for record, outcome in zip(left, outcomes, strict=True) if outcome is not None]
        await asyncio.sleep(0.05)
