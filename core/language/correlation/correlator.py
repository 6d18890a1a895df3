"""Events that fulfil a step → what they complete: the values are read of each event, and `step` decides."""

from collections.abc import Hashable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from mozu.core.language.conditions import CompiledOutput
from mozu.core.language.correlation.window import Completed, CorrelationState, StepMatch, Window, step
from mozu.core.model.event import Event, as_bytes
from mozu.core.model.fields import Reader
from mozu.core.model.value_types import FieldValue

_LONG: Final = 256
"""Characters from which on a text is kept as its digest, for groups and values take memory."""


class Reads(msgspec.Struct, frozen=True, eq=False):
    """The fields that are read of an event that fulfils a step."""

    output: CompiledOutput
    """The reader of all these fields."""
    key: tuple[str, ...]
    """Fields whose values are the group; an absent value is a value like any other."""
    value: str = ""
    """Field whose values are counted; empty if none is."""
    output_values: tuple[str, ...] = ()
    """Fields that outputs show."""


class Correlator:
    """One correlation with its state. `time` reads an event's time, `account` the account that its group counts for."""

    def __init__(
        self, window: Window, reads: Sequence[Reads], time: Reader, account: Sequence[Reader], most_groups: int
    ) -> None:
        self.window, self.reads = window, tuple(reads)
        self.state = CorrelationState(most_groups)
        self._time, self._account = time, tuple(account)

    def take(self, event: Event, at: int) -> Completed | None:
        """Take an event that fulfils the step `at`; see `step`."""
        reads = self.reads[at]
        values = reads.output.values(event) if reads.output.fields else {}
        key = _key(values, reads.key)
        time = self._time(event)
        account = None if self.state.groups.is_young(key) else _account(self._account, event, key)
        value = _short(values[reads.value]) if reads.value else None
        output_values = {name: values[name] for name in reads.output_values} if reads.output_values else None
        return step(
            self.window,
            self.state,
            StepMatch(at, key, time if isinstance(time, int) else 0, event.num, account, value, output_values),
        )


def _key(values: Mapping[str, FieldValue], names: tuple[str, ...]) -> Hashable:
    if len(names) == 1:
        value = values[names[0]]
        return value if type(value) is int else _short(value)
    return tuple([_short(values[name]) for name in names])


def _short(value: object) -> Hashable:
    if isinstance(value, str | bytes) and len(value) > _LONG:
        raw = as_bytes(value) if isinstance(value, str) else value
        return f"blake2b:{blake2b(raw, digest_size=16).hexdigest()}"
    return value if isinstance(value, Hashable) else str(value)


def _account(readers: Sequence[Reader], event: Event, key: Hashable) -> Hashable:
    """Return the account that a group of this event counts for; without readers the first value of the group."""
    if readers:
        return tuple([read(event) for read in readers])
    return key[0] if isinstance(key, tuple) and key else key
