"""Check a sink: outcomes, empty batches, hostile values, a stop that ends and can be repeated, a second instance."""

from collections.abc import Callable, Sequence
from typing import cast

from mozu.core.api import Kind, Rejected, Retry, Sink
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.testing.broken import done, expect, expect_members, own_thread
from mozu.core.testing.making import alert, records


async def check_sink(sink: Sink | Callable[[], Sink], *, blocking: bool = False) -> None:
    """Start, deliver a batch and an empty one, stop twice. Raises BrokenContract with the sentence that does not hold.

    `sink`: a function that makes one is called twice, for a restart is a new instance. `blocking`: as it is declared.
    """
    if not callable(sink):
        await _check(sink, blocking=blocking)
        return
    for _ in range(2):
        await _check(sink(), blocking=blocking)


async def _check(sink: Sink, *, blocking: bool) -> None:
    expect_members(Kind.SINK, sink, blocking=blocking)
    with own_thread(blocking=blocking) as thread:
        await _check_calls(sink, thread)


async def _check_calls(sink: Sink, thread: WorkerThread | None) -> None:
    await done("start", sink.start, thread=thread)
    hostile = alert("Another rule", name="\udc80\x1b[31m", empty="", missing=None, long="x" * 70_000)
    batch = records(alert(), hostile)
    delivered = await done("deliver", lambda: sink.deliver(batch), thread=thread)
    outcomes = cast("Sequence[object] | None", delivered)
    expect(
        outcomes is None or len(outcomes) == len(batch),
        f"`deliver` MUST return nothing or one outcome per record, not {outcomes!r} for {len(batch)} records",
    )
    for outcome in outcomes or ():
        expect(
            outcome is None or isinstance(outcome, Retry | Rejected),
            f"an outcome MUST be None, Retry or Rejected, not {outcome!r}",
        )
    empty = await done("deliver", lambda: sink.deliver([]), thread=thread)
    expect(not empty, f"`deliver` of no records MUST return no outcomes, not {empty!r}")
    await done("stop", sink.stop, thread=thread)
    try:
        await done("stop", sink.stop, thread=thread)
    except Exception as error:
        raise type(error)(f"`stop` MUST be idempotent; the second one raised: {error}") from error
