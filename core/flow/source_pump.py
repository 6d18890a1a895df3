"""What stands between one source and the pipeline: numbering, the state machine, the waiting room, the counters."""

from collections.abc import Callable, Sequence

from mozu.core.api.hookspecs import Source
from mozu.core.flow.enrichment_buffer import EnrichmentBuffer
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.recording import Recorder
from mozu.core.state import StateMachine


class Intake:
    """One source at the pipeline. received = rejected + evaluated + internal to the state + waiting."""

    hold: EnrichmentBuffer
    recorder: Recorder | None = None
    """Takes the events as the source gave them."""

    def __init__(
        self, stage: Isolated[Source], *, live: bool, origin: str, state: StateMachine | None, metrics: Metrics
    ) -> None:
        self.stage, self.live, self.state = stage, live, state
        self.name = stage.name
        self.origin = getattr(stage.component, "origin", "") or f"{origin}/{stage.name}"
        """Identity of this stream of events; a source that reads what others recorded brings its own."""
        scope = metrics.scope(source=stage.name)
        self.received = scope.counter("events_received_total")
        self.internal = scope.counter("events_internal_total")
        self.rejected = scope.counter("events_rejected_total")
        self.evaluated = scope.counter("events_evaluated_total")
        self.alerts = scope.counter("source_alerts_total")
        self._last = 0
        self.latest = 0
        """Time of the newest event that a source of system calls has given, ns since the epoch."""

    def accept(self, batch: Sequence[Event | Alert], dispatch: Callable[[Alert], None]) -> Sequence[Event]:
        """The events of a batch, numbered and with their state; ready alerts pass the evaluators by."""
        events: list[Event] = []
        for item in batch:
            if isinstance(item, Alert):
                self.alerts.value += 1
                dispatch(item)
            else:
                events.append(item)
        self.received.value += len(events)
        if self.state is None or (events and isinstance(events[0], DataEvent)):
            events = self._number(events)
            if self.recorder is not None:
                self.recorder.take(events)
            return events
        if events:
            self.latest = events[-1].time
        if self.recorder is not None:
            self.recorder.take(events)
        return self._with_state(self.state, events)

    def repair(self, events: Sequence[SyscallEvent]) -> None:
        """Take in what only the state sees and no source gave."""
        if self.state is None or not events:
            return
        if self.recorder is not None:
            self.recorder.take(events)
        with self.stage.contained("repair the state"):
            self.state.apply(events)
        forget = getattr(self.stage.component, "forget_processes", None)
        if forget is not None:
            forget()

    def settle(self) -> None:
        """Tell the state which versions nobody can ask for any more."""
        if self.state is not None:
            oldest = self.hold.oldest()
            self.state.prune(self._last if oldest is None else oldest)
            if self.recorder is not None:
                self.recorder.settle(oldest)
        elif self.recorder is not None:
            self.recorder.settle(None)

    def _number(self, events: list[Event]) -> list[Event]:
        for event in events:
            if not event.num:
                self._last += 1
                event.num = self._last
        return events

    def _with_state(self, state: StateMachine, events: Sequence[Event]) -> Sequence[Event]:
        with self.stage.contained("keep state") as outcome:
            shown: Sequence[Event] = state.apply(events)
        if outcome.failed is not None:
            shown = []
            for event in events:
                with self.stage.contained(f"keep state at {event.type}") as single:
                    shown.extend(state.apply((event,)))
                if single.failed is not None:
                    self.rejected.value += 1
        self.internal.value += len(events) - len(shown)
        if shown:
            self._last = shown[-1].num
        return shown
