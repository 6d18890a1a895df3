"""Meaning of aiokafka's errors: for the record (retry or dead letter), and for the client (rebuild or not)."""

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
from mozu.core.common.kafka.producer import KafkaMessage

_PERMANENT: Final = (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)
"""Errors after which the brokers will never accept the record."""


def is_permanent(error: BaseException) -> bool:
    """Return True if sending the same record again is pointless."""
    return isinstance(error, _PERMANENT)


def breaks_client(error: BaseException) -> bool:
    """Return True if the client cannot continue. A refused batch is such a case, too: its sequence numbers are used up,
    and the brokers accept no batch behind the gap."""
    return not (isinstance(error, KafkaError) and bool(error.retriable))


def outcome(message: KafkaMessage, error: BaseException) -> Rejected | Retry:
    """Return the outcome of a record that failed alone."""
    if isinstance(error, TopicAuthorizationFailedError):
        return Rejected(f"mozu may not write to the topic {message.topic} (TopicAuthorizationFailed)")
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        size = len(message.body)
        return Rejected(f"its {size} bytes are more than the topic {message.topic} or `max_bytes` admits")
    if is_permanent(error):
        return Rejected(f"the brokers refuse it for the topic {message.topic}: {_describe(error)}")
    blames_record = isinstance(error, KafkaError) and not error.retriable and not isinstance(error, ProducerClosed)
    return Retry(tried=blames_record)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
