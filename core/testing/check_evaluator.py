"""Check an evaluator: alerts in order, nothing that hangs on how events are batched, a demand that covers them."""

from collections.abc import Callable, Sequence

from mozu.core.api import Alert, Demand, Evaluator, Event, Kind
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.flow.evaluated import alerts_of
from mozu.core.testing.broken import BrokenContract, calling, done, expect, expect_members, own_thread, watched_loop


async def check_evaluator(
    evaluator: Evaluator | Callable[[], Evaluator], events: Sequence[Event], *, blocking: bool = False
) -> Sequence[Alert]:
    """Evaluate these events; the alerts. Raises BrokenContract with the sentence that does not hold.

    Events are numbered from 1 where they have no number. `evaluator`: one, or a function that makes one.
    """
    for number, event in enumerate(events, 1):
        event.num = event.num or number
    with calling("build"):
        one = evaluator() if callable(evaluator) else evaluator
    expect_members(Kind.EVALUATOR, one, blocking=blocking)
    with watched_loop("demand"):
        demand = one.demand()
    expect(isinstance(demand, Demand), f"`demand` MUST give a Demand, not {type(demand).__name__}")
    with calling("reload"):  # called off the loop
        fresh = one.reload()
    expect(fresh is not None, "`reload` MUST give a new evaluator, and gave None")
    expect(fresh is not one, "`reload` MUST give a new evaluator and change nothing of the old one")
    expect_members(Kind.EVALUATOR, fresh, blocking=blocking)
    with own_thread(blocking=blocking) as thread:
        alerts = await _evaluated(one, events, thread)
    _check_alerts(alerts, events, demand)
    with own_thread(blocking=blocking) as thread:
        singly = [alert for event in events for alert in await _evaluated(fresh, [event], thread)]
    text = "`evaluate` MUST give the same alerts however events are batched; one batch and single events differ"
    expect(list(map(_essence, singly)) == list(map(_essence, alerts)), text)
    return alerts


async def _evaluated(evaluator: Evaluator, batch: Sequence[Event], thread: WorkerThread | None) -> list[Alert]:
    found = await done("evaluate", lambda: evaluator.evaluate(batch), thread=thread)
    if not isinstance(found, Sequence) or isinstance(found, str | bytes):
        raise BrokenContract(f"`evaluate` MUST give a sequence of alerts, not {type(found).__name__}")
    wrong = next((one for one in found if not isinstance(one, Alert)), None)
    expect(wrong is None, f"`evaluate` MUST give alerts, not {type(wrong).__name__}")
    try:
        return list(alerts_of(found))
    except TypeError as error:
        raise BrokenContract(f"`evaluate` MUST give alerts whose members have their types: {error}") from None


def _check_alerts(alerts: Sequence[Alert], events: Sequence[Event], demand: Demand) -> None:
    by_number = {event.num: event for event in events}
    last = 0
    for alert in alerts:
        event = by_number.get(alert.event_num)
        expect(event is not None, f"an alert MUST carry the number of its event (`event_num`), not {alert.event_num}")
        if event is None:
            continue
        expect(alert.event_num >= last, "alerts MUST come in the order of their events")
        last = alert.event_num
        wanted = demand.of(event.source)
        expect(
            event.type in wanted or "*" in wanted,
            f"`demand` MUST name every type of event that can raise an alert, and lacks {event.source}/{event.type}",
        )
        with calling("render"):  # its template, with its values
            alert.message()


def _essence(alert: Alert) -> tuple[object, ...]:
    return alert.rule, alert.priority, alert.event_num, alert.values
