"""The sink `kafka`: a batch is pipelined to the producer, and each record's acknowledgement is its outcome."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError

from mozu.core.api import ChecksDestination, ConfigError, Context, Outcome, Record, Rejected, Retry
from mozu.core.common.kafka.client import client_arguments
from mozu.core.common.kafka.client_log import KafkaClientLog
from mozu.core.common.kafka.client_throttle import THROTTLED
from mozu.core.common.kafka.compatibility import require_compatible
from mozu.core.common.kafka.dead_letters import DeadLetterProducer
from mozu.core.common.kafka.producer import KafkaMessage, KafkaProducer, KafkaUnreachable, ProducerOptions
from mozu.core.common.kafka.topics import TopicMissing
from mozu.plugins.sinks.kafka.message import MessageBuilder
from mozu.plugins.sinks.kafka.outcome import breaks_client, is_permanent, outcome
from mozu.plugins.sinks.kafka.registry.registered_schema import RegisteredSchema
from mozu.plugins.sinks.kafka.registry.registry_client import SchemaUnavailable
from mozu.plugins.sinks.kafka.settings import KafkaSettings

_RETRY_LATER: Final = Retry(tried=False)
_ACK_IDLE: Final = 1.0
"""Seconds without a further acknowledgement after which the rest of a batch is left in flight and retried later."""
_WAITED_FOR: Final = (SchemaUnavailable, TopicMissing, TimeoutError)
"""Errors for which the record is not to blame."""
_FLUSH: Final = 5.0
_LAST_FLUSH: Final = 0.2
"""Seconds in which records in flight may be acknowledged before the client is closed, while running and at the end."""
Future = asyncio.Future[Any]


def build(settings: KafkaSettings, context: Context) -> "KafkaSink":
    """Build the sink.

    Raises ConfigError if the settings do not fit the format, or a certificate or the installed aiokafka cannot be used.
    """
    try:
        require_compatible()
        client_arguments(settings)
        return KafkaSink(settings, context)
    except ValueError as error:
        raise ConfigError([f"sink {context.id}: {error}"]) from None


class KafkaSink(ChecksDestination):
    """Sink that pipelines a batch and waits for its acknowledgements.

    A record that is not acknowledged in time stays in flight, since aiokafka continues to send it: when the core
    delivers it again, its future is awaited, and nothing is sent twice unless the producer had to be rebuilt.
    """

    def __init__(self, settings: KafkaSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        self._client_log = KafkaClientLog(context.log, context.metrics)
        self._schema = None if settings.registry is None else RegisteredSchema(settings.registry, context.schema)
        self._messages = _message_builder(settings, context.content_type, self._schema)
        self._producer = KafkaProducer(settings, _options(settings), self._client_log, context.metrics)
        topic = settings.dead_letter_topic
        self._dead_letters = (
            None if topic is None else DeadLetterProducer(topic, settings.timeout, self._producer, context.log)
        )
        self._in_flight: dict[int, Future] = {}
        """Futures of acknowledgements, by number of the record."""
        self._blocked: dict[str, tuple[int, BaseException]] = {}
        """Number of the first record that waits for a topic, and the reason, by topic."""
        self._stalled_since: float | None = None
        """Time at which a wait ended without any acknowledgement; None if the last wait had one."""
        self._fatal: BaseException | None = None
        """Error after which the producer cannot continue."""
        self._resent = context.metrics.counter("sink_alerts_resent_total")
        context.metrics.gauge("kafka_in_flight_records", lambda: float(len(self._in_flight)))

    async def start(self) -> None:
        """Do nothing: absent brokers are noticed at the first delivery."""

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Send the records; return the outcome of each."""
        if not records:
            return []
        try:
            await self._producer.open()
        except KafkaUnreachable as reason:
            servers = ", ".join(self._settings.bootstrap_servers)
            self._client_log.failing(f"no connection to Kafka ({servers}): {reason}")
            return [_RETRY_LATER] * len(records)
        messages = [self._messages.build(record) for record in records]
        failures = await self._send_pipelined(messages)
        fatal = self._fatal
        if fatal is not None:
            await self._rebuild(fatal)
            if is_permanent(fatal):
                failed = [message for message in messages if message.number in failures]
                failures = await self._send_one_by_one(failed, failures)
        elif self._is_stalled():
            await self._rebuild(TimeoutError(f"no acknowledgement for {self._settings.rebuild_after:.0f} s"))
        outcomes = self._outcomes(messages, failures)
        await self._produce_dead_letters(messages, outcomes)
        return outcomes

    async def _produce_dead_letters(self, messages: Sequence[KafkaMessage], outcomes: Sequence[Outcome]) -> None:
        pairs = zip(messages, outcomes, strict=True)
        dead = [(self._framed(message), outcome.reason) for message, outcome in pairs if isinstance(outcome, Rejected)]
        if dead and self._dead_letters is not None:
            await self._dead_letters.produce(dead)

    async def check(self) -> str | None:
        """Return the reason for which an alert could not be delivered now, as far as it is known without sending one or
        making a topic; None if there is none."""
        topic = self._messages.fixed_topic
        try:
            await self._producer.open()
            if topic is None:
                return None
            problem = await self._producer.topic_problem(topic)
            return await self._schema.problem(topic) if problem is None and self._schema is not None else problem
        except TopicAuthorizationFailedError:
            return f"mozu may not see the topic {topic}"
        except (KafkaUnreachable, KafkaError, TimeoutError) as error:
            return str(error) or type(error).__name__

    async def stop(self) -> None:
        """Close the producer after a brief wait for records in flight; the core has already waited for them."""
        for future in self._in_flight.values():
            future.add_done_callback(_retrieve)
        await self._producer.close(flush=_LAST_FLUSH)
        self._in_flight.clear()

    # --- sending

    async def _send_pipelined(self, messages: Sequence[KafkaMessage]) -> dict[int, BaseException]:
        """Send all messages and wait for all; return the errors by number (TimeoutError: still in flight)."""
        failures: dict[int, BaseException] = await self._missing_topics(messages)
        stopped_by: Exception | None = None
        for message in messages:
            number = message.number
            if number in failures or number in self._in_flight:
                continue
            if stopped_by is not None:  # later records must not overtake
                failures[number] = stopped_by
                continue
            try:
                self._in_flight[number] = await self._producer.send(self._framed(message))
            except KafkaTimeoutError:  # the partition's batch is full and not sent: the client itself is sound
                failures[number] = stopped_by = TimeoutError("no acknowledgement")
            except KafkaError as error:
                failures[number] = error
                if not is_permanent(error):
                    stopped_by = error
        if isinstance(stopped_by, KafkaError) and breaks_client(stopped_by):
            self._fatal = stopped_by
        return failures | await self._await_acks(messages, failures)

    def _framed(self, message: KafkaMessage) -> KafkaMessage:
        """Return the message as its topic requires it: framed with the id of its schema."""
        if self._schema is None:
            return message
        body = self._schema.framed(message.topic, message.body)
        return KafkaMessage(message.number, message.topic, message.key, body, message.headers)

    async def _require(self, topic: str) -> None:
        """Return if a topic can be written to. Raises SchemaUnavailable, TopicMissing, TimeoutError, KafkaError."""
        if self._schema is not None:
            await self._schema.require(topic)
        await self._producer.require_topic(topic)

    async def _missing_topics(self, messages: Sequence[KafkaMessage]) -> dict[int, BaseException]:
        """Return the errors of records that cannot be written now, by number: their topic is missing, or the id of its
        schema.

        Later records of that topic wait until the first one is delivered again: the core then delivers them together.
        """
        first: dict[str, int] = {}
        for message in messages:
            first.setdefault(message.topic, message.number)
        failed: dict[str, BaseException] = {}
        for topic, number in sorted(first.items()):
            blocked = self._blocked.get(topic)
            if blocked is not None and blocked[0] < number:
                failed[topic] = blocked[1]
                continue
            try:
                await self._require(topic)
                self._blocked.pop(topic, None)
            except (SchemaUnavailable, TopicMissing, TimeoutError, KafkaError) as error:
                failed[topic] = error
                if not is_permanent(error):
                    self._blocked[topic] = number, error
        return {message.number: failed[message.topic] for message in messages if message.topic in failed}

    async def _await_acks(
        self, messages: Sequence[KafkaMessage], failed: dict[int, BaseException]
    ) -> dict[int, BaseException]:
        """Wait for the messages in flight; return the errors by number."""
        awaited = {
            message.number: self._in_flight[message.number]
            for message in messages
            if message.number not in failed and message.number in self._in_flight
        }
        if not awaited:
            return {}
        await self._until_acked_or_idle(set(awaited.values()))
        failures: dict[int, BaseException] = {}
        acked = False
        for number, future in awaited.items():
            if not future.done():
                failures[number] = TimeoutError("no acknowledgement")
                continue
            del self._in_flight[number]
            error = future.exception()
            acked = acked or error is None
            if error is not None:
                failures[number] = error
                if breaks_client(error) and (self._fatal is None or is_permanent(error)):
                    self._fatal = error
        self._track_progress(acked=acked)
        return failures

    async def _until_acked_or_idle(self, futures: set[Future]) -> None:
        """Wait until all are done, or none was for _ACK_IDLE: other partitions must not wait for the slowest one."""
        deadline = asyncio.get_running_loop().time() + self._settings.timeout
        some_acked = False
        while futures and (left := deadline - asyncio.get_running_loop().time()) > 0:
            done, futures = await asyncio.wait(futures, timeout=min(left, _ACK_IDLE) if some_acked else left,
                                               return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
            if not done:
                return
            some_acked = True

    async def _send_one_by_one(
        self, messages: Sequence[KafkaMessage], known: dict[int, BaseException]
    ) -> dict[int, BaseException]:
        """Send one record per request, to separate refused records from those that shared a batch with them."""
        failures: dict[int, BaseException] = {}
        blocked_keys: dict[tuple[str, bytes | None], BaseException] = {}
        for message in messages:
            error, key = known[message.number], (message.topic, message.key)
            if key in blocked_keys:  # later records of one key must not overtake
                failures[message.number] = blocked_keys[key]
            elif isinstance(error, TopicAuthorizationFailedError | TopicMissing | SchemaUnavailable):
                failures[message.number] = error
            else:
                failure = await self._send_alone(message)
                if failure is not None:
                    failures[message.number] = failure
                    if not is_permanent(failure):
                        blocked_keys[key] = failure
        return failures

    async def _send_alone(self, message: KafkaMessage) -> BaseException | None:
        try:
            await self._producer.open()
        except KafkaUnreachable as reason:
            failure: BaseException = KafkaConnectionError(str(reason))
            return failure
        failures = await self._send_pipelined([message])
        if self._fatal is not None:
            await self._rebuild(self._fatal)
        return failures.get(message.number)

    # --- when acknowledgements stop

    def _track_progress(self, *, acked: bool) -> None:
        now = asyncio.get_running_loop().time()
        if acked or not self._in_flight or self._producer.is_throttled():
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = now

    def _is_stalled(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._stalled_since is not None and now - self._stalled_since > self._settings.rebuild_after

    async def _rebuild(self, why: BaseException) -> None:
        """Close the producer; the next record opens another, and records that were in flight are delivered again."""
        if not is_permanent(why):
            self._log.warning("the client is rebuilt: %s", str(why) or type(why).__name__)
        for future in self._in_flight.values():
            future.add_done_callback(_retrieve)
        await self._producer.close(flush=_FLUSH if is_permanent(why) else 0.0)
        self._resent.value += sum(1 for future in self._in_flight.values() if not _is_acked(future))
        self._in_flight = {number: future for number, future in self._in_flight.items() if _is_acked(future)}
        self._stalled_since = self._fatal = None

    def _outcomes(self, messages: Sequence[KafkaMessage], failures: dict[int, BaseException]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for message in messages:
            error = failures.get(message.number)
            outcomes.append(None if error is None else self._outcome(message, error))
        retried = next((error for error in failures.values() if not is_permanent(error)), None)
        if retried is not None:
            self._client_log.failing(self._describe(retried))
        elif not self._blocked and not self._in_flight:
            self._client_log.recovered()
        return outcomes

    def _outcome(self, message: KafkaMessage, error: BaseException) -> Rejected | Retry:
        return _RETRY_LATER if isinstance(error, _WAITED_FOR) else outcome(message, error)

    def _describe(self, error: BaseException) -> str:
        if isinstance(error, SchemaUnavailable | TopicMissing):
            return str(error)
        if isinstance(error, TimeoutError) and self._producer.is_throttled():
            return THROTTLED
        return f"Kafka does not acknowledge: {self._client_log.reason_or(error)}"


def _message_builder(
    settings: KafkaSettings, content_type: str, schema: RegisteredSchema | None
) -> MessageBuilder:
    if schema is None:
        return MessageBuilder(settings, content_type)
    written = schema.serialization
    return MessageBuilder(settings, written.content_type or content_type, written.encode)


def _options(settings: KafkaSettings) -> ProducerOptions:
    return ProducerOptions(**{name: getattr(settings, name) for name in ProducerOptions.__struct_fields__})


def _is_acked(future: Future) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _retrieve(future: Future) -> None:
    """Retrieve the exception, which asyncio would log otherwise."""
    if not future.cancelled():
        future.exception()
