"""Numbers of Kafka records: the same record has the same number in every run and at every member of the group."""

from collections.abc import Sequence
from typing import Final

MAX_TOPICS: Final = 63
_TOPIC_BITS: Final = 6
_PARTITION_BITS: Final = 16


class RecordNumbers:
    """Mapping from (topic, partition, offset) to one number below 2**63, for offsets below 2**41."""

    def __init__(self, topics: Sequence[str]) -> None:
        known = sorted(topics)
        self._index = {topic: index for index, topic in enumerate(known, start=1)}
        self.origin = f"kafka/{','.join(known)}"
        """Name of the set in which the numbers are unique."""

    def number(self, topic: str, partition: int, offset: int) -> int:
        """Return the number; never 0, which means no number."""
        return ((offset << _PARTITION_BITS | partition) << _TOPIC_BITS) | self._index[topic]
