"""Verdicts that the source itself may discard calls by (`DiscardsJudged`): which, and until when.

A caller that has no class in its source gets one: the number of the verdicts that are found for it here. From then on a
call is reported once its verdict is remembered. One that is recognised here its source does not know: it had no key
when it was judged, or the source has forgotten it, or it was on its way when it was reported, which is assumed once.
What lies outside of what the source sees (rules, recordings, repairs of the state) ends everything that was reported to
it, at once: where all calls are discarded there is no next batch.
"""

from typing import Final, cast

from mozu.core.api import DiscardsJudged, Source
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.event import UndecodedEvent

_MOST_REPORTED: Final = 1 << 16
"""Calls that were reported and have not come since."""


class SourceDiscards:
    """Of one source."""

    def __init__(self, source: Isolated[Source]) -> None:
        self._source = source
        self._reported: set[bytes] = set()
        """Keys of calls that were reported and have not come since."""
        self._fresh: dict[bytes, UndecodedEvent] = {}
        """Of this batch, by `source_key`."""
        self._classes: dict[bytes, int] = {}
        """Of this batch: `source_caller` → `Verdicts.number`."""
        self._component: DiscardsJudged | None = None
        """To which something was reported."""

    def add(self, event: UndecodedEvent) -> None:
        """Its verdict is remembered from now on."""
        if event.source_key:
            self._report(event)

    def missed(self, event: UndecodedEvent, number: int) -> None:
        """It is judged; `number`: of the verdicts that are its caller's."""
        if event.source_caller:
            self._classes[event.source_caller] = number

    def recalled(self, event: UndecodedEvent, number: int) -> None:
        """It was recognised here, among these verdicts."""
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
        """At the end of a batch."""
        if self._fresh or self._classes:
            events, classes = list(self._fresh.values()), self._classes
            self._fresh.clear()
            self._classes = {}
            if self._source.offers(DiscardsJudged):
                self._component = component = cast("DiscardsJudged", self._source.component)
                with self._source.contained("discard calls that were judged"):
                    component.discard_judged(events, classes)

    def forget(self) -> None:
        """Nothing holds any more."""
        self._fresh.clear()
        self._classes.clear()
        self._reported.clear()
        component, self._component = self._component, None
        if component is not None:
            with self._source.contained("forget which calls were judged"):
                component.discard_judged(None, {})
