"""The stage `state`: through the state machine; after a failure one by one, so that a bad event costs itself only."""

from collections.abc import Sequence

from mozu.core.api import Source
from mozu.core.flow.verdict_memory import VerdictMemory
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.event import Event
from mozu.core.state import StateMachine


def apply(
    events: Sequence[Event], state: StateMachine, verdicts: VerdictMemory, source: Isolated[Source]
) -> tuple[Sequence[Event], int]:
    """The events that rules are to see, and how many could not be taken in."""
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
