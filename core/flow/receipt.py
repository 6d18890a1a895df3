"""The receipt of one batch of ready alerts: the alerts' positions in the queues, and which were dropped in the end."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from mozu.core.api import Dropped
from mozu.core.delivery.sink_worker import SinkWorker

_SUPPRESSED = Dropped("suppressed by alert_limiter", can_retry=False)


class Receipt:
    """A receipt, made before the first alert of a batch is emitted; `add` is called after each one."""

    def __init__(self, workers: Sequence[SinkWorker]) -> None:
        self.workers = tuple(workers)
        """The sinks' workers whose queues have alerts of the batch, also those that a reload has removed since."""
        self._before = self._positions()
        self._after: list[tuple[int, ...]] = []
        """The positions of all queues after each alert."""
        self._suppressed: list[int] = []

    def follow(self, workers: Sequence[SinkWorker]) -> None:
        """Use these workers from the next alert on: a reload may have added some. Removed workers stay, for earlier
        alerts."""
        for worker in workers:
            if worker not in self.workers:
                position = worker.queue.position()
                self.workers = (*self.workers, worker)
                self._before = (*self._before, position)
                self._after = [(*after, position) for after in self._after]

    def add(self, *, passed: bool) -> None:
        """Note that the next alert was emitted; not `passed`: dedup or the rate limit has suppressed it."""
        if not passed:
            self._suppressed.append(len(self._after))
        self._after.append(self._positions())

    async def settle(self) -> Mapping[int, Dropped]:
        """Wait until every alert is on disk, acknowledged, or dropped, at every sink; return the dropped ones by their
        index.

        If sinks differ, a drop that can be retried counts more.
        """
        dropped = dict.fromkeys(self._suppressed, _SUPPRESSED)
        for at, worker in enumerate(self.workers):
            positions = [self._before[at], *(after[at] for after in self._after)]
            await worker.queue.wait_persisted(positions[-1])
            for lost in worker.queue.drop_log.between(positions[0], positions[-1]):
                reason = Dropped(f"sink {worker.name}: {lost.reason}", lost.can_retry)
                for index in _indices(positions, lost.first, lost.last):
                    if index not in dropped or lost.can_retry:
                        dropped[index] = reason
        return dropped

    def _positions(self) -> tuple[int, ...]:
        return tuple(worker.queue.position() for worker in self.workers)


def _indices(positions: Sequence[int], first: int, last: int) -> list[int]:
    """Return the indices of the alerts at these queue positions. Alert i has the positions above positions[i], up to
    positions[i + 1]: none if a route has left it out."""
    begin = max(0, bisect_left(positions, first) - 1)
    end = min(len(positions) - 1, bisect_left(positions, last))
    return [index for index in range(begin, end) if positions[index] < positions[index + 1]]
