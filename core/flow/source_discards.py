"""Verdicts by which the source itself may discard calls (`DiscardsJudged`): which, and until when.

A caller without a class in its source is given one: the number of its verdicts here. From then on a call is reported
once its verdict is remembered. If a call is recognised here the source does not know it: it had no key when it was
judged, or the source has forgotten it, or it was on its way when it was reported, which is assumed once. A change that
the source cannot see (rules, recordings, repairs of the state) ends everything that was reported to it immediately: if
all calls are discarded no next batch comes.
"""

from typing import Final, cast

from mozu.core.api import DiscardsJudged, Source
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.event import UndecodedEvent

_MOST_REPORTED: Final = 1 << 16
"""The most calls that are remembered as reported and not seen since."""


class SourceDiscards:
    """The reports of judged calls to one source."""

    def __init__(self, source: Isolated[Source]) -> None:
        self._source = source
        self._reported: set[bytes] = set()
        """Keys of calls that were reported and have not come since."""
        self._fresh: dict[bytes, UndecodedEvent] = {}
        """Calls of this batch to report, by `source_key`."""
        self._classes: dict[bytes, int] = {}
        """`source_caller` → `Verdicts.number`, for this batch."""
        self._component: DiscardsJudged | None = None
        """The instance to which something was reported; None if there is none."""

    def add(self, event: UndecodedEvent) -> None:
        """Report a call whose verdict is remembered from now on."""
        if event.source_key:
            self._report(event)

    def missed(self, event: UndecodedEvent, number: int) -> None:
        """Note the class of a judged call's caller; `number`: that of the caller's verdicts."""
        if event.source_caller:
            self._classes[event.source_caller] = number

    def recalled(self, event: UndecodedEvent, number: int) -> None:
        """Note that a call was recognised here, among the verdicts of this number."""
        key = event.source_key
        if not key:
            self.missed(event, number)
            return
        if key in self._reported:
            self._reported.discard(key)
        else:
            self._report(event)

    def _report(self, event: UndecodedEvent) -> None:
        self._fresh[event.source_key] = event
        if len(self._reported) >= _MOST_REPORTED:
            self._reported.clear()
        self._reported.add(event.source_key)

    def flush(self) -> None:
        """Send the reports at the end of a batch."""
        if self._fresh or self._classes:
            events, classes = list(self._fresh.values()), self._classes
            self._fresh.clear()
            self._classes = {}
            if self._source.offers(DiscardsJudged):
                self._component = component = cast("DiscardsJudged", self._source.component)
                with self._source.contained("discard calls that were judged"):
                    component.discard_judged(events, classes)

    def forget(self) -> None:
        """Withdraw everything that was reported: no verdict is valid any more."""
        self._fresh.clear()
        self._classes.clear()
        self._reported.clear()
        component, self._component = self._component, None
        if component is not None:
            with self._source.contained("forget which calls were judged"):
                component.discard_judged(None, {})
