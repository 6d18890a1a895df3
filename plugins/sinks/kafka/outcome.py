"""What a failure means: for the record, and for the client."""

from typing import Final

from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    ProducerClosed,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)

from mozu.core.api import Rejected, Retry
from mozu.plugins.sinks.kafka.message import KafkaMessage

_NEVER: Final = (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)
"""The brokers will not take such a record, however often it comes."""


def is_final(error: BaseException) -> bool:
    """Whether sending the same record again is pointless."""
    return isinstance(error, _NEVER)


def breaks_client(error: BaseException) -> bool:
    """Whether the client cannot go on. Also after a batch that was refused: its numbers are used up, and the brokers
    take nothing behind the gap."""
    return not (isinstance(error, KafkaError) and bool(error.retriable))


def outcome(message: KafkaMessage, error: BaseException) -> Rejected | Retry:
    """What becomes of the record that failed on its own."""
    if isinstance(error, TopicAuthorizationFailedError):
        return Rejected(f"mozu may not write to the topic {message.topic} (TopicAuthorizationFailed)")
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        size = len(message.body)
        return Rejected(f"its {size} bytes are more than the topic {message.topic} or `max_bytes` admits")
    if is_final(error):
        return Rejected(f"the brokers refuse it for the topic {message.topic}: {_named(error)}")
    fault_of_record = isinstance(error, KafkaError) and not error.retriable and not isinstance(error, ProducerClosed)
    return Retry(tried=fault_of_record)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
