"""The stage `state`: the state machine takes in a batch, or after a failure event by event, so that a bad event spoils
no other."""

from collections.abc import Sequence

from mozu.core.api import Source
from mozu.core.flow.verdict_memory import VerdictMemory
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.event import Event
from mozu.core.state import StateMachine


def apply(
    events: Sequence[Event], state: StateMachine, verdicts: VerdictMemory, source: Isolated[Source]
) -> tuple[Sequence[Event], int]:
    """Return the events that rules are to see, and the number of events that could not be taken in."""
    with source.contained("keep state") as outcome:
        shown: Sequence[Event] = state.apply(events, verdicts)
    if outcome.failed is None:
        return shown, 0
    found: list[Event] = []
    rejected = 0
    verdicts.begin_again()
    for event in events:
        with source.contained(f"keep state at {event.type}") as single:
            found.extend(state.apply((event,), verdicts))
        rejected += single.failed is not None
    return found, rejected
