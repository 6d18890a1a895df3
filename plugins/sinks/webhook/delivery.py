"""A call of `deliver`: requests in order, retries, splitting, and the outcome of each alert.

* A refusal of the body (400, 413, 422) with several alerts is retried in halves, so that only the alert to blame is
  rejected.
* A receiver that answers for each alert (`_bulk`) decides each one's outcome.
* A failure (429, 500, a redirect, a hang, no connection, an open circuit) ends the call, so that alerts keep their
  order: alerts that were not sent are retried later without using an attempt.
* When a request has failed three times in a way for which one of its alerts may be to blame (500, 502, a hang, a closed
  connection), it is retried in halves, and other requests no longer wait for it: an alert that cannot be delivered must
  not block others. From then on its attempts count.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from mozu.core.api import Outcome, Record, Rejected, Retry
from mozu.core.common.alert_batches import AlertBatch, Batcher
from mozu.plugins.sinks.webhook.circuit_breaker import CircuitBreaker
from mozu.plugins.sinks.webhook.response import Response, Verdict

_SPLIT_AFTER = 3
"""Failures of one request after which its alerts are blamed, and it is split."""


class Delivery:
    """A call of `deliver`. `post` sends one request."""

    def __init__(
        self,
        post: Callable[[AlertBatch], Awaitable[Response]],
        circuit: CircuitBreaker,
        batcher: Batcher,
        clock: Callable[[], float],
    ) -> None:
        self._post, self._circuit, self._batcher, self._clock = post, circuit, batcher, clock
        self._outcomes: dict[int, Outcome] = {}
        """Outcomes, by number of the alert."""
        self._retry_after: float | None = None
        """Seconds after which to retry, once nothing more may be sent in this call; else None."""
        self._reason = ""
        """The reason of the last request of this call that is retried."""

    async def run(self, batches: Sequence[AlertBatch], concurrency: int) -> None:
        """Send requests until all are sent or one fails; if the first probes for the circuit breaker, send it alone."""
        queue = iter(batches)
        left = self._circuit.left(self._clock())
        if left > 0:
            self._retry_after = left
        elif not self._circuit.closed or concurrency == 1:
            await self._work(queue, most=None if concurrency == 1 else 1)
        if self._retry_after is None and concurrency > 1:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(concurrency, len(batches))):
                    tasks.create_task(self._work(queue, most=None))
        for batch in queue:
            self._postpone(batch)

    def outcomes(self, records: Sequence[Record]) -> list[Outcome]:
        """Return one outcome per record."""
        return [self._outcomes[record.stamp.sequence] for record in records]

    async def _work(self, queue: Iterator[AlertBatch], most: int | None) -> None:
        sent = 0
        while self._retry_after is None and sent != most:
            batch = next(queue, None)
            if batch is None:
                return
            await self._send(batch)
            sent += 1

    async def _send(self, batch: AlertBatch) -> None:
        if self._retry_after is not None:
            self._postpone(batch)
            return
        response = await self._post(batch)
        self._update_circuit(response)
        batch.failures += response.verdict is Verdict.RETRY and response.blames_body
        several = len(batch.records) > 1
        if response.verdict is Verdict.ACCEPTED and response.outcomes is not None:
            self._set_outcomes(batch, response.outcomes)
        elif response.verdict is Verdict.ACCEPTED:
            self._set_outcome(batch, None)
        elif response.verdict is Verdict.REJECTED and not (response.blames_body and several):
            self._set_outcome(batch, Rejected(response.reason))
        elif response.verdict is Verdict.REJECTED or (several and self._blames_alerts(batch, response)):
            for half in batch.halves():
                await self._send(half)
        else:
            self._retry(batch, response)

    def _retry(self, batch: AlertBatch, response: Response) -> None:
        blames_alerts = self._blames_alerts(batch, response)
        if not blames_alerts:
            self._retry_after = max(self._retry_after or 0.0, response.retry_after)
        self._set_outcome(batch, Retry(response.retry_after, tried=blames_alerts, reason=response.reason))
        self._batcher.remember(batch)
        self._reason = response.reason

    def _blames_alerts(self, batch: AlertBatch, response: Response) -> bool:
        return response.blames_body and batch.failures >= _SPLIT_AFTER

    def _update_circuit(self, response: Response) -> None:
        """Report success or failure of the endpoint to the circuit breaker."""
        if response.verdict is not Verdict.RETRY:
            self._circuit.succeeded()
            return
        now = self._clock()
        self._circuit.failed(now)
        left = self._circuit.left(now)
        if left > 0:
            self._retry_after = max(left, response.retry_after)

    def _set_outcome(self, batch: AlertBatch, outcome: Outcome) -> None:
        for record in batch.records:
            self._outcomes[record.stamp.sequence] = outcome

    def _set_outcomes(self, batch: AlertBatch, outcomes: Sequence[Outcome]) -> None:
        for record, outcome in zip(batch.records, outcomes, strict=True):
            self._outcomes[record.stamp.sequence] = outcome

    def _postpone(self, batch: AlertBatch) -> None:
        self._set_outcome(batch, Retry(self._retry_after or 0.0, tried=False, reason=self._reason))
        if batch.tried:
            self._batcher.remember(batch)
