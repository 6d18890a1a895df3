"""The sink itself: records to a producer and outcomes back."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError

from mozu.core.api import Context, Record, Rejected, Retry
from mozu.core.api.hookspecs import Outcome
from mozu.core.errors import ConfigError
from mozu.plugins.sinks.kafka.client import arguments
from mozu.plugins.sinks.kafka.client_throttle import THROTTLED
from mozu.plugins.sinks.kafka.compatibility import require_compatible
from mozu.plugins.sinks.kafka.dead_letters import Burial
from mozu.plugins.sinks.kafka.log_dedup import Voice
from mozu.plugins.sinks.kafka.message import KafkaMessage, KafkaMessages
from mozu.plugins.sinks.kafka.outcome import breaks_client, is_final, outcome
from mozu.plugins.sinks.kafka.producer import Producer, Unreachable
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.topics import TopicMissing

_WAIT: Final = Retry(tried=False)
_LULL: Final = 1.0
"""Seconds without a further acknowledgement after which the rest of a batch is asked for again later."""
Future = asyncio.Future[Any]


def build(settings: KafkaSettings, context: Context) -> "Kafka":
    """Raises ConfigError where settings do not fit the format, or a certificate or this aiokafka cannot be used."""
    try:
        require_compatible()
        arguments(settings)
        return Kafka(settings, context)
    except ValueError as error:
        raise ConfigError([f"sink {context.id}: {error}"]) from None


class Kafka:
    """Pipelines a batch and waits for its acknowledgements.

    A record that is not acknowledged in time stays under way, since aiokafka goes on with it: when the core brings it
    again its future is waited for, and nothing is sent twice unless the producer had to be thrown away.
    """

    def __init__(self, settings: KafkaSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        self._voice = Voice(context.log, context.metrics)
        self._messages = KafkaMessages(settings, context.content_type)
        self._producer = Producer(settings, self._voice, context.metrics)
        letters = settings.dead_letter_topic
        self._burial = Burial(letters, settings.timeout, self._producer, context.log) if letters else None
        self._under_way: dict[int, Future] = {}
        self._held: dict[str, tuple[int, BaseException]] = {}
        """Topic → the number of the first record that waits for it, and why."""
        self._moved_at: float | None = None
        """When a wait without any acknowledgement ended; None: the last one brought some."""
        self._broken: BaseException | None = None
        """Why the producer cannot go on."""
        self._resent = context.metrics.counter("sink_alerts_resent_total")
        context.metrics.gauge("kafka_under_way_records", lambda: float(len(self._under_way)))

    async def start(self) -> None:
        """Brokers that are absent are found out with the first alert."""

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """The outcome of each."""
        if not records:
            return []
        try:
            await self._producer.open()
        except Unreachable as reason:
            self._voice.trouble(f"no connection to Kafka ({', '.join(self._settings.servers)}): {reason}")
            return [_WAIT] * len(records)
        messages = [self._messages.make(record) for record in records]
        failures = await self._pipelined(messages)
        broken = self._broken
        if broken is not None:
            await self._rebuild(broken)
            if is_final(broken):
                failures = await self._singly([message for message in messages if message.number in failures], failures)
        elif self._is_stuck():
            await self._rebuild(TimeoutError(f"no acknowledgement for {self._settings.rebuild_after:.0f} s"))
        outcomes = self._outcomes(messages, failures)
        await self._bury(messages, outcomes)
        return outcomes

    async def _bury(self, messages: Sequence[KafkaMessage], outcomes: Sequence[Outcome]) -> None:
        pairs = zip(messages, outcomes, strict=True)
        dead = [(message, outcome.reason) for message, outcome in pairs if isinstance(outcome, Rejected)]
        if dead and self._burial is not None:
            await self._burial.copy(dead)

    async def check(self) -> str | None:
        """Why it would not take an alert now, as far as that can be told without sending one."""
        topic = self._messages.fixed_topic
        try:
            await self._producer.open()
            if topic is not None:
                await self._producer.need(topic)
        except TopicAuthorizationFailedError:
            return f"mozu may not see the topic {topic}"
        except (Unreachable, TopicMissing, KafkaError, TimeoutError) as error:
            return str(error) or type(error).__name__
        return None

    async def stop(self) -> None:
        """Let what is under way arrive, for a few seconds."""
        for future in self._under_way.values():
            future.add_done_callback(_retrieve)
        await self._producer.close(flush=True)
        self._under_way.clear()

    # --- sending

    async def _pipelined(self, messages: Sequence[KafkaMessage]) -> dict[int, BaseException]:
        """Send all, wait for all: what failed (TimeoutError: still under way), by the records' numbers."""
        failures: dict[int, BaseException] = await self._missing(messages)
        stuck: Exception | None = None
        for message in messages:
            number = message.number
            if number in failures or number in self._under_way:
                continue
            if stuck is not None:  # what comes behind must not overtake
                failures[number] = stuck
                continue
            try:
                self._under_way[number] = await self._producer.send(message)
            except KafkaTimeoutError:  # the partition's batch is full and does not go: nothing is wrong with the client
                failures[number] = stuck = TimeoutError("no acknowledgement")
            except KafkaError as error:
                failures[number] = error
                if not is_final(error):
                    stuck = error
        if isinstance(stuck, KafkaError) and breaks_client(stuck):
            self._broken = stuck
        return failures | await self._acknowledged(messages, failures)

    async def _missing(self, messages: Sequence[KafkaMessage]) -> dict[int, BaseException]:
        """What cannot be written now for want of its topic. Behind a record that was refused for that, those for the
        same topic wait until it comes again: the core brings them back together."""
        first: dict[str, int] = {}
        for message in messages:
            first.setdefault(message.topic, message.number)
        failed: dict[str, BaseException] = {}
        for topic, number in sorted(first.items()):
            held = self._held.get(topic)
            if held is not None and held[0] < number:
                failed[topic] = held[1]
                continue
            try:
                await self._producer.need(topic)
                self._held.pop(topic, None)
            except (TopicMissing, TimeoutError, KafkaError) as error:
                failed[topic] = error
                if not is_final(error):
                    self._held[topic] = number, error
        return {message.number: failed[message.topic] for message in messages if message.topic in failed}

    async def _acknowledged(
        self, messages: Sequence[KafkaMessage], failed: dict[int, BaseException]
    ) -> dict[int, BaseException]:
        """Wait for what is under way of these; what failed."""
        waited = {
            message.number: self._under_way[message.number]
            for message in messages
            if message.number not in failed and message.number in self._under_way
        }
        if not waited:
            return {}
        await self._wait_for(set(waited.values()))
        failures: dict[int, BaseException] = {}
        arrived = False
        for number, future in waited.items():
            if not future.done():
                failures[number] = TimeoutError("no acknowledgement")
                continue
            del self._under_way[number]
            error = future.exception()
            arrived = arrived or error is None
            if error is not None:
                failures[number] = error
                if breaks_client(error) and (self._broken is None or is_final(error)):
                    self._broken = error
        self._note_progress(arrived=arrived)
        return failures

    async def _wait_for(self, futures: set[Future]) -> None:
        """Until all are done, or none is for a while: what goes to other partitions shall not wait for the slowest."""
        deadline = asyncio.get_running_loop().time() + self._settings.timeout
        some_arrived = False
        while futures and (left := deadline - asyncio.get_running_loop().time()) > 0:
            done, futures = await asyncio.wait(futures, timeout=min(left, _LULL) if some_arrived else left,
                                               return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
            if not done:
                return
            some_arrived = True

    async def _singly(
        self, messages: Sequence[KafkaMessage], known: dict[int, BaseException]
    ) -> dict[int, BaseException]:
        """One record a request, to tell the ones that the brokers refuse from those that shared a batch with them."""
        failures: dict[int, BaseException] = {}
        lanes: dict[tuple[str, bytes | None], BaseException] = {}
        for message in messages:
            error, lane = known[message.number], (message.topic, message.key)
            if lane in lanes:  # what comes behind must not overtake
                failures[message.number] = lanes[lane]
            elif isinstance(error, TopicAuthorizationFailedError | TopicMissing):
                failures[message.number] = error
            else:
                failure = await self._alone(message)
                if failure is not None:
                    failures[message.number] = failure
                    if not is_final(failure):
                        lanes[lane] = failure
        return failures

    async def _alone(self, message: KafkaMessage) -> BaseException | None:
        try:
            await self._producer.open()
        except Unreachable as reason:
            failure: BaseException = KafkaConnectionError(str(reason))
            return failure
        failures = await self._pipelined([message])
        if self._broken is not None:
            await self._rebuild(self._broken)
        return failures.get(message.number)

    # --- when it does not go on

    def _note_progress(self, *, arrived: bool) -> None:
        now = asyncio.get_running_loop().time()
        if arrived or not self._under_way or self._producer.is_throttled():
            self._moved_at = None
        elif self._moved_at is None:
            self._moved_at = now

    def _is_stuck(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._moved_at is not None and now - self._moved_at > self._settings.rebuild_after

    async def _rebuild(self, why: BaseException) -> None:
        """A new producer with the next record; what the old one had under way comes again."""
        if not is_final(why):
            self._log.warning("the client is made anew: %s", str(why) or type(why).__name__)
        for future in self._under_way.values():
            future.add_done_callback(_retrieve)
        await self._producer.close(flush=is_final(why))
        self._resent.value += sum(1 for future in self._under_way.values() if not _arrived(future))
        self._under_way = {number: future for number, future in self._under_way.items() if _arrived(future)}
        self._moved_at = self._broken = None

    def _outcomes(self, messages: Sequence[KafkaMessage], failures: dict[int, BaseException]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for message in messages:
            error = failures.get(message.number)
            outcomes.append(None if error is None else self._outcome(message, error))
        waits = next((e for number, e in failures.items() if not is_final(e)), None)
        if waits is not None:
            self._voice.trouble(self._told(waits))
        elif not self._held and not self._under_way:
            self._voice.well()
        return outcomes

    def _outcome(self, message: KafkaMessage, error: BaseException) -> Rejected | Retry:
        return _WAIT if isinstance(error, TimeoutError | TopicMissing) else outcome(message, error)

    def _told(self, error: BaseException) -> str:
        if isinstance(error, TopicMissing):
            return str(error)
        if isinstance(error, TimeoutError) and self._producer.is_throttled():
            return THROTTLED
        return f"Kafka does not acknowledge: {self._voice.because(error)}"


def _arrived(future: Future) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _retrieve(future: Future) -> None:
    """asyncio complains of failures that nobody has looked at; what this one means is known."""
    if not future.cancelled():
        future.exception()
