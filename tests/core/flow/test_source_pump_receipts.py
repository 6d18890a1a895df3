"""The receipts of alerts that a source gets for each batch."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from mozu.core.api import Dropped
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event
from mozu.core.testing import alert, virtual_clock
from tests.core.flow.test_source_pump import Batches, Worker, empty
from tests.core.flow.test_source_pump_start import Scene


class Ready(Batches):
    """A source of one batch of ready alerts, processed in two slices."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped: Mapping[int, Dropped] | None = None

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:  # type: ignore[override]  # alerts besides
        yield [alert() for _ in range(503)]

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None:
        self.dropped = dropped


def test_what_a_sink_drops_that_a_reload_has_added_within_a_batch_is_in_its_receipt() -> None:
    source, first, added = Ready(), Worker(2_000), Worker(1)
    scene = Scene(source, live=False)
    pipelines: list[AlertPipeline] = [scene.pump._alerts, scene.pipeline._alerts]  # the engine has a single pipeline

    def use(*workers: Worker) -> None:
        for one in pipelines:
            one.use(workers, redact=lambda alert: None, limiter=AlertLimiter())  # type: ignore[arg-type]  # made up

    async def reloaded() -> None:
        use(first, added)

    async def main() -> None:
        scene.pipeline.wait_recorded = reloaded  # type: ignore[method-assign]  # after the first piece
        await asyncio.gather(scene.pump.run(), empty(first, 503), empty(added, 1))

    use(first)
    virtual_clock.run(main())
    assert source.dropped is not None
    assert 2 == len(source.dropped.keys() & {500, 501, 502})
