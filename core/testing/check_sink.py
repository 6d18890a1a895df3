"""Check a sink: outcomes, empty batches, hostile values, a stop that ends and can be repeated, a second instance."""

from collections.abc import Callable, Sequence
from typing import cast

from mozu.core.api import Kind, Rejected, Retry, Sink
from mozu.core.testing.broken import done, expect, expect_members
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
    await done("start", sink.start, blocking=blocking)
    hostile = alert("Another rule", name="\udc80\x1b[31m", empty="", missing=None, long="x" * 70_000)
    batch = records(alert(), hostile)
    delivered = await done("deliver", lambda: sink.deliver(batch), blocking=blocking)
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
    empty = await done("deliver", lambda: sink.deliver([]), blocking=blocking)
    expect(not empty, f"`deliver` of no records MUST return no outcomes, not {empty!r}")
    await done("stop", sink.stop, blocking=blocking)
    try:
        await done("stop", sink.stop, blocking=blocking)
    except Exception as error:
        raise type(error)(f"`stop` MUST be idempotent; the second one raised: {error}") from error
