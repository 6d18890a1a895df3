"""Check a sink: outcomes, empty batches, hostile values, a stop that ends and can be repeated, a second instance."""

from collections.abc import Callable

from mozu.core.api import Kind, Sink
from mozu.core.api.contract import plain_methods
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.delivery.outcomes import checked_outcomes
from mozu.core.testing.broken import BrokenContract, calling, done, expect, expect_members, own_thread, stopped_twice
from mozu.core.testing.making import alert, records


async def check_sink(sink: Sink | Callable[[], Sink], *, blocking: bool = False) -> None:
    """Start, deliver a batch and an empty one, stop twice. Raises BrokenContract with the sentence that does not hold.

    `sink`: a function that makes one is called twice, for a restart is a new instance. `blocking`: as it is declared.
    """
    if not callable(sink):
        await _check(sink, blocking=blocking)
        return
    for _ in range(2):
        with calling("build"):
            made = sink()
        await _check(made, blocking=blocking)


async def _check(sink: Sink, *, blocking: bool) -> None:
    expect_members(Kind.SINK, sink, blocking=blocking)
    plain = ", ".join(f"`{name}`" for name in plain_methods(Kind.SINK, sink, blocking=blocking))
    text = f"{plain} MUST be `async def`, because they run on the event loop, or the declaration say `blocking=True`"
    expect(not plain, text)
    with own_thread(blocking=blocking) as thread:
        await _check_calls(sink, thread)


async def _check_calls(sink: Sink, thread: WorkerThread | None) -> None:
    await done("start", sink.start, thread=thread)
    hostile = alert("Another\nrule", name="\udc80\n\x1b[31m", empty="", missing=None, long="x" * 70_000, number=-1)
    batch = records(alert(), hostile)
    delivered = await done("deliver", lambda: sink.deliver(batch), thread=thread)
    try:
        checked_outcomes(delivered, len(batch))
    except (TypeError, ValueError) as error:
        text = "`deliver` MUST return nothing, or one outcome per record: None, Retry or Rejected"
        raise BrokenContract(f"{text}; {error}") from None
    empty = await done("deliver", lambda: sink.deliver([]), thread=thread)
    expect(empty is None or empty in ([], ()), f"`deliver` of no records MUST return no outcomes, not {empty!r}")
    await stopped_twice(sink.stop, thread=thread)
