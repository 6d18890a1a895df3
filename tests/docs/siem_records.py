"""Records as they arrive at a SIEM: alerts and heartbeats in any format, with gaps, copies and two epochs."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from mozu.core.delivery.encode import FORMATS
from mozu.core.model.alert import Alert, Stamp, alert_id
from mozu.core.testing import alert

HEARTBEAT: Final = "Heartbeat"
Stream = tuple[str, str, str]
"""Type of (agent, sink, epoch)."""


class Arrived(msgspec.Struct, frozen=True):
    """A record: its stream, its number, and its age in seconds. A heartbeat has an interval of 60 s."""

    stream: Stream
    number: int
    heartbeat: bool = False
    seconds_ago: float = 0

    def alert(self) -> Alert:
        """Return the alert or the heartbeat that has this number."""
        made = alert(HEARTBEAT, interval=60) if self.heartbeat else alert("Password database read")
        made.source = "internal" if self.heartbeat else "syscall"
        made.time = time.time_ns() - int(self.seconds_ago * 1e9)
        made.hostname = self.stream[0]
        made.id = alert_id(made.time, "/".join(self.stream), f"{self.number}")
        return made


def numbers(stream: Stream, *arrived: int, beats: Iterable[int] = (), seconds_ago: float = 0) -> Iterator[Arrived]:
    """Yield records of a stream in the order given; the numbers in `beats` are heartbeats."""
    beats = frozenset(beats)
    return (Arrived(stream, number, number in beats, seconds_ago) for number in arrived)


def encoded(name: str, records: Iterable[Arrived]) -> list[dict[str, Any]]:
    """Return the records in the format `name`."""
    encoder = FORMATS[name].build(FORMATS[name].settings())
    return [json.loads(encoder.encode(one.alert(), Stamp(*one.stream, one.number))) for one in records]


COMPLETE: Final[Stream] = ("complete", "siem", "e1")
GAP: Final[Stream] = ("gap", "siem", "e1")
LATER: Final[Stream] = ("gap", "siem", "e2")
OTHER_SINK: Final[Stream] = ("gap", "archive", "e1")
LAST: Final[Stream] = ("last", "siem", "e1")
DEAD: Final[Stream] = ("dead", "siem", "e1")

SCENE: Final[tuple[Arrived, ...]] = (
    *numbers(COMPLETE, 1, 2, 3, 3, 4, 5, beats=(5,)),
    *numbers(GAP, 1, 2, 4, 4, 8, beats=()),
    *numbers(LATER, 2, 1, 3, 3, beats=(3,)),  # a second epoch, whose numbers would fill the gaps of the first
    *numbers(OTHER_SINK, 1, 2, 3, 4, 5, 6, 7, 8, beats=(8,)),
    *numbers(LAST, 1, 2, 6, 6, 7, beats=(6, 7)),
    *numbers(DEAD, 1, 2, beats=(1, 2), seconds_ago=181),
    *numbers(DEAD, 3, beats=()),  # an alert that came late is no sign of life
)
"""Records with copies, a gap of one number and a gap of three, two epochs, two sinks of an agent, a lost last alert and
a dead agent."""
MISSING: Final = {(*GAP, 3, 3), (*GAP, 5, 7), (*LAST, 3, 5)}
"""(agent, sink, epoch, first and last number) of each range that did not arrive."""
LOST_LAST: Final = {(*LAST, 3, 5)}
"""Ranges directly before a heartbeat."""
DEAD_AGENTS: Final = {DEAD[:2]}
"""(agent, sink) without a heartbeat for three intervals."""
