"""Records that are not acknowledged in time: the sink `kafka` before a producer that the test acknowledges for."""

import asyncio
from typing import Any, cast

from aiokafka.errors import KafkaConnectionError

from mozu.core.api import Retry
from mozu.core.common.kafka.producer import KafkaMessage, KafkaProducer
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink


class Producer:
    """Producer that takes every message."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.acknowledgements: dict[int, asyncio.Future[Any]] = {}

    async def open(self) -> None:
        pass

    async def require_topic(self, topic: str) -> None:
        pass

    async def send(self, message: KafkaMessage) -> "asyncio.Future[Any]":
        self.sent.append(message.number)
        future = self.acknowledgements[message.number] = asyncio.get_running_loop().create_future()
        return future

    def is_throttled(self) -> bool:
        return False

    async def close(self, *, flush: float) -> None:
        pass


def sink(producer: Producer) -> KafkaSink:
    made = KafkaSink(KafkaSettings(bootstrap_servers=("nowhere:9092",), timeout=0.01), context())
    made._producer = cast("KafkaProducer", producer)
    return made


def test_a_record_under_way_is_not_sent_again() -> None:
    async def run() -> None:
        producer = Producer()
        made, (record,) = sink(producer), records(alert())
        (first,) = await made.deliver([record])
        assert isinstance(first, Retry)
        producer.acknowledgements[1].set_result(None)
        assert ([None], [1]) == (await made.deliver([record]), producer.sent)
        await made.stop()

    asyncio.run(run())


def test_a_record_that_failed_is_sent_again() -> None:
    async def run() -> None:
        producer = Producer()
        made, (record,) = sink(producer), records(alert())
        await made.deliver([record])
        producer.acknowledgements[1].set_exception(KafkaConnectionError())
        (again,) = await made.deliver([record])
        assert isinstance(again, Retry)
        await made.deliver([record])
        assert [1, 1] == producer.sent
        await made.stop()

    asyncio.run(run())


def test_of_a_batch_that_is_delivered_again_only_new_records_are_sent() -> None:
    async def run() -> None:
        producer = Producer()
        made, (one, two) = sink(producer), records(alert("one"), alert("two"))
        await made.deliver([one])
        await made.deliver([one, two])
        assert [1, 2] == producer.sent
        await made.stop()

    asyncio.run(run())
